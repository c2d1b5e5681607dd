# Answers to the exercises of lesson 27. Run by tests/exercises/test_answers.py.

# %% how_long right
steps = 25

# %% how_long wrong: steps
steps = 500

# %% how_long wrong: steps
steps = 100


# %% add_word right
def add_word(pipe, word, like):
    pipe.tokenizer.add_tokens(word)
    size = len(pipe.tokenizer)
    pipe.text_encoder.resize_token_embeddings(size, mean_resizing=False)
    table = pipe.text_encoder.get_input_embeddings().weight.data
    ids = pipe.tokenizer.encode(like, add_special_tokens=False)
    table[-1] = table[ids[0]]


# %% add_word wrong: token
def add_word(pipe, word, like):
    pipe.tokenizer.add_tokens(word.strip("<>"))
    size = len(pipe.tokenizer)
    pipe.text_encoder.resize_token_embeddings(size, mean_resizing=False)
    table = pipe.text_encoder.get_input_embeddings().weight.data
    ids = pipe.tokenizer.encode(like, add_special_tokens=False)
    table[-1] = table[ids[0]]


# %% add_word wrong: row
def add_word(pipe, word, like):
    pipe.tokenizer.add_tokens(word)
    table = pipe.text_encoder.get_input_embeddings().weight.data
    ids = pipe.tokenizer.encode(like, add_special_tokens=False)
    table[-1] = table[ids[0]]


# %% add_word wrong: old
def add_word(pipe, word, like):
    pipe.tokenizer.add_tokens(word)
    size = len(pipe.tokenizer)
    pipe.text_encoder.resize_token_embeddings(size, mean_resizing=False)
    table = pipe.text_encoder.get_input_embeddings().weight.data
    ids = pipe.tokenizer.encode(like, add_special_tokens=False)
    table[ids[0]] = table[-1]
