"""What a result shows of itself, in parts, and these parts as text and as HTML."""
