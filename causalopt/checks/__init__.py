"""What is doubtful or wrong in a model file: all mistakes at once, warnings, and units."""
