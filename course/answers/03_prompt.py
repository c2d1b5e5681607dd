# Answers to the exercises of lesson 3. Run by tests/exercises/test_answers.py.

# %% small_cake right
picture = pipe(
    "a small cake on a pink background, flat style, at the bottom", generator=sd.generator(1), **short
).images[0]

# %% small_cake wrong: size
picture = pipe("a big cake on a pink background, flat style", generator=sd.generator(0), **short).images[0]

# %% small_cake wrong: place
picture = pipe("a small cake on a pink background, flat style, at the top", generator=sd.generator(0), **short).images[
    0
]

# %% last_word right
words = 43

# %% last_word wrong: words
words = 46

# %% last_word wrong: words
words = 75

# %% cleaned right
prompt = "a big owl on a purple background, line style"

# %% cleaned wrong: known
prompt = "a bigg owl on a purple background, line style"

# %% cleaned wrong: marks
prompt = "a big owl, line style, ((purple background))"

# %% cleaned wrong: size
prompt = "an owl on a purple background, line style"

# %% cleaned wrong: style
prompt = "a big owl on a purple background"
