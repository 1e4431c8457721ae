"""Interpolation of values by natural neighbours, however many a query has: the sums need no table of neighbours."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arguments import as_given, coordinates_from, fill_value_from, points_and_queries, promoted, values_from
from delaunax.interpolation.natural_neighbors import ring_maps
from delaunax.interpolation.natural_neighbors.cavity import cavities_of
from delaunax.interpolation.natural_neighbors.weights import at_least_one, check_kind, weights_of_ends
from delaunax.platform.indexing import gather, rows_like
from delaunax.triangulation import Triangulation, triangulate, widened


@jax.tree_util.register_pytree_node_class
class NaturalNeighborInterpolator:
    """Interpolate values by natural neighbours of their points, however many a query has.

    It is a pytree: it passes through `jit`, `vmap`, `scan` and `grad`, and carries its triangulation along. Differentiable
    once with respect to points and values, by making it inside the function that is differentiated, and with respect to
    query points.

    Parameters
    ----------
    points
        (N, 2) float, where the values are.
    values
        (N, ...) float or complex.
    kind
        "sibson" for a continuous gradient except at the points, "laplace" for less work.
    fill_value
        What a query outside the hull gets; NaN by default.

    Raises
    ------
    ValueError
        If `points` is not of shape (N, 2), `values` has another length, or there is no such kind.
    TypeError
        If `points` has a dtype that `triangulate` does not take.
    """

    points: Array
    values: Array
    kind: str
    fill_value: Array
    triangulation: Triangulation

    def __init__(self, points: Any, values: Any, kind: str = "sibson", fill_value: Any = np.nan):
        check_kind(kind)
        self.points, self.kind = coordinates_from("points", points), kind
        self.values = values_from(values, self.points)
        self.fill_value = fill_value_from(fill_value, self.values)
        self.triangulation = triangulate(self.points)

    def __call__(self, query_points: Any) -> Array:
        """The interpolated values at query points.

        Parameters
        ----------
        query_points
            (..., 2) float, or a tuple (x, y) of arrays that broadcast to shape (...).

        Returns
        -------
        (..., ...) float or complex
            The axes of the queries, then the axes of one value. It is `fill_value` outside the hull, NaN where a query is not
            finite, and NaN everywhere if a point is not finite. A NumPy array if `query_points` is one.

        Raises
        ------
        ValueError, TypeError
            If the queries do not have shape (..., 2), or have a dtype that cannot be used.
        """
        points, queries, shape = points_and_queries(self.points, query_points)
        values = promoted(self.values, points.dtype)
        triangulation = widened(self.triangulation, points.dtype)
        arrays = triangulation, points, values, at_least_one(queries), self.fill_value.astype(values.dtype)
        found = _interpolate(self.kind, *arrays)[: len(queries)]
        return as_given(query_points, found.reshape(shape + found.shape[1:]))

    def tree_flatten(self):
        """The arrays, for JAX."""
        return (self.points, self.values, self.fill_value, self.triangulation), self.kind

    @classmethod
    def tree_unflatten(cls, kind, children):
        """An interpolator of the arrays, or of what JAX puts in their places."""
        new = object.__new__(cls)
        new.points, new.values, new.fill_value, new.triangulation = children
        new.kind = kind
        return new


@partial(jax.jit, static_argnums=0)
def _interpolate(kind, triangulation, points, values, query_points, fill_value):
    cavities = cavities_of(triangulation, points, query_points)
    columns = _real_columns(values)
    ones = jnp.ones_like(columns[:, :1])
    sums = _summed(kind, cavities, jnp.concatenate([columns, ones], axis=1), points, query_points)
    total = sums[:, -1:]
    smooth = sums[:, :-1] / jnp.where(total > 0.0, total, 1.0)
    on_ends = cavities.ends[:, :1] >= 0
    weights = weights_of_ends(points, query_points, cavities.ends).astype(columns.dtype)
    linear = (weights[:, :, None] * gather(columns, jnp.maximum(cavities.ends, 0))).sum(axis=1)
    interpolated = _like_values(jnp.where(on_ends, linear, smooth), values)

    known = on_ends[:, 0] | (cavities.queries.corner >= 0)
    with jax.numpy_dtype_promotion("standard"):
        filled = jnp.where(rows_like(cavities.outside, values), fill_value, interpolated)
        return jnp.where(rows_like(known, values), filled, jnp.nan)


def _real_columns(values):
    """(N, C) real columns of (N, ...) values."""
    columns = values.reshape(len(values), -1)
    return jnp.concatenate([columns.real, columns.imag], axis=1) if jnp.iscomplexobj(values) else columns


def _like_values(columns, values):
    """(Q, ...) values, real or complex like others, of their (Q, C) real columns."""
    if jnp.iscomplexobj(values):
        columns = lax.complex(*jnp.split(columns, 2, axis=1))
    return columns.reshape(len(columns), *values.shape[1:])


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _summed(kind, cavities, values, points, query_points):
    """(Q, C): the sums of shares times (N, C) values, which change with all of values, points and queries."""
    return ring_maps.sums(kind, cavities, values, (points, query_points))


@partial(_summed.defjvp, symbolic_zeros=True)
def _summed_jvp(kind, primals, tangents):
    cavities, values, points, query_points = primals
    _, d_values, d_points, d_query_points = tangents
    sums = ring_maps.sums(kind, cavities, values, (points, query_points))
    change = jnp.zeros_like(sums)
    if not ring_maps.is_zero(d_values):
        change = change + ring_maps.sums(kind, cavities, d_values, (points, query_points))
    if not (ring_maps.is_zero(d_points) and ring_maps.is_zero(d_query_points)):
        moves = ring_maps.moves_of(points, query_points, d_points, d_query_points)
        change = change + ring_maps.moved_sums(kind, cavities, values, moves, (points, query_points))
    return sums, change
