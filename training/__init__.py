"""How the built-in model is made: data, tokenizer, VAE, denoiser, judge, evaluation."""
