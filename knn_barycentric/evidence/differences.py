"""Regularization as differences: H = D'D + diag(zeroth), where every row of D is a difference of flux.

The formed matrix H rounds away what it makes of a constant source. D and the diagonal know it exactly: D maps a constant to
zero. Three terms of the log evidence need that: log det H, log det(F + H) and s'Hs.
"""

from typing import NamedTuple

import numpy as np
from autoarray.inversion import regularization as reg
from autoarray.inversion.mappers.abstract import Mapper
from autoarray.inversion.mesh.interpolator.delaunay import InterpolatorDelaunay
from autoarray.inversion.mesh.interpolator.knn import InterpolatorKNearestNeighbor

JITTER = 1.0e-8
"""autoarray adds this to the diagonal of every such matrix."""

WIDE = 33
"""Rows with more columns are multiplied as a dense matrix: natural neighbours have hundreds under JAX."""


class Differences(NamedTuple):
    """The regularization matrix of one mapper with P vertices, not formed.

    Row r of D compares one vertex with an interpolated flux: d_r = sum over k of weights[r, k] (s[own[r]] - s[others[r, k]]),
    and s'Hs is the sum of penalties d^2 and of zeroth s^2.

    Attributes
    ----------
    own
        (R,) int, the vertex of each row.
    others
        (R, K) int, the vertices that it is compared with.
    weights
        (R, K) float, their interpolation weights, which sum to one; zero in unused columns.
    penalties
        (R,) float, the factor of each squared difference.
    zeroth
        (P,) float, the diagonal that penalises flux itself, which is also H times a constant source of one.
    """

    own: np.ndarray
    others: np.ndarray
    weights: np.ndarray
    penalties: np.ndarray
    zeroth: np.ndarray

    def penalty_of(self, source):
        """() float, s'Hs of a (P,) source: a sum of squares."""
        differences = (self.weights * (source[self.own][:, None] - source[self.others])).sum(axis=1)
        return (self.penalties * differences**2).sum() + (self.zeroth * source**2).sum()

    def added_to(self, matrix, start, xp):
        """A matrix with H added to its P rows and columns from `start`."""
        if self.others.shape[1] > WIDE:
            return self._added_as_product(matrix, start, xp)
        vertices = xp.concatenate([xp.asarray(self.own)[:, None], self.others], axis=1) + start
        values = xp.concatenate([self.weights.sum(axis=1, keepdims=True), -self.weights], axis=1)
        products = self.penalties[:, None, None] * values[:, :, None] * values[:, None, :]
        places, diagonal = (vertices[:, :, None], vertices[:, None, :]), start + np.arange(len(self.zeroth))
        if xp is np:
            matrix = matrix.copy()
            np.add.at(matrix, places, products)
            matrix[diagonal, diagonal] += self.zeroth
            return matrix
        return matrix.at[places].add(products).at[diagonal, diagonal].add(self.zeroth)

    def _added_as_product(self, matrix, start, xp):
        """The same for wide rows: products of all pairs of their columns would not fit into memory."""
        number, rows = len(self.zeroth), np.arange(len(self.own))
        part = slice(start, start + number)
        if xp is np:
            formed = np.zeros((len(rows), number))
            np.add.at(formed, (rows[:, None], self.others), -self.weights)
            formed[rows, self.own] += self.weights.sum(axis=1)
            matrix = matrix.copy()
            matrix[part, part] += formed.T @ (self.penalties[:, None] * formed) + np.diag(self.zeroth)
            return matrix
        formed = xp.zeros((len(rows), number)).at[rows[:, None], self.others].add(-self.weights)
        formed = formed.at[rows, self.own].add(self.weights.sum(axis=1))
        return matrix.at[part, part].add(formed.T @ (self.penalties[:, None] * formed) + xp.diag(self.zeroth))


def differences_of(inversion):
    """One `Differences` per mapper of an inversion, or None where autoarray's own terms are to stand.

    They stand unless the regularized linear objects are the mappers, and every mapper has a Delaunay mesh and a scheme of
    `BUILDERS`. So they stand without a mesh or regularization, on rectangles, and with kernels.
    """
    pairs = list(zip(inversion.linear_obj_list, inversion.regularization_list))
    mappers = [pair for pair in pairs if isinstance(pair[0], Mapper)]
    if not mappers or mappers != [pair for pair in pairs if pair[1] is not None]:
        return None
    if not all(type(scheme) in BUILDERS for _, scheme in mappers):
        return None
    if not all(_is_delaunay(mapper.interpolator) for mapper, _ in mappers):
        return None
    return [BUILDERS[type(scheme)](scheme, mapper, inversion._xp) for mapper, scheme in mappers]


def _is_delaunay(interpolator):
    # Of nearest neighbours, rows of the split stencil without room for their own vertex are no differences under JAX.
    return isinstance(interpolator, InterpolatorDelaunay) and not isinstance(interpolator, InterpolatorKNearestNeighbor)


def constants_of(differences, xp):
    """(P, M) float of M mappers with P vertices in all: 1 where a column's mapper is, else 0."""
    sizes = [len(each.zeroth) for each in differences]
    return xp.asarray(np.repeat(np.eye(len(sizes)), sizes, axis=0))


def row_sums_of(differences, xp):
    """(P, M) float: H of all mappers times their `constants_of`, without rounding."""
    return constants_of(differences, xp) * xp.concatenate([each.zeroth for each in differences])[:, None]


def _constant(scheme, mapper, xp):
    return _neighbors(mapper, lambda own, others: xp.full(len(own), 0.5 * scheme.coefficient**2), xp)


def _adapt(scheme, mapper, xp):
    squares = scheme.regularization_weights_from(linear_obj=mapper, xp=xp) ** 2
    return _neighbors(mapper, lambda own, others: squares[others], xp)


def _adapt_power(scheme, mapper, xp):
    squares = scheme.regularization_weights_from(linear_obj=mapper, xp=xp) ** 2
    return _neighbors(mapper, lambda own, others: 0.25 * (squares[own] + squares[others]), xp)


def _neighbors(mapper, penalties_from, xp):
    """Every vertex less each of its neighbours, so that every edge of the mesh is there twice."""
    neighbors = mapper.neighbors
    own = np.repeat(np.arange(neighbors.shape[0]), neighbors.shape[1])
    others = xp.asarray(neighbors.reshape(-1))
    weights = xp.where(others < 0, 0.0, 1.0)[:, None]
    others = xp.where(others < 0, 0, others)
    return Differences(own, others[:, None], weights, penalties_from(own, others), xp.full(mapper.params, JITTER))


def _split(scheme, mapper, xp):
    """Every vertex less the flux at each arm of its split cross."""
    mappings, _, weights = mapper.interpolator._mappings_sizes_weights_split
    penalties = xp.repeat(scheme.regularization_weights_from(linear_obj=mapper, xp=xp) ** 2, 4)
    # autoarray gives no weight to the vertices of a triangle below 1e-12 squared arcsec: the row is the vertex alone.
    alone = xp.where((weights == 0.0).all(axis=1), penalties, 0.0)
    zeroth = JITTER + alone.reshape(-1, 4).sum(axis=1)
    own = np.repeat(np.arange(mapper.params), 4)
    return Differences(own, xp.where(mappings < 0, 0, mappings), weights, penalties, zeroth)


def _split_zeroth(scheme, mapper, xp):
    brightness = reg.BrightnessZeroth(coefficient=scheme.zeroth_coefficient, signal_scale=scheme.zeroth_signal_scale)
    weights = brightness.regularization_weights_from(linear_obj=mapper, xp=xp)
    split = _split(scheme, mapper, xp)
    return split._replace(zeroth=split.zeroth + weights**2)


BUILDERS = {
    reg.Constant: _constant,
    reg.Adapt: _adapt,
    reg.AdaptPower: _adapt_power,
    reg.ConstantSplit: _split,
    reg.AdaptSplit: _split,
    reg.AdaptSplitPower: _split,
    reg.AdaptSplitZeroth: _split_zeroth,
    reg.AdaptSplitZerothPower: _split_zeroth,
}
"""Scheme -> its `Differences` from (scheme, mapper, xp). A subclass may form another matrix and is not here."""
