"""Exact Delaunay triangulation, point location and interpolation in the plane, in pure JAX."""

from delaunax import oracle
from delaunax.certificate import is_delaunay
from delaunax.explain import Explanation, explain
from delaunax.interpolation.barycentric import barycentric_weights
from delaunax.interpolation.griddata import griddata
from delaunax.interpolation.linear import LinearInterpolator, linear_interpolate
from delaunax.interpolation.natural_neighbors import (
    NaturalNeighborInterpolator,
    NaturalNeighborRows,
    NaturalNeighbors,
    natural_neighbor_rows,
    natural_neighbor_weights,
)
from delaunax.location import locate
from delaunax.location.find_simplex import find_simplex
from delaunax.tables.graph import VertexNeighbors, convex_hull, vertex_neighbor_vertices
from delaunax.triangulation import Triangulation, triangulate

__version__ = "0.1.0"

__all__ = [
    "Explanation",
    "LinearInterpolator",
    "NaturalNeighborInterpolator",
    "NaturalNeighborRows",
    "NaturalNeighbors",
    "Triangulation",
    "VertexNeighbors",
    "barycentric_weights",
    "convex_hull",
    "explain",
    "find_simplex",
    "griddata",
    "is_delaunay",
    "linear_interpolate",
    "locate",
    "natural_neighbor_rows",
    "natural_neighbor_weights",
    "oracle",
    "triangulate",
    "vertex_neighbor_vertices",
]
