"""The rings of many queries in one list, for a GPU.

The list begins with the three edges of every query's triangle, counter-clockwise. If the triangle across an edge is in the
cavity, its other two edges take the edge's place, until all edges are on the ring. All edges of all queries are tested
together. So a list takes as many steps as the deepest cavity has layers of triangles. A walk takes a step for every edge.

A replaced edge leaves its part of the shares of its two ends to the edges in its place. So no list of triangles is needed.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.interpolation.natural_neighbors.circles import IN_CIRCLE_BIT, Circles, decide, in_circle
from delaunax.interpolation.natural_neighbors.ring import Queries, edge_at, ring_turn
from delaunax.platform.indexing import NONE
from delaunax.platform.rows import cond_as_loop, map_where
from delaunax.tables.corners import next_corner, previous_corner, triangle_of

STEPS_PER_WAIT = 8
"""How many steps there are for each time that the host reads whether to go on. Most batches near a prior median need 7."""


class Edges(NamedTuple):
    """P places of edges: the rings of consecutive queries, each counter-clockwise. Edges that do not fit are lost.

    Attributes
    ----------
    query
        (P,) int32, the query of each edge; the number of queries in unused places, which are last.
    corner
        (P,) int32, the corner opposite each edge, in a triangle of the cavity.
    state
        (P,) int32: `OPEN` if the triangle across the edge is not tested yet, `IN_DOUBT` if integers have to test it, or
        `ON_RING`.
    at_v, at_a
        (P,) float, the parts of replaced edges in the shares of the two ends, v and then a.
    source
        (P,) int32, the place that an edge had before the last step; any place for the second of two new edges.
    """

    query: jax.Array
    corner: jax.Array
    state: jax.Array
    at_v: jax.Array
    at_a: jax.Array
    source: jax.Array


OPEN, ON_RING, IN_DOUBT = np.int32(0), np.int32(1), np.int32(2)


def at(array: Array, place: Array) -> Array:
    """An array at int32 places, in one launch for all lanes."""
    return platform.gather_lanes(array, place)


def queries_of(queries: Queries, place: Array) -> Queries:
    """The queries at int32 places."""
    return jax.tree.map(lambda each: at(each, place), queries)


def rings_from(first: Array, places: int, kind: Any, circles: Circles, queries: Queries) -> Edges:
    """The rings of the () int32 `first` query and the following ones, as many as fit into a list of so many `places`.

    The ring of the last place may have lost edges; the others are whole.
    """
    edges = _triangles(first, places, queries)

    def step(edges, is_inner):
        return _replaced(kind, circles, queries, edges, is_inner)

    def decide_all(edges):
        return step(*_decided(circles, queries, edges))

    # Traced once.
    @jax.jit
    def test_all(edges):
        return step(*_tested(circles, queries, edges))

    def several(_, edges):
        for _ in range(STEPS_PER_WAIT):
            edges = test_all(edges)
        return cond_as_loop((edges.state == IN_DOUBT).any(), decide_all, edges)

    return platform.lockstep_while(
        lambda trip, edges: (edges.state != ON_RING) & (trip <= len(circles.circle)), several, edges
    )


def _triangles(first, places, queries):
    """The edges of the triangles of the first queries."""
    place = lax.iota(np.int32, places)
    query = jnp.minimum(first + lax.div(place, np.int32(3)), np.int32(len(queries.x)))
    corner, side = at(queries.corner, query), lax.rem(place, np.int32(3))
    corner = jnp.where(side == 0, corner, jnp.where(side == 1, next_corner(corner), previous_corner(corner)))
    none = jnp.zeros(places, queries.x.dtype)
    has_ring = (query < len(queries.x)) & (at(queries.corner, query) >= 0)
    return Edges(query, corner, jnp.where(has_ring, OPEN, ON_RING), none, none, place)


def _tested(circles, queries, edges):
    """The edges after a test of the open ones in floating point, and which are inner edges of the cavity."""
    across = at(circles.opposite, edges.corner)
    query = at(queries.x, edges.query), at(queries.y, edges.query)
    found = in_circle(circles, triangle_of(jnp.maximum(across, 0)), query)
    is_open = edges.state == OPEN
    is_inner = is_open & (across >= 0) & found.positive
    closed = jnp.where((across < 0) | found.negative, ON_RING, IN_DOUBT)
    return edges._replace(state=jnp.where(is_open & ~is_inner, closed, edges.state)), is_inner


def _decided(circles, queries, edges):
    """As `_tested`, by integers, of the edges in doubt."""
    in_doubt = edges.state == IN_DOUBT
    across = triangle_of(jnp.maximum(at(circles.opposite, edges.corner), 0))
    rows = at(queries.unscaled, edges.query), across
    is_inner = map_where(in_doubt, lambda rows: decide(circles, *rows), rows) >= IN_CIRCLE_BIT
    return edges._replace(state=jnp.where(in_doubt, jnp.where(is_inner, OPEN, ON_RING), edges.state)), is_inner


def _replaced(kind, circles, queries, edges, is_inner):
    """The edges, with two open ones in the place of each inner one."""
    place = lax.iota(np.int32, len(is_inner))
    begins = place + platform.running_sums(is_inner)
    source = platform.scatter("set", edges.source, begins, place)
    # A place where no edge begins has the second edge of a pair.
    is_first = at(begins, source) == place
    origin = jnp.where(is_first, source, at(source, place - 1))
    is_new = at(is_inner, origin)
    query, corner, state, at_v, at_a = (at(each, origin) for each in edges[:-1])
    across = at(circles.opposite, corner)
    *_, along = edge_at(circles, queries_of(queries, query), corner)
    added = kind.of_inner(at(circles.cotangent, corner) + at(circles.cotangent, across), along)
    return Edges(
        query,
        jnp.where(is_new, jnp.where(is_first, next_corner(across), previous_corner(across)), corner),
        state,
        jnp.where(is_new, jnp.where(is_first, at_v + added, 0.0), at_v),
        jnp.where(is_new, jnp.where(is_first, 0.0, at_a + added), at_a),
        source,
    )


def first_places(edges: Edges, number: int) -> Array:
    """(Q + 1,) int32, the places where the rings of the queries in the list begin, and where the last one ends."""
    place = lax.iota(np.int32, len(edges.query))
    begins = (place == 0) | (at(edges.query, place - 1) != edges.query)
    return platform.scatter("set", jnp.zeros(number + 1, jnp.int32), jnp.where(begins, edges.query, NONE), place)


def shares_on(edges: Edges, begins: Array, kind: Any, circles: Circles, queries: Queries) -> tuple[Array, Array]:
    """(P,) int32 and float: the end a of each ring edge, and its share. Rings begin at `first_places`."""
    place = lax.iota(np.int32, len(edges.query))
    is_same = at(edges.query, place + 1) == edges.query
    following = jnp.where(is_same & (place + 1 < len(place)), place + 1, at(begins, edges.query))
    rows = queries_of(queries, edges.query)
    turn = ring_turn(circles, rows, edges.corner)
    chain, _ = kind.after(kind.begun(rows.x), turn)
    chain = kind.joined(chain, edges.at_a + at(edges.at_v, following))
    return turn.a, kind.after(chain, ring_turn(circles, rows, at(edges.corner, following)))[1]


def ring_sums(edges: Edges, values: Array, longest: int) -> Array:
    """(P,): the sums of values over each edge and those behind it in its ring, which has at most `longest` edges."""
    place, stride = lax.iota(np.int32, len(values)), 1
    while stride < longest:
        terms = []
        for number in range(8):
            other = place + np.int32(number * stride)
            is_same = (other < len(values)) & (at(edges.query, other) == edges.query)
            terms.append(jnp.where(is_same, at(values, other), 0.0))
        values, stride = sum(terms[1:], terms[0]), 8 * stride
    return values
