"""What triangulation and interpolation compute with: scaled floats, error bounds, exact signs."""
