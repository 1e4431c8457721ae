"""autoarray's own code with right natural neighbour weights: the reference for `NaturalNeighbor`."""

import autolens as al
import jax
import numpy as np
from autoarray.inversion.mesh.interpolator.delaunay import (
    DelaunayInterface,
    InterpolatorDelaunay,
    barycentric_dual_area_from,
    split_points_from,
)
from autoarray.inversion.mesh.interpolator.sibson import scipy_delaunay_nn
from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN
from autonerves import cached_property
from scipy.spatial import Delaunay, cKDTree

import delaunax
from delaunax import oracle

WIDE_CAP = 512
"""Neighbours and cavity triangles of a query that `DelaunayNN`'s code gets where its own caps are too small."""

WIDTH_STEP = 32
"""The tables have a multiple of this number of columns."""

AGREE = 1.0e-10
"""Two rows of weights agree if the values that they interpolate differ by less, where all values are between 0 and 1."""


@jax.jit
def _interpolated(points, values, queries):
    return delaunax.NaturalNeighborInterpolator(points, values)(queries)


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
    ours = np.asarray(_interpolated(points, values, queries))
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


class InterpolatorOracleNaturalNeighbor(InterpolatorDelaunay):
    """autoarray's interpolator of a Delaunay mesh with `right_weights`, on NumPy or on JAX without `jit`.

    Areas and split points are autoarray's: on Qhull's triangulation with NumPy, and on the exact one with JAX, as in
    `NaturalNeighbor`.
    """

    @cached_property
    def _tables(self):
        """(delaunay, weights, split weights, replaced), computed on NumPy."""
        points, data = np.asarray(self.mesh_grid_xy), np.asarray(self.data_grid.over_sampled.array)
        if self.mesh.seed:
            signs = np.random.default_rng(self.mesh.seed).choice([-1.0, 1.0], points.shape)
            points = points + np.finfo(float).eps * np.abs(points).max() * signs
        simplices = Delaunay(points).simplices if self._xp is np else _exact_simplices(points)
        areas = barycentric_dual_area_from(mesh_grid=points, simplices=simplices, xp=np)
        split_points = split_points_from(points=points, area_weights=self.mesh.areas_factor * np.sqrt(areas), xp=np)
        queries = np.concatenate([data, split_points])
        mappings, weights, replaced = right_weights(points, queries, *_upstream_weights(points, queries))
        # JAX compiles again for every shape, so few widths occur.
        spare = ((0, 0), (0, -mappings.shape[1] % WIDTH_STEP))
        mappings, weights = np.pad(mappings, spare, constant_values=-1), np.pad(weights, spare)
        (mappings, split_mappings), (weights, split_weights) = (
            np.split(self._xp.asarray(each), [len(data)]) for each in (mappings, weights)
        )
        delaunay = DelaunayInterface(
            points=self.mesh_grid_xy,
            simplices=simplices,
            mappings=mappings,
            split_points=self._xp.asarray(split_points),
            splitted_mappings=split_mappings,
            xp=self._xp,
            dual_areas=self._xp.asarray(areas),
        )
        return delaunay, weights, split_weights, replaced

    @property
    def replaced(self):
        """How many rows of data points and split points come from rational arithmetic."""
        return int(self._tables[-1].sum())

    @property
    def delaunay(self):
        """The tables that autoarray reads from a Delaunay mesh."""
        return self._tables[0]

    @cached_property
    def _mappings_sizes_weights(self):
        delaunay, weights, _, _ = self._tables
        return delaunay.mappings, delaunay.sizes, weights

    @cached_property
    def _mappings_sizes_weights_split(self):
        delaunay, _, weights, _ = self._tables
        spare = ((0, 0), (0, 1))
        mappings = self._xp.pad(delaunay.splitted_mappings, spare, constant_values=-1)
        return mappings, delaunay.splitted_sizes, self._xp.pad(weights, spare)


def _upstream_weights(points, queries):
    """(Q, K) mappings and weights of `DelaunayNN` on NumPy; rows beyond its caps again, with wider caps."""
    _, _, mappings, _, weights, *_ = scipy_delaunay_nn(points, queries)
    beyond = np.flatnonzero(np.isnan(weights).any(axis=1))
    if not beyond.size:
        return mappings, weights
    caps = {"max_cavity_triangles": WIDE_CAP, "max_neighbors": WIDE_CAP}
    _, _, wide, _, wide_weights, *_ = scipy_delaunay_nn(points, queries[beyond], **caps)
    spare = ((0, 0), (0, WIDE_CAP - mappings.shape[1]))
    mappings, weights = np.pad(mappings, spare, constant_values=-1), np.pad(weights, spare)
    mappings[beyond], weights[beyond] = wide, wide_weights
    used = (mappings >= 0).any(axis=0)
    return mappings[:, used], weights[:, used]


def _exact_simplices(points):
    """(M, 3) int32, the triangles of `delaunax`."""
    triangulation = delaunax.triangulate(points)
    if not triangulation.certified:
        raise al.exc.MeshException("The mesh has a vertex that is not finite.")
    simplices = np.asarray(triangulation.simplices)
    return simplices[simplices[:, 0] >= 0]


class OracleNaturalNeighbor(DelaunayNN):
    """`DelaunayNN` with right weights and without its caps, on NumPy or on JAX without `jit`.

    Parameters
    ----------
    pixels, zeroed_pixels, areas_factor
        As in `DelaunayNN`.
    seed
        Unless 0, every vertex moves by the last bit of the largest coordinate, at random: ties break as the rounding of
        another program might break them.
    """

    def __init__(self, pixels: int, zeroed_pixels=0, areas_factor=0.5, seed: int = 0):
        super().__init__(pixels, zeroed_pixels, areas_factor)
        self.seed = int(seed)  # An `af.Model` makes floats of numbers.

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        return InterpolatorOracleNaturalNeighbor
