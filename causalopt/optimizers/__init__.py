"""Which part of a model is the optimizer: sets A searched, divided, asked across their boundary."""
