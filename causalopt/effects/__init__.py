"""The effect of n on m, Comp and Op, and every question that is answered by them.

`limit`, `backward` and `finite` give an effect along one run, `doubts` says how far it is known,
`measures` makes Comp, Op and a status of it. `run`, `matrices`, `sweeps` and `exponents` ask the
questions.
"""
