"""Entropies, optimizing strength and its relatives (Parts 1 and 2).

    >>> from causalopt import load
    >>> from causalopt.entropy.declared import strength
    >>> strength(load("thermostat_smart")).to_dict()["optimizing_strength"].__round__(7)
    2.1971597

`declared` asks a declared model, `decorrelation` a model of tables, `continuous` polygons,
Gaussians and samples; `epsilon` is the point-state limit; `bridge` sets Op beside it; `relatives`
holds other people's measures.
"""
