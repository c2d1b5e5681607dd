# Answers to the exercises of lesson 8. Run by tests/exercises/test_answers.py.

# %% another right
shot = sd.sweep(pipe, PROMPT, seed=2, num_inference_steps=8, scheduler=["Euler a"])[0]

# %% another wrong: another
shot = sd.sweep(pipe, PROMPT, seed=2, num_inference_steps=8, scheduler=["DPM++ 2M"])[0]

# %% another wrong: object
shot = sd.sweep(pipe, PROMPT, seed=2, num_inference_steps=8, scheduler=["PNDM"])[0]

# %% another wrong: settings
shot = sd.generate(pipe, PROMPT, seed=4, num_inference_steps=8)[0]

# %% another wrong: settings
shot = sd.generate(pipe, PROMPT, seed=2, num_inference_steps=8, eta=1)[0]

# %% whose right
name = "DPM++ 2M Karras"

# %% whose wrong: scheduler
name = "PNDM"

# %% whose wrong: scheduler
name = "DPM++ 2M"

# %% whose wrong: choice
name = "Karras"


# %% swap right
def drawn(pipe):
    before = pipe.scheduler
    call = {"generator": sd.generator(2), "num_inference_steps": 5}
    pipe.scheduler = UniPCMultistepScheduler.from_config(before.config)
    picture = pipe(PROMPT, **call).images[0]
    pipe.scheduler = before
    return picture


# %% swap wrong: heard
def drawn(pipe):
    call = {"generator": sd.generator(2), "num_inference_steps": 5}
    call["scheduler"] = UniPCMultistepScheduler.from_config(pipe.scheduler.config)
    return pipe(PROMPT, **call).images[0]


# %% swap wrong: picture
def drawn(pipe):
    before = pipe.scheduler
    call = {"generator": sd.generator(2), "num_inference_steps": 5}
    pipe.scheduler = UniPCMultistepScheduler()
    picture = pipe(PROMPT, **call).images[0]
    pipe.scheduler = before
    return picture


# %% swap wrong: left
def drawn(pipe):
    call = {"generator": sd.generator(2), "num_inference_steps": 5}
    pipe.scheduler = UniPCMultistepScheduler.from_config(pipe.scheduler.config)
    return pipe(PROMPT, **call).images[0]
