"""A walk around the ring of every query, which shows each edge that it turns through to a visitor.

A CPU walks around one query after the other; a GPU walks around all in lockstep. Steps are written for () or (Q,) arrays alike.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arithmetic.error_bounds import Vector
from delaunax.arithmetic.triangle import A, B, C
from delaunax.insertion.corner_table import after, before
from delaunax.interpolation.cavity import IS_INSIDE, IS_OUTSIDE, Circles, cross, decide, dot, in_circle, to_order_one
from delaunax.platform import backend
from delaunax.platform.indexing import NONE, gather


class Queries(NamedTuple):
    """Q queries.

    Attributes
    ----------
    x, y
        (Q,) float, coordinates of the scale of `Circles.points`.
    unscaled
        (Q, 2) float, the same as they are stored.
    corner
        (Q,) int32, a corner of a triangle of the cavity; -1 for a query without a cavity.
    row
        (Q,) int32, their places.
    """

    x: jax.Array
    y: jax.Array
    unscaled: jax.Array
    corner: jax.Array
    row: jax.Array


def decide_if(condition: Array, circles: Circles, query: Queries, triangle: Array) -> Array:
    """() int32: what `decide` finds of one query, if the () bool condition is true; else -1."""
    return backend.only_if(condition, lambda _: decide(circles, query.unscaled[None], triangle[None])[0], NONE)


def decide_where(which: Array, circles: Circles, queries: Queries, triangles: Array) -> Array:
    """(Q,) int32: what `decide` finds of those queries where the (Q,) bool `which` is true; -1 elsewhere."""
    if backend.one_by_one():
        return backend.map_rows(lambda row: decide_if(row[0], circles, *row[1:]), (which, queries, triangles))
    return backend.map_blocks(
        lambda rows: decide(circles, gather(queries.unscaled, rows), gather(triangles, rows)), queries.row, which
    )


class Turn(NamedTuple):
    """An edge of the cavity from v to a, opposite a corner of a triangle to its left; all (...,).

    Attributes
    ----------
    v, a
        int32, the current ring vertex and the other end.
    to_v, to_a, along
        Vectors: v and a as seen from the query, and a as seen from v.
    left, right
        float, cotangents of the angles that see the edge: `left` of the triangle, `right` of the triangle across. Of a ring
        edge `right` is minus the cotangent of the angle at the query, which sees the edge from the left, too. The Voronoi
        vertices to both sides of the edge are at the middle of the edge, plus left / 2, or minus right / 2, times `along`
        turned to the left.
    on_ring
        bool, whether the edge is one of the ring.
    slot
        int32, the place of v in the ring, from the first complete vertex on.
    ends, begins
        bool, whether the turn around v is complete with this edge, and whether the turn around a begins with it.
    counts
        bool, whether the turn around v is one that ends. The walk begins in the middle of one that does not count.
    moves
        bool, false for a walk that is complete or in doubt: then all that it found must stay as it is.
    row
        int32, the place of the query.
    """

    v: jax.Array
    a: jax.Array
    to_v: Vector
    to_a: Vector
    along: Vector
    left: jax.Array
    right: jax.Array
    on_ring: jax.Array
    slot: jax.Array
    ends: jax.Array
    begins: jax.Array
    counts: jax.Array
    moves: jax.Array
    row: jax.Array


class _Walk(NamedTuple):
    """How far the walk of a query is: the corner opposite the next edge, the corner of the first ring edge (-1 before), how
    many ring vertices are complete, whether floating point could not decide, what integers did (-1 if nothing), and whether
    the walk is complete.
    """

    corner: jax.Array
    first: jax.Array
    slot: jax.Array
    in_doubt: jax.Array
    answer: jax.Array
    done: jax.Array


def triangle_of(corner: Array) -> Array:
    """The row of a corner's triangle."""
    return lax.div(corner, np.int32(3))


def _begun(corner):
    no, none = jnp.zeros_like(corner, bool), jnp.full_like(corner, NONE)
    return _Walk(corner, none, jnp.zeros_like(corner), no, none, corner < 0)


def _turn(circles: Circles, query: Any, walk: _Walk) -> tuple[_Walk, Turn]:
    """The next step of a walk; one that is complete or in doubt stays as it is."""
    moves = ~(walk.done | walk.in_doubt)
    across = gather(circles.opposite, walk.corner)
    triangle = triangle_of(jnp.maximum(across, 0))
    found = in_circle(circles, triangle, (query.x, query.y))
    # The walk comes back to its first triangle, also if a query is just outside the hull and not in its circle.
    inner, is_known = across >= 0, (triangle == triangle_of(query.corner)) | (walk.answer >= 0)
    in_doubt = moves & inner & ~(is_known | found.positive | found.negative)
    moves = moves & ~in_doubt
    enters = inner & jnp.where(is_known, (walk.answer < 0) | (walk.answer == IS_INSIDE), found.positive)

    v, a = (gather(circles.vertex, corner) for corner in (after(walk.corner), before(walk.corner)))
    (vx, vy), (ax, ay) = ([gather(circles.points, vertex, axis) for axis in (A, B)] for vertex in (v, a))
    to_v, to_a, along = (vx - query.x, vy - query.y), (ax - query.x, ay - query.y), (ax - vx, ay - vy)
    on_ring = moves & ~enters
    is_first, is_last = on_ring & (walk.first < 0), on_ring & (walk.first == walk.corner)
    right = jnp.where(enters, gather(circles.cotangent, across), -cotangent_at_query(to_v, to_a, along))
    turn = Turn(
        v, a, to_v, to_a, along, gather(circles.cotangent, walk.corner), right,
        on_ring=on_ring,
        slot=walk.slot,
        ends=on_ring & ~is_first,
        begins=on_ring & ~is_last,
        counts=moves & (walk.first >= 0),
        moves=moves,
        row=query.row,
    )  # fmt: skip
    moved = _Walk(
        corner=jnp.where(moves, after(jnp.where(enters, across, walk.corner)), walk.corner),
        first=jnp.where(is_first, walk.corner, walk.first),
        slot=jnp.where(turn.ends, walk.slot + 1, walk.slot),
        in_doubt=in_doubt,
        answer=jnp.where(moves, NONE, walk.answer),
        done=walk.done | is_last,
    )
    return moved, turn


def cotangent_at_query(to_v: Vector, to_a: Vector, along: Vector) -> Array:
    """The cotangent of the angle at which a query sees a ring edge: finite on a hull edge, where the angle is straight."""
    (to_v, to_a, along), _ = to_order_one(to_v, to_a, along)
    return dot(to_v, to_a) / doubled_area(to_v, to_a, along)


def doubled_area(to_v: Vector, to_a: Vector, along: Vector) -> Array:
    """Twice the area of the query and a ring edge. On the edge it is so small that its ends have all the weight.

    A smaller one would spoil the gradients.
    """
    dtype = to_v[0].dtype
    # With the shorter side of the two at the query, the product is least rounded.
    to_nearer = jnp.where(dot(to_v, to_v) < dot(to_a, to_a), cross(to_v, along), cross(to_a, along))
    least = jnp.abs(dot(to_v, to_a)) * np.asarray(float(jnp.finfo(dtype).eps) ** 0.75, dtype)
    return jnp.maximum(to_nearer, least + jnp.finfo(dtype).tiny)


def walk_around(circles: Circles, queries: Queries, visit: Callable, own: Any, shared: Any) -> tuple[Any, Any, Array]:
    """Walk around the rings of all queries.

    Parameters
    ----------
    circles, queries
        The triangulation and the queries.
    visit
        `visit(own, shared, turn)` gives `own` and `shared` after a `Turn`.
    own
        (Q, ...) arrays of which each query has a row, as begun.
    shared
        Arrays that all queries share, as begun.

    Returns
    -------
    own, shared
        The same, in the end.
    count
        (Q,) int32, the number of ring vertices; 0 without a cavity.
    """
    number = np.int32(len(circles.vertex))

    def step(query, carry):
        walk, own, shared = carry
        walk, turn = _turn(circles, query, walk)
        return walk, *visit(own, shared, turn)

    def run(query, carry):
        return backend.while_any(
            lambda turn, carry: ~(carry[0].done | carry[0].in_doubt) & (turn <= 2 * number),
            lambda _, carry: step(query, carry),
            carry,
            at_once=4,
        )

    def probed(walk):
        return triangle_of(jnp.maximum(gather(circles.opposite, walk.corner), 0))

    def unfinished(turn, carry):
        return ~carry[0].done & (turn <= number)

    def one(shared, row):
        query, own = row

        def go_on(_, carry):
            walk, own, shared = carry
            answer = decide_if(walk.in_doubt, circles, query, probed(walk))
            return run(query, (walk._replace(answer=answer, in_doubt=np.False_), own, shared))

        walk, own, shared = backend.while_any(unfinished, go_on, (_begun(query.corner), own, shared))
        return shared, (own, walk.slot)

    def together(shared):
        def go_on(_, carry):
            walk, own, shared = carry
            answer = decide_where(walk.in_doubt, circles, queries, probed(walk))
            walk = walk._replace(answer=answer, in_doubt=jnp.zeros_like(walk.in_doubt))
            return run(queries, (walk, own, shared))

        walk, own_, shared = backend.while_any(unfinished, go_on, (_begun(queries.corner), own, shared))
        return shared, (own_, walk.slot)

    if backend.one_by_one():
        shared, (own, count) = lax.scan(one, shared, (queries, own))
    else:
        shared, (own, count) = together(shared)
    return own, shared, count


def first_corners(circles: Circles, vertex_simplex: Array, mappings: Array, queries: Queries) -> tuple[Array, Array]:
    """Where the walks of queries begin.

    Parameters
    ----------
    circles, queries
        As in `walk_around`; the queries' corners are not read.
    vertex_simplex
        As in `triangulation.Triangulation`.
    mappings
        (Q, 3) int32, the vertices from `location.locate`.

    Returns
    -------
    corner
        (Q,) int32, a corner of a triangle of the cavity; -1 where there is none. For a query that is on the hull to rounding,
        but outside, a corner of the triangle nearby.
    alone
        (Q,) int32, the vertex with weight one: that at the query, or the nearest one outside the hull; -1 for other queries.
    """

    def at(query, vertex):
        return (vertex >= 0) & (gather(circles.unscaled, vertex) == query.unscaled).all(axis=-1)

    def turn_around(row):
        """A corner of a triangle around a located vertex that certainly is in the cavity, or -1; and the first one."""
        query, mapping = row
        inside = mapping[1] >= 0
        alone = jnp.where(inside, NONE, mapping[0])
        for k in range(3):
            alone = jnp.where(at(query, mapping[k]), mapping[k], alone)
        # Where many vertices are on one circle, the lowest one has many triangles.
        vertex = jnp.maximum(jnp.maximum(mapping[0], mapping[1]), mapping[2])
        triangle = jnp.where(alone < 0, gather(vertex_simplex, jnp.maximum(vertex, 0)), NONE)
        triangle = jnp.where(mapping[0] < 0, NONE, triangle)
        corners = [3 * triangle + column for column in (A, B, C)]
        is_at = [gather(circles.vertex, corner) == vertex for corner in corners]
        begin = jnp.where(
            triangle < 0, NONE, jnp.where(is_at[0], corners[0], jnp.where(is_at[1], corners[1], corners[2]))
        )

        def unfinished(_, carry):
            corner, found = carry
            return (corner >= 0) & ~found

        def step(_, carry):
            corner, found = carry
            is_inside = in_circle(circles, triangle_of(corner), (query.x, query.y)).positive
            found = found | ((corner >= 0) & is_inside)
            across = gather(circles.opposite, after(corner))
            following = jnp.where(across < 0, NONE, after(across))
            following = jnp.where(following == begin, NONE, following)
            return jnp.where(found | (corner < 0), corner, following), found

        corner, found = backend.while_any(unfinished, step, (begin, np.False_))
        return jnp.where(found, corner, begin), (begin >= 0) & ~found, alone

    corner, in_doubt, alone = backend.map_rows(turn_around, (queries, mappings))

    def search(_, carry):
        corner, in_doubt, alone = carry
        triangles = triangle_of(corner)
        found = decide_where(in_doubt, circles, queries, triangles)
        across = gather(circles.opposite, 3 * triangles + jnp.clip(found, A, C))
        moves = in_doubt & (found < IS_INSIDE) & (across >= 0)
        for k in range(3):
            vertex = gather(circles.vertex, 3 * triangles + np.int32(k))
            alone = jnp.where(in_doubt & (found == IS_OUTSIDE) & at(queries, vertex), vertex, alone)
        return jnp.where(moves, across, corner), moves, alone

    corner, _, alone = backend.while_any(lambda _, carry: carry[1].any(), search, (corner, in_doubt, alone))
    return jnp.where(alone < 0, corner, NONE), alone
