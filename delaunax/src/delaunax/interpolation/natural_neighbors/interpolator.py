"""Interpolation of values by natural neighbours, however many a query has: the sums need no table of neighbours."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.interpolation.interpolator import Interpolator
from delaunax.interpolation.natural_neighbors import ring_maps
from delaunax.interpolation.natural_neighbors.cavity import cavities_of
from delaunax.interpolation.natural_neighbors.weights import at_least_one, check_kind, weights_of_ends
from delaunax.platform.indexing import gather, rows_like
from delaunax.triangulation import Triangulation, widened


@jax.tree_util.register_pytree_node_class
class NaturalNeighborInterpolator(Interpolator):
    """Interpolate values by natural neighbours of their points, however many a query has.

    It is a pytree: it passes through `jit`, `vmap`, `scan` and `grad`, and carries its triangulation along. It can be pickled.
    Differentiable once with respect to points and values, by making it inside the function that is differentiated, and with
    respect to query points.

    Parameters
    ----------
    points
        (N, 2) float, the places of the values, or a tuple (x, y) of (N,) arrays.
    values
        (N, ...) float or complex; integers become floats.
    kind
        "sibson" for a continuous gradient except at the points, "laplace" for less work.
    fill_value
        The value of a query outside the hull: a number, or an array of shape (...); NaN by default.
    rescale
        Triangulate after scaling the points to the unit square, if x and y have different units.
    triangulation
        The `Triangulation` of the same points, if you have it already.

    Attributes
    ----------
    points, values, fill_value, triangulation
        The arrays in use: `points` are scaled to the unit square if `rescale` is true.

    Raises
    ------
    ValueError
        If an argument has a wrong shape, is a masked array, if there is no such kind, or if both `rescale` and
        `triangulation` are given.
    TypeError
        If an argument has a dtype that cannot be used.
    """

    kind: str

    def __init__(
        self,
        points: Any,
        values: Any,
        kind: str = "sibson",
        fill_value: Any = np.nan,
        rescale: bool = False,
        *,
        triangulation: Triangulation | None = None,
    ):
        check_kind(kind)
        self.kind = kind
        super().__init__(points, values, fill_value, rescale, triangulation)

    def _interpolated(self, points: Array, values: Array, fill_value: Array | np.ndarray, queries: Array) -> Array:
        triangulation = widened(self.triangulation, points.dtype)
        found = _interpolate(self.kind, triangulation, points, values, at_least_one(queries), fill_value)
        return found[: len(queries)]


@partial(jax.jit, static_argnums=0)
def _interpolate(kind, triangulation, points, values, query_points, fill_value):
    cavities = cavities_of(triangulation, query_points)
    columns = _real_columns(values)
    ones = jnp.ones_like(columns[:, :1])
    sums = _summed(kind, cavities, jnp.concatenate([columns, ones], axis=1), points, query_points)
    total = sums[:, -1:]
    smooth = sums[:, :-1] / jnp.where(total > 0.0, total, 1.0)
    on_ends = cavities.ends[:, :1] >= 0
    weights = weights_of_ends(points, query_points, cavities.ends).astype(columns.dtype)
    # A vertex alone stands twice: no other value, which may be NaN, has a part in it.
    ends = jnp.where(cavities.ends < 0, cavities.ends[:, :1], cavities.ends)
    of_ends = gather(columns, jnp.maximum(ends, 0))
    linear = jnp.where(cavities.ends[:, 1:] < 0, of_ends[:, 0], (weights[:, :, None] * of_ends).sum(axis=1))
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
