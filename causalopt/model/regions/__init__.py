"""Sets of nodes of a run: written in a text or built by operators, and what the graph says of them.

`selector_syntax` reads a text into an expression, `spacetime` is all nodes of one run with its
edges, `region` a set of them, and `set_evaluation` the set that an expression names. `neighbours`
are one edge away, `timeline` is one variable's nodes, `element_boxes` writes sets of elements as
ranges, `distances` has cones and tubes.
"""
