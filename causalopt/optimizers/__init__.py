"""Which part of a model is the optimizer? Sets A searched, ranked, grouped, divided and asked.

`node_sets` holds many sets, `set_effects` the effects beside each of them over one baseline: Op of
all sets from one W, in lanes. The statuses are those of a run with that set. `across` asks a region
from both sides of its boundary; `crossing_paths` says which pairs of nodes have a path through a
set.
"""
