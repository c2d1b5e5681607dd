# Answers to the exercises of lesson 28. Run by tests/exercises/test_answers.py.

# %% which_scale right
scale = 0.7

# %% which_scale right
scale = 0.6

# %% which_scale wrong: scale
scale = 1

# %% which_scale wrong: scale
scale = 0.5


# %% merged right
def merged(W, B, A, scale, alpha):
    return W + scale * alpha / B.shape[1] * (B @ A)


# %% merged wrong: alpha 6
def merged(W, B, A, scale, alpha):
    return W + scale * (B @ A)


# %% merged wrong: scale 0
def merged(W, B, A, scale, alpha):
    return (1 + scale) * W + alpha / B.shape[1] * (B @ A)


# %% merged wrong: scale 1
def merged(W, B, A, scale, alpha):
    return W + scale * alpha / len(B) * (B @ A)


# %% merged wrong: error
def merged(W, B, A, scale, alpha):
    return W + scale * alpha / len(A) * (A @ B)
