"""Which part of a model is the optimizer? Sets A searched, ranked, grouped and divided.

`node_sets` holds many sets, `set_effects` the effects beside each of them over one baseline: Op of
all sets from one W, in lanes. The statuses are those of a run with that set.
"""
