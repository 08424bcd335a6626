"""Which part of a model is the optimizer: sets A that are asked, compared and searched.

`node_sets` holds many sets, `set_effects` the effects beside each of them over one baseline: Op of
all sets from one W, in lanes. The statuses are those of a run with that set. `set_search` looks for
the best ones and says what a ranking is worth, `optimizers` asks and groups.

`across` asks a region from both sides of its boundary; `crossing_paths` says which pairs of nodes
have a path through a set. `natural_division` finds the sharpest split under a price, and `verdict`
tests whether there is an optimizer at all.
"""
