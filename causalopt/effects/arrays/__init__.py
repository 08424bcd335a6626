"""The same questions asked of arrays: n and m are vectors, Comp and Op those of their Jacobians.

`array_run` answers, `jacobian` holds total and direct derivatives and what is measured of them,
`rounding_twins` and `array_kinks` are what statuses rest on.
"""
