"""Sweeps of any measure over axes of any kind: in memory or in a store, on one machine or many.

`sweep_axes` reads axes, `sweep_plan` divides their points into tasks, `measures` say what is found
at a point, `task_runner` runs tasks, and `sweep_store` keeps them.
"""
