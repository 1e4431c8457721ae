"""autoarray's own code with natural neighbour weights in rational arithmetic: the reference where `DelaunayNN` is wrong."""

import autolens as al
import numpy as np
from autoarray.inversion.mesh.interpolator.delaunay import InterpolatorDelaunay
from autonerves import cached_property

from delaunax import oracle


def exact_weights(points, queries):
    """(Q, K) int and float: the vertices with a Sibson weight above zero and the weights; -1 and 0 in unused places."""
    found = [oracle.natural_neighbor_weights_of(points, query) for query in queries]
    mappings = np.full((len(queries), max(map(len, found))), -1)
    weights = np.zeros(mappings.shape)
    for row, each in enumerate(found):
        mappings[row, : len(each)], weights[row, : len(each)] = list(each), [float(weight) for weight in each.values()]
    return mappings, weights


class InterpolatorOracleNaturalNeighbor(InterpolatorDelaunay):
    """autoarray's tables of a Delaunay mesh on NumPy, with exact Sibson weights; takes milliseconds per data point."""

    @cached_property
    def _mappings_sizes_weights(self):
        mappings, weights = exact_weights(self.mesh_grid_xy, self.data_grid.over_sampled.array)
        return mappings, (mappings >= 0).sum(axis=1), weights

    @cached_property
    def _mappings_sizes_weights_split(self):
        mappings, weights = exact_weights(self.mesh_grid_xy, self.delaunay.split_points)
        spare = ((0, 0), (0, 1))
        return np.pad(mappings, spare, constant_values=-1), (mappings >= 0).sum(axis=1), np.pad(weights, spare)


class OracleNaturalNeighbor(al.mesh.Delaunay):
    """A mesh with exact natural neighbour weights, on NumPy only."""

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        return InterpolatorOracleNaturalNeighbor
