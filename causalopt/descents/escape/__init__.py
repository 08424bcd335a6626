"""Escape: one question, four interchangeable members that answer it.

`by_operator` pulls the event back through the transfer operator, `by_ensemble` counts walkers,
`by_diffusion` solves the Fokker-Planck equation, `by_counting` counts sequences of picks. All read
the same random map and return the same `Answer`.
"""
