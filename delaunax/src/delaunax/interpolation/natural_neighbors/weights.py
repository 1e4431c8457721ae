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
from jax import lax

from delaunax.arguments import as_given, points_and_queries
from delaunax.arithmetic.scaling import largest_exponent, scaled_differentiably
from delaunax.arithmetic.triangle import dot, squared
from delaunax.interpolation.natural_neighbors import ring_maps
from delaunax.interpolation.natural_neighbors.cavity import cavities_of
from delaunax.interpolation.natural_neighbors.ring_rows import rings
from delaunax.interpolation.natural_neighbors.shares import KINDS
from delaunax.platform.indexing import NONE, gather
from delaunax.tables.corners import triangle_of
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
    _check_whole("max_neighbors", max_neighbors, least=1)
    points, queries, shape = points_and_queries(points, query_points, triangulation)
    triangulation = widened(triangulation, points.dtype)
    rows = _rows(kind, max_neighbors, 0, triangulation, points, at_least_one(queries))
    found = NaturalNeighbors(rows.vertices, rows.weights, rows.count)
    found = jax.tree.map(lambda rows: rows[: len(queries)].reshape(shape + rows.shape[1:]), found)
    return as_given(query_points, found)


class NaturalNeighborRows(NamedTuple):
    """The natural neighbours of Q queries in rows of K places: one row for each query, and spare rows for large rings.

    Attributes
    ----------
    vertices
        (R, K) int32, the neighbours; -1 in unused places. R is Q plus the number of spare rows.
    weights
        (R, K) float, their weights, which sum to one over all rows of a query; 0 in unused places. NaN in the row of a query
        without room, that is not finite, or of a triangulation that is not certified.
    query
        (R,) int32, the query of each row. Row q is the first one of query q. Of a spare row that is not used it is 0.
    slot
        (R,) int32, the place of a row's first neighbour among all neighbours of its query; meaningless in a spare row that is
        not used.
    count
        (Q,) int32, the number of neighbours: also of a query without room; 0 for a query that is not finite.
    triangle
        (Q, 3) int32, the vertices of a triangle with the query; -1 for a query at a vertex, on the hull or outside it.
    """

    vertices: jax.Array
    weights: jax.Array
    query: jax.Array
    slot: jax.Array
    count: jax.Array  # type: ignore[assignment]  # A tuple's method.
    triangle: jax.Array


def natural_neighbor_rows(
    triangulation: Triangulation,
    points: Any,
    query_points: Any,
    spare_rows: int,
    kind: str = "sibson",
    width: int = 8,
) -> NaturalNeighborRows:
    """Natural neighbours and weights as from `natural_neighbor_weights`, in a table that large rings do not make wide.

    A query with more neighbours than places has further rows, as far as there are spare rows; the queries come in order.

    Parameters
    ----------
    triangulation, points, query_points, kind
        As in `natural_neighbor_weights`; the queries have shape (Q, 2).
    spare_rows
        The number of spare rows, static. Of a query that finds none, the weights are NaN.
    width
        The number of places K of a row, static.

    Raises
    ------
    ValueError, TypeError
        As `natural_neighbor_weights`.
    """
    _check_whole("width", width, least=2)
    _check_whole("spare_rows", spare_rows, least=0)
    check_kind(kind)
    points, queries, shape = points_and_queries(points, query_points, triangulation)
    if len(shape) != 1:
        raise ValueError(f"`query_points` has shape {(*shape, 2)}; give query points of shape (number, 2).")
    # Loops over no row cannot be compiled. A query at a vertex needs no spare row.
    some = queries if len(queries) else points[:1]
    found = _rows(kind, width, spare_rows, widened(triangulation, points.dtype), points, some)
    return as_given(query_points, NaturalNeighborRows(*(each[len(some) - len(queries) :] for each in found)))


def at_least_one(query_points):
    """The queries, or one if there is none: loops over no row cannot be compiled."""
    return query_points if len(query_points) else jnp.zeros((1, 2), query_points.dtype)


def _check_whole(name, number, least):
    if not (isinstance(number, int | np.integer) and least <= number < 2**31):
        raise ValueError(f"`{name}` is {number!r}; give a whole number from {least} to {2**31 - 1}.")


def check_kind(kind):
    if not (isinstance(kind, str) and kind in KINDS):
        raise ValueError(f"`kind` is {kind!r}; give one of {', '.join(map(repr, KINDS))}.")


@partial(jax.jit, static_argnums=(0, 1, 2))
def _rows(kind, width, spare_rows, triangulation, points, query_points):
    cavities = cavities_of(triangulation, query_points)
    vertices, shares, query, total, count, spare = rings(kind, width, spare_rows, cavities)
    number, rows = len(query_points), len(vertices)
    shares = _attached(kind, shares, cavities, spare, points, query_points)
    total = _total(total, shares, query)
    weights = shares / gather(jnp.where(total > 0.0, total, 1.0), query)[:, None]

    def with_ends(table, columns, value):
        """A table with (Q, 2) columns in rows of queries without a ring."""
        columns = jnp.pad(columns, ((0, rows - number), (0, max(width - 2, 0))), constant_values=value)[:, :width]
        return jnp.where(jnp.pad(on_ends, (0, rows - number))[:, None], columns, table)

    on_ends = cavities.ends[:, 0] >= 0
    count = jnp.where(on_ends, jnp.where(cavities.ends[:, 1] >= 0, np.int32(2), np.int32(1)), count)
    known = (count > 0) & ((count <= width) | (spare < np.int32(rows * width)))
    known = jnp.pad(known, (0, rows - number), constant_values=True)[:, None]
    vertices = with_ends(vertices, cavities.ends, NONE)
    weights = with_ends(weights, weights_of_ends(points, query_points, cavities.ends), 0.0)
    corner = cavities.queries.corner
    triangle = gather(triangulation.simplices, triangle_of(jnp.maximum(corner, 0)))
    return NaturalNeighborRows(
        jnp.where(known, vertices, NONE),
        jnp.where(known, weights, jnp.nan),
        query,
        _slots(spare, query, width),
        count,
        jnp.where(corner[:, None] >= 0, triangle, NONE),
    )


def _slots(spare, query, width):
    """`NaturalNeighborRows.slot`: a spare row's distance from the place that the first row of its query would have there."""
    row = np.arange(len(query), dtype=np.int32)
    return jnp.where(row < len(spare), np.int32(0), row * np.int32(width) - gather(spare, query))


@jax.custom_jvp
def _total(total, shares, query):
    """The (Q,) sums of shares, which change as shares do."""
    return total


@_total.defjvp
def _total_jvp(primals, tangents):
    total, _, query = primals
    return total, jnp.zeros_like(total).at[query].add(tangents[1].sum(axis=1))


def weights_of_ends(points, query_points, ends):
    """(Q, 2) float: weights on the ends of an edge, linear along it, or one and zero for a single vertex."""
    is_edge = ends[:, 1:] >= 0
    points, query_points = _scaled_alike(points, query_points)
    tail, head = (gather(points, jnp.maximum(ends[:, k], 0)) for k in range(2))
    # In other rows, any edge and query keep derivatives finite.
    along = jnp.where(is_edge, head - tail, 1.0)
    offset = jnp.where(is_edge, query_points - tail, 0.0)
    # XLA reads subnormal numbers as zero. If the ends of an edge differ by one, the tail has all weight.
    longest = lax.stop_gradient(jnp.maximum(*jnp.abs(along.T)))[:, None]
    has_extent = longest >= jnp.finfo(along.dtype).tiny
    factor = 1.0 / jnp.where(has_extent, longest, 1.0)
    along, offset = jnp.where(has_extent, factor * along, 1.0), jnp.where(has_extent, factor * offset, 0.0)
    part = jnp.clip(dot(offset, along) / squared(along), 0.0, 1.0)
    return jnp.stack([1.0 - part, part], axis=1)


def _scaled_alike(points, query_points):
    """Points and queries times a power of two, by their bits: XLA reads subnormal numbers as zero."""
    exponent = largest_exponent(lax.stop_gradient(points))
    return scaled_differentiably(points, exponent), scaled_differentiably(query_points, exponent)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _attached(kind, shares, cavities, spare, points, query_points):
    """The shares, which change as points and queries move."""
    return shares


@partial(_attached.defjvp, symbolic_zeros=True)
def _attached_jvp(kind, primals, tangents):
    shares, cavities, spare, points, query_points = primals
    moves = ring_maps.moves_of(points, query_points, *tangents[3:])
    return shares, ring_maps.moved_shares(kind, shares.shape, cavities, spare, moves, (points, query_points))
