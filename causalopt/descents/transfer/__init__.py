"""The transfer operator of a random map on a grid: powers, end state, escape rate."""
