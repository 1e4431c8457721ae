"""The rings of queries one after the other, for a CPU.

As in `ring_lists`, an edge gives its place to the other two edges of the triangle across it if that triangle is in the cavity.
The first of the two is next; the second one waits on a stack. So the edges of a ring are found counter-clockwise, and no
triangle is tested twice. The shares follow once the ring is known.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.interpolation.natural_neighbors.circles import IN_CIRCLE_BIT, Circles, decide, in_circle
from delaunax.interpolation.natural_neighbors.ring import Queries, edge_at, keep, ring_turn
from delaunax.platform.indexing import NONE, gather, write
from delaunax.platform.rows import cond_as_loop
from delaunax.tables.corners import next_corner, previous_corner, triangle_of


class _Edges(NamedTuple):
    """The edges of one query. Parts of replaced edges in the shares of their ends are kept as in `ring_lists.Edges`.

    Attributes
    ----------
    corner, at_v, at_a
        () int32 and float, the next edge to test, and its parts.
    stack, stack_at_a, depth
        (N + 2,) int32 and float, the edges behind it and their parts at a, last first; none has a part at v yet. Their number;
        -1 if the ring is complete.
    ring, ring_at_v, number
        (N + 2,) int32 and float, the ring edges, and the parts at v of each and of the edge before; their number.
    before
        () float, the part at a of the last ring edge.
    """

    corner: jax.Array
    at_v: jax.Array
    at_a: jax.Array
    stack: jax.Array
    stack_at_a: jax.Array
    depth: jax.Array
    ring: jax.Array
    ring_at_v: jax.Array
    number: jax.Array
    before: jax.Array


def rings_in_sequence(
    kind: Any, circles: Circles, queries: Queries, visit: Callable, shared: Any
) -> tuple[Any, Array, Array]:
    """Visit the vertices of all rings, in the order of `walk_around`.

    Parameters
    ----------
    kind
        A value of `KINDS`.
    circles, queries
        The triangulation and the queries.
    visit
        `visit(shared, row, slot, vertex, share)` gives `shared` after a vertex of the ring of query `row`.
    shared
        Arrays: their initial values.

    Returns
    -------
    shared
        Their final values.
    total, count
        (Q,) float and int32, the sum of the shares of each ring, and the number of its vertices; 0 without a cavity.
    """
    corners = jnp.zeros(len(circles.points) + 2, jnp.int32)
    parts = jnp.zeros(len(corners), queries.x.dtype)

    def ring_of(carry, query):
        scratch, shared = carry
        edges = _ring(kind, circles, query, _triangle(query, scratch))
        total, shared = _shares(kind, circles, query, edges, visit, shared)
        scratch = edges.stack, edges.stack_at_a, edges.ring, edges.ring_at_v
        return (scratch, shared), (total, edges.number)

    (_, shared), (total, count) = lax.scan(ring_of, ((corners, parts, corners, parts), shared), queries)
    return shared, total, count


def _triangle(query, scratch):
    """The edges of the triangle of a query."""
    (stack, stack_at_a, ring, ring_at_v), none, nothing = scratch, np.int32(0), jnp.zeros_like(query.x)
    stack = write(stack, none, previous_corner(query.corner), next_corner(query.corner))
    stack_at_a = write(stack_at_a, none, nothing, nothing)
    depth = jnp.where(query.corner < 0, NONE, np.int32(2))
    return _Edges(query.corner, nothing, nothing, stack, stack_at_a, depth, ring, ring_at_v, none, nothing)


def _ring(kind, circles, query, edges):
    """The edges when the ring is complete. Its first edge stands behind the last one, too."""
    edges = platform.lockstep_while(
        lambda step, edges: (edges.depth >= 0) & (step <= len(circles.vertex)),
        lambda _, edges: _after_test(kind, circles, query, edges),
        edges,
    )
    return edges._replace(
        ring=write(edges.ring, edges.number, edges.ring[0]),
        ring_at_v=write(edges.ring_at_v, edges.number, edges.ring_at_v[0] + edges.before),
    )


def _after_test(kind, circles, query, edges):
    """The edges after a test of the next one."""
    across = gather(circles.opposite, edges.corner)
    triangle = triangle_of(jnp.maximum(across, 0))
    found = in_circle(circles, triangle, (query.x, query.y))
    place = keep(jnp.where(found.positive, IN_CIRCLE_BIT, jnp.where(found.negative, np.int32(0), NONE)))
    in_doubt = (across >= 0) & (place < 0)
    place = cond_as_loop(in_doubt, lambda _: decide(circles, query.unscaled[None], triangle[None])[0], place)
    is_inner = keep((across >= 0) & (place >= IN_CIRCLE_BIT))

    *_, along = edge_at(circles, query, edges.corner)
    cotangents = gather(circles.cotangent, edges.corner) + gather(circles.cotangent, across)
    added = keep(kind.of_inner(cotangents, along))
    # What is written for the other case is overwritten later, or never read.
    stack = write(edges.stack, edges.depth, previous_corner(across))
    stack_at_a = write(edges.stack_at_a, edges.depth, edges.at_a + added)
    below = edges.depth - 1
    return _Edges(
        corner=jnp.where(is_inner, next_corner(across), gather(stack, below)),
        at_v=jnp.where(is_inner, edges.at_v + added, 0.0),
        at_a=jnp.where(is_inner, 0.0, gather(stack_at_a, below)),
        stack=stack,
        stack_at_a=stack_at_a,
        depth=jnp.where(is_inner, edges.depth + 1, below),
        ring=write(edges.ring, edges.number, edges.corner),
        ring_at_v=write(edges.ring_at_v, edges.number, edges.before + edges.at_v),
        number=jnp.where(is_inner, edges.number, edges.number + 1),
        before=jnp.where(is_inner, edges.before, edges.at_a),
    )


def _shares(kind, circles, query, edges, visit, shared):
    """The () sum of the shares of a ring, and `visit` after all its vertices."""

    def turn_at(place):
        return ring_turn(circles, query, gather(edges.ring, place))

    def visited(place, carry):
        chain, total, shared = carry
        turn = turn_at(place)
        chain, share = kind.after(kind.joined(chain, gather(edges.ring_at_v, place)), turn)
        return chain, total + share, visit(shared, query.row, place - 1, turn.v, share)

    # The turn around the first vertex begins with the first edge.
    begun, _ = kind.after(kind.begun(query.x), turn_at(np.int32(0)))
    _, total, shared = lax.fori_loop(np.int32(1), edges.number + 1, visited, (begun, jnp.zeros_like(query.x), shared))
    return total, shared
