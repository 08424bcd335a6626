"""What users call, timed whole beside C written by hand and beside the best other packages."""
