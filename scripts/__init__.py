"""Scripts that run by hand and under pytest."""
