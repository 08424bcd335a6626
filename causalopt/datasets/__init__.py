"""Images of digits to train networks on: read from a checked source, kept, selected, shuffled."""
