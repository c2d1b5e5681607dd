"""What happens inside a call, made visible: each step's noise, guesses and pictures."""
