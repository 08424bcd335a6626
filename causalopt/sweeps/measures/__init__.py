"""What a sweep finds at each of its points, one measure a file, all of one shape."""
