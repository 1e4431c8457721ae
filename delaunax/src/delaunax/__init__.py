"""Exact Delaunay triangulation, point location and linear interpolation in the plane, in pure JAX."""

from delaunax.certificate import is_delaunay
from delaunax.interpolation.barycentric import barycentric_weights
from delaunax.interpolation.linear import LinearInterpolator, linear_interpolate
from delaunax.location import locate
from delaunax.triangulation import Triangulation, triangulate

__version__ = "0.1.0"

__all__ = [
    "LinearInterpolator",
    "Triangulation",
    "barycentric_weights",
    "is_delaunay",
    "linear_interpolate",
    "locate",
    "triangulate",
]
