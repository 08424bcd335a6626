"""Points added where a measure changes fast, by the package adaptive, until they are enough.

`refinement_box` reads the ranges, `point_learner` chooses points and `refined_points` holds what
was found at them; `simplex_rule` integrates between them, with an error. `refining` asks, and
`refinement` is what it gives.
"""
