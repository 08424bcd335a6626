"""Results kept: a dataset as one table, and files by their suffix."""
