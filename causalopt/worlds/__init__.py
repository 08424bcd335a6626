"""Worlds and the surgery that makes them: W, X, Y and whatever interventions give.

`interventions` are values, `world` computes what they lead to; `noise` is what a world draws, from
the random `streams` that all worlds of a seed share.
"""
