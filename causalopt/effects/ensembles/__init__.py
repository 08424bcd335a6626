"""The same question under many draws of noise: one seed a lane, and what Op is over them.

`seed_lists` reads which seeds, `noise_lanes` runs them side by side, `seed_summary` and
`order_statistics` say what a measure is over seeds; `run_ensemble`, `sweep_ensemble` and
`rates_ensemble` are the results of `run`, `sweep` and `rates` with `seeds`.
"""
