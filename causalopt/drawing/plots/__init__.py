"""Plots of results, one file for each kind of result, as matplotlib figures of their own."""
