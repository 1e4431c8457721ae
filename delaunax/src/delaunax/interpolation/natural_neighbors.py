"""Interpolation by natural neighbours: smooth, exact where the values are linear, and without a parameter.

A query that is inserted into the Voronoi diagram of the points gets a cell, which takes area from the cells of its natural
neighbours. Sibson's weights are the shares of that area (Sibson 1981, Interpreting Multivariate Data, 21). The interpolant has
a continuous gradient except at the points. Laplace's weights are the lengths of the new cell's edges, divided by the distances
of the neighbours (Belikov et al. 1997, Comput. Math. Math. Phys. 37, 9; Sukumar, Moran, Semenov & Belikov 2001, Int. J. Numer.
Methods Eng. 50, 1). The interpolant is continuous. Both kinds depend on the points alone, so the weights change continuously
where an edge of the triangulation flips.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arguments import as_given, points_and_queries
from delaunax.arithmetic.scaling import factor_to_order_one, largest_exponent, scaled_differentiably
from delaunax.interpolation import ring_maps
from delaunax.interpolation.cavity import circles_from, to_order_one
from delaunax.interpolation.ring import Queries, begin, triangle_of
from delaunax.interpolation.ring_maps import Cavities
from delaunax.interpolation.shares import KINDS
from delaunax.location.nearest import nearest_of
from delaunax.location.queries import starts_of
from delaunax.location.walk import simplices_at
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather
from delaunax.triangulation import Triangulation, widened


class NaturalNeighbors(NamedTuple):
    """The natural neighbours of Q queries, in a table of K places.

    Attributes
    ----------
    vertices
        (Q, K) int32, the neighbours counter-clockwise; -1 in unused places.
    weights
        (Q, K) float, their weights, which sum to one; 0 in unused places. NaN in rows with more than K neighbours, of queries
        that are not finite, and of triangulations that are not certified.
    count
        (Q,) int32, the number of neighbours: also where it exceeds K; 0 for a query that is not finite.
    """

    vertices: jax.Array
    weights: jax.Array
    count: jax.Array  # type: ignore[assignment]  # A tuple's method.


def natural_neighbor_weights(
    triangulation: Triangulation,
    points: Any,
    query_points: Any,
    kind: str = "sibson",
    max_neighbors: int = 32,
) -> NaturalNeighbors:
    """The natural neighbours of every query point and their weights; works under `jit` and `vmap`, and on NumPy arrays.

    The weights are differentiable with respect to points and queries, once. Which neighbours there are is decided exactly.
    On a hull edge, weights are linear along the edge. At a point, its weight is one. Outside the hull, the nearest vertex has
    weight one, as for `locate`.

    Parameters
    ----------
    triangulation
        The triangulation of the points, from `triangulate`.
    points
        (N, 2) float, the vertices.
    query_points
        (Q, 2) float, the query points; or (..., 2), or a tuple (x, y), for tables of shape (..., K).
    kind
        "sibson" or "laplace".
    max_neighbors
        The number of places K, static.

    Returns
    -------
    NaturalNeighbors

    Raises
    ------
    ValueError, TypeError
        If an argument has a wrong shape, or a dtype that `triangulate` does not take, if there is no such kind, or if
        `max_neighbors` is below 1.
    """
    check_kind(kind)
    if max_neighbors < 1:
        raise ValueError(f"`max_neighbors` is {max_neighbors}; give 1 or more.")
    points, queries, shape = points_and_queries(points, query_points, triangulation)
    triangulation = widened(triangulation, points.dtype)
    found = _neighbors(kind, max_neighbors, triangulation, points, at_least_one(queries))
    found = jax.tree.map(lambda rows: rows[: len(queries)].reshape(shape + rows.shape[1:]), found)
    return as_given(query_points, found)


def at_least_one(query_points):
    """The queries, or one if there is none: loops over no row cannot be compiled."""
    return query_points if len(query_points) else jnp.zeros((1, 2), query_points.dtype)


def check_kind(kind):
    if kind not in KINDS:
        raise ValueError(f"`kind` is {kind!r}; give one of {', '.join(map(repr, KINDS))}.")


@partial(jax.jit, static_argnums=(0, 1))
def _neighbors(kind, width, triangulation, points, query_points):
    cavities = cavities_of(triangulation, points, query_points)
    vertices, shares, count = ring_maps.rings(kind, width, cavities)
    shares = _attached(kind, width, shares, cavities, points, query_points)
    total = shares.sum(axis=1, keepdims=True)
    weights = shares / jnp.where(total > 0.0, total, 1.0)
    on_ends = cavities.ends[:, :1] >= 0
    number = (cavities.ends >= 0).sum(axis=1, dtype=jnp.int32)
    count = jnp.where(on_ends[:, 0], number, count)
    known = ((count > 0) & (count <= width))[:, None]
    vertices = jnp.where(on_ends, _padded(cavities.ends, width, NONE), vertices)
    of_ends = weights_of_ends(points, query_points, cavities.ends)
    weights = jnp.where(on_ends, _padded(of_ends, width, 0.0), weights)
    return NaturalNeighbors(jnp.where(known, vertices, NONE), jnp.where(known, weights, jnp.nan), count)


def _padded(columns, width, value):
    """(Q, width): (Q, 2) columns and a value behind them."""
    return jnp.pad(columns, ((0, 0), (0, max(width - 2, 0))), constant_values=value)[:, :width]


def weights_of_ends(points, query_points, ends):
    """(Q, 2) float: weights on the ends of an edge, linear along it, or one and zero for a single vertex."""
    is_edge = ends[:, 1:] >= 0
    points, query_points = _to_order_one(points, query_points)
    tail, head = (gather(points, jnp.maximum(ends[:, k], 0)) for k in range(2))
    # In other rows, any edge and query keep derivatives finite.
    along = jnp.where(is_edge, head - tail, 1.0)
    offset = jnp.where(is_edge, query_points - tail, 0.0)
    factor = lax.stop_gradient(1.0 / jnp.abs(along).max(axis=1, keepdims=True))
    along, offset = along * factor, offset * factor
    part = jnp.clip((offset * along).sum(axis=1) / (along**2).sum(axis=1), 0.0, 1.0)
    return jnp.stack([1.0 - part, part], axis=1)


def _to_order_one(points, query_points):
    """Points and queries times a power of two, by their bits: XLA reads subnormal numbers as zero."""
    exponent = largest_exponent(lax.stop_gradient(points))
    return scaled_differentiably(points, exponent), scaled_differentiably(query_points, exponent)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _attached(kind, width, shares, cavities, points, query_points):
    """The shares, which change as points and queries move."""
    return shares


@partial(_attached.defjvp, symbolic_zeros=True)
def _attached_jvp(kind, width, primals, tangents):
    shares, cavities, points, query_points = primals
    moves = moves_of(points, query_points, *tangents[2:])
    return shares, ring_maps.moved_shares(kind, width, cavities, moves, (points, query_points))


def moves_of(points, query_points, d_points, d_query_points):
    """Tangents of points and queries in the unit of the cavities, in which coordinates are of order one."""
    factor = factor_to_order_one(largest_exponent(lax.stop_gradient(points)), points.dtype)
    return tuple(
        jnp.zeros_like(primal) if is_zero(tangent) else tangent * factor
        for primal, tangent in ((points, d_points), (query_points, d_query_points))
    )


def is_zero(tangent):
    return isinstance(tangent, jax.custom_derivatives.SymbolicZero)


def cavities_of(triangulation: Triangulation, points: Array, query_points: Array) -> Cavities:
    """The `Cavities` of (Q, 2) queries; gradients stop here."""
    return _cavities(*lax.stop_gradient((triangulation, points, query_points)))


@by_platform
@platform.fused
def _cavities(triangulation, points, query_points):
    tree = triangulation.tree
    circles = circles_from(tree.points, points, triangulation.simplices, triangulation.neighbors)
    scaled_points, finite, corners, start = starts_of(triangulation, query_points)
    known = finite & triangulation.certified
    simplex = jnp.where(known, simplices_at(triangulation, corners, scaled_points, start), NONE)
    outside = known & (simplex < 0)
    nearest = jnp.where(outside, nearest_of(triangulation, scaled_points, start, outside), NONE)
    (x, y), row = scaled_points.T, lax.iota(np.int32, len(query_points))
    queries = Queries(x, y, query_points, jnp.ones_like(x), jnp.full_like(row, NONE), row)
    corner, ends = begin(circles, simplex, nearest, queries)
    queries = queries._replace(corner=corner, scale=_scales(circles, corner))
    return Cavities(circles, queries, ends, outside)


def _scales(circles, corner):
    """(Q,) float: powers of two that bring the triangle of a corner to order one."""
    ends = [
        gather(circles.points, gather(circles.vertex, 3 * triangle_of(jnp.maximum(corner, 0)) + k)) for k in range(3)
    ]
    edges = [(ends[k][:, 0] - ends[k - 1][:, 0], ends[k][:, 1] - ends[k - 1][:, 1]) for k in range(3)]
    _, factor = to_order_one(*edges)
    # Areas of cells that are far larger than this triangle have to be in range, too.
    return jnp.minimum(factor, 2.0 ** (int(jnp.finfo(factor.dtype).maxexp) // 2 - 7))
