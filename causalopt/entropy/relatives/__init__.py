"""Other people's measures of the same thing, one function in one file, each with its source."""
