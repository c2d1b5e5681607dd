# Answers to the exercises of lesson 23. Run by tests/exercises/test_answers.py.

# %% calm_car right
guider = sd.guider(guidance_scale=15, start=0.25, stop=0.7, guidance_rescale=0.7)

# %% calm_car right
guider = sd.guider("TangentialClassifierFreeGuidance", guidance_scale=15, guidance_rescale=0.7)

# %% calm_car wrong: stains
guider = sd.guider(guidance_scale=15, guidance_rescale=0.7)

# %% calm_car wrong: burnt
guider = sd.guider(guidance_scale=15, start=0.25, stop=0.7)

# %% calm_car wrong: scale
guider = sd.guider(guidance_scale=7.5, guidance_rescale=0.7)

# %% calm_car wrong: object
guider = sd.guider(guidance_scale=15, stop=0.0)

# %% calm_car wrong: error
guider = sd.guider("PerturbedAttentionGuidance", guidance_scale=15, perturbed_guidance_layers=[0])

# %% calm_car wrong: guider
with sd.guided(pipe, sd.guider(guidance_scale=15, guidance_rescale=0.7)):
    guider = pipe(CAR, generator=sd.generator(2), **short).images[0]

# %% first_guided right
step = 2

# %% first_guided wrong: step
step = 0

# %% first_guided wrong: step
step = 3

# %% first_guided wrong: number
step = 0.25
