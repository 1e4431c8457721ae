"""The arithmetic of triangulation and interpolation: scaled floats, error bounds, exact signs."""
