"""Rules on arrays: a graph of array operations that is closed under differentiation.

`tensor` is one node of it and `building` makes nodes; `tangent` and `cotangent` return derivatives
as further nodes of the same kind, `lifting` gives a graph a leading axis, `folding` evaluates it
and `tensor_source` writes it as Python for numpy or jax.numpy.
"""
