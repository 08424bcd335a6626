"""causalopt: declare a causal model and ask who is optimizing what, and by how much."""
