"""What each lesson's exercises ask for, a module for each lesson, named as its notebook."""
