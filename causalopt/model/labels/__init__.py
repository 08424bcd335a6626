"""Finite domains in a declaration: tables, noise, and laws at t = 0.

`kinds` tells label variables from others, `noise_words` reads a noise's text, `records` holds what
was said, and `domains` reads and checks it, once, when a model is made.
"""
