"""Points added where a measure changes fast, by the package adaptive, until they are enough."""
