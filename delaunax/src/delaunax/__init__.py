"""Exact Delaunay triangulation, point location and linear interpolation in the plane, in pure JAX."""

from delaunax.certificate import is_delaunay
from delaunax.interpolation.barycentric import barycentric_weights
from delaunax.interpolation.linear import LinearInterpolator, linear_interpolate
from delaunax.interpolation.natural_neighbors import (
    NaturalNeighborInterpolator,
    NaturalNeighbors,
    natural_neighbor_weights,
)
from delaunax.location import locate
from delaunax.triangulation import Triangulation, triangulate

__all__ = [
    "LinearInterpolator",
    "NaturalNeighborInterpolator",
    "NaturalNeighbors",
    "Triangulation",
    "barycentric_weights",
    "is_delaunay",
    "linear_interpolate",
    "locate",
    "natural_neighbor_weights",
    "triangulate",
]
