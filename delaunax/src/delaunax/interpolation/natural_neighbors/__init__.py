"""Natural neighbours: Sibson's and Laplace's weights, and the interpolator that needs no table of them."""

from delaunax.interpolation.natural_neighbors.interpolator import NaturalNeighborInterpolator
from delaunax.interpolation.natural_neighbors.weights import (
    NaturalNeighborRows,
    NaturalNeighbors,
    natural_neighbor_rows,
    natural_neighbor_weights,
)

__all__ = [
    "NaturalNeighborInterpolator",
    "NaturalNeighborRows",
    "NaturalNeighbors",
    "natural_neighbor_rows",
    "natural_neighbor_weights",
]
