"""Symbolic Op: Comp and Op as mathematics, exact and checked against the recurrence.

`derive` gives a `Derivation`: a closed form in the step t for linear models (and for models that
are linear along their path, or around the fixed point they start at), a straight-line program for
nonlinear ones, sums over paths for models without time.
"""
