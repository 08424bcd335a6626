"""Entropies, optimizing strength and its relatives (Parts 1 and 2)."""
