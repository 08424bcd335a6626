"""Op beside other people's measures, on the same models: a table, and searches for disagreement."""
