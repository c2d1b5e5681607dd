"""Exercises that check themselves: `check_answer`, `puzzle` and `hand_in`, and what each lesson's exercises ask for.

`checks/` has a module for each lesson, with a function for each exercise; `ja/` has the Japanese of all that they say.
"""
