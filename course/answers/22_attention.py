# Answers to the exercises of lesson 22. Run by tests/exercises/test_answers.py.

# %% not_pink right
weights = {7: 0, 8: 0}

# %% not_pink wrong: colour
weights = {6: 0}

# %% not_pink wrong: colour
weights = {6: 0, 7: 0}

# %% not_pink wrong: tokens
weights = dict.fromkeys(range(4, 12), 0)

# %% not_pink wrong: weights
weights = [7, 8]

# %% which_word right
word = "background"

# %% which_word wrong: word
word = "yellow"

# %% which_word wrong: word
word = "big"


# %% silence right
def silence(pipe, prompt, words):
    tokens = [token.text for token in sd.tokens(pipe, prompt)]
    return {"weights": {n: 0 for n, text in enumerate(tokens) if text in words}}


# %% silence wrong: prompt 2
def silence(pipe, prompt, words):
    parts = ["begin", *prompt.replace(",", "").split()]
    return {"weights": {n: 0 for n, text in enumerate(parts) if text in words}}


# %% silence wrong: prompt 1
def silence(pipe, prompt, words):
    tokens = [token.text for token in sd.tokens(pipe, prompt)]
    return {"weights": {n: 1 for n, text in enumerate(tokens) if text in words}}


# %% silence wrong: keys
def silence(pipe, prompt, words):
    tokens = [token.text for token in sd.tokens(pipe, prompt)]
    return {n: 0 for n, text in enumerate(tokens) if text in words}
