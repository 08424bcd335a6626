"""Walkers of a random map, run in numpy or machine code on counter-based picks."""
