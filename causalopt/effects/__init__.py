"""The effect of n on m, Comp and Op, and every question that is answered by them.

`finite` and `limit` give an `effect` along one run, `lanes` those of many; `measures` makes Comp,
Op and a status of it. `run`, `sweep`, `matrices`, `optimizers` and `rates` ask the questions.
"""
