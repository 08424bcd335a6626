"""Pictures of the current of influence: edges as wide as it, unrolled in time or folded."""
