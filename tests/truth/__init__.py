"""The package beside foreign oracles, one module each: `python -m tests.truth` runs them all."""
