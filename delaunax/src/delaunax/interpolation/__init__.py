"""Interpolation of values on the triangulation, linear and by natural neighbours."""
