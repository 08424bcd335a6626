"""Which part of a model is the optimizer: sets A that are asked, compared and searched.

`across` asks a region from both sides of its boundary; `crossing_paths` says which pairs of nodes
have a path through a set.
"""
