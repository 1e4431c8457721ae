"""autoarray's own code with right natural neighbour weights: the reference for `NaturalNeighbor`, on NumPy."""

import numpy as np
from autoarray.inversion.mesh.interpolator.sibson import InterpolatorDelaunayNN
from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN
from autonerves import cached_property
from scipy.spatial import cKDTree

import delaunax
from delaunax import oracle

AGREE = 1.0e-10
"""Two rows of weights agree if the values that they interpolate differ by less, where all values are between 0 and 1."""


def right_weights(points, queries, mappings, weights):
    """Sibson weights of (Q, 2) queries: a table's where they are right, and rational arithmetic's elsewhere.

    A row of the table counts as right if `delaunax` interpolates the same values; outside the hull, if the nearest vertex has
    all the weight. Rational arithmetic decides whenever the two disagree.

    Returns
    -------
    mappings, weights
        (Q, K) int and float; -1 and 0 in unused places.
    replaced
        (Q,) bool, whether the weights come from rational arithmetic.
    """
    values = np.random.default_rng(0).random((len(points), 4))
    weights = np.where(mappings < 0, 0.0, weights)
    theirs = (weights[:, :, None] * values[mappings]).sum(axis=1)
    ours = np.asarray(delaunax.NaturalNeighborInterpolator(points, values)(queries))
    ours = np.where(np.isnan(ours), values[cKDTree(points).query(queries)[1]], ours)
    # A comparison with NaN is false.
    replaced = ~(np.abs(ours - theirs) < AGREE).all(axis=1)
    exact = [oracle.natural_neighbor_weights_of(points, query) for query in queries[replaced]]
    width = max([mappings.shape[1], *map(len, exact)])
    spare = ((0, 0), (0, width - mappings.shape[1]))
    mappings, weights = np.pad(mappings, spare, constant_values=-1), np.pad(weights, spare)
    mappings[replaced], weights[replaced] = -1, 0.0
    for row, each in zip(np.flatnonzero(replaced), exact, strict=True):
        mappings[row, : len(each)], weights[row, : len(each)] = list(each), [float(share) for share in each.values()]
    return mappings, weights, replaced


class InterpolatorOracleNaturalNeighbor(InterpolatorDelaunayNN):
    """autoarray's interpolator of `DelaunayNN` with `right_weights`, on NumPy only."""

    @cached_property
    def _data(self):
        tables, queries = self.delaunay, np.asarray(self.data_grid.over_sampled.array)
        return right_weights(self.mesh_grid_xy, queries, tables.mappings, tables.weights)

    @cached_property
    def _split(self):
        tables = self.delaunay
        return right_weights(self.mesh_grid_xy, tables.split_points, tables.splitted_mappings, tables.splitted_weights)

    @property
    def replaced(self):
        """How many rows of data points and split points come from rational arithmetic."""
        return int(self._data[2].sum() + self._split[2].sum())

    @cached_property
    def _mappings_sizes_weights(self):
        mappings, weights, _ = self._data
        return mappings, (mappings >= 0).sum(axis=1), weights

    @cached_property
    def _mappings_sizes_weights_split(self):
        mappings, weights, _ = self._split
        spare = ((0, 0), (0, 1))
        return np.pad(mappings, spare, constant_values=-1), (mappings >= 0).sum(axis=1), np.pad(weights, spare)


class OracleNaturalNeighbor(DelaunayNN):
    """`DelaunayNN` with right weights and without its caps, on NumPy only."""

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        return InterpolatorOracleNaturalNeighbor
