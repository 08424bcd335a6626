"""Models that are trained: gradients through a run, updates by Adam, and Op along them."""
