"""The random map of a model, and what follows from it in closed form: moments, runs, counts."""
