"""A walk around the ring of every query, which shows each edge that it turns through to a visitor.

A CPU walks around one query after the other; a GPU walks around all in lockstep. Steps are written for () or (Q,) arrays alike.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.double_double import cross_between
from delaunax.arithmetic.error_bounds import Vector
from delaunax.arithmetic.triangle import A, B
from delaunax.interpolation.natural_neighbors.circles import (
    IN_CIRCLE_BIT,
    Circles,
    cross,
    decide,
    dot,
    in_circle,
    least_area,
)
from delaunax.platform.indexing import NONE, gather
from delaunax.platform.rows import cond_as_loop, map_where
from delaunax.tables.corners import next_corner, previous_corner, triangle_of


class Queries(NamedTuple):
    """Q queries.

    Attributes
    ----------
    x, y
        (Q,) float, coordinates of the scale of `Circles.points`.
    unscaled
        (Q, 2) float, the stored coordinates.
    scale
        (Q,) float, a power of two by which offsets are multiplied, so that their products are in range.
    corner
        (Q,) int32, a corner of a triangle of the cavity; -1 for a query without a cavity.
    row
        (Q,) int32, their places.
    """

    x: jax.Array
    y: jax.Array
    unscaled: jax.Array
    scale: jax.Array
    corner: jax.Array
    row: jax.Array


class Turn(NamedTuple):
    """An edge of the cavity from v to a, opposite a corner of a triangle to its left; all (...,).

    Attributes
    ----------
    v, a
        int32, the current ring vertex and the other end.
    to_v, to_a, along
        Vectors: v and a as seen from the query, and a as seen from v, times the scale of the query.
    per_area
        float, one over twice the area of the triangle of the query, v and a.
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
        bool, false if the walk is complete or in doubt; then nothing may change.
    row
        int32, the place of the query.
    """

    v: jax.Array
    a: jax.Array
    to_v: Vector
    to_a: Vector
    along: Vector
    per_area: jax.Array
    left: jax.Array
    right: jax.Array
    on_ring: jax.Array
    slot: jax.Array
    ends: jax.Array
    begins: jax.Array
    counts: jax.Array
    moves: jax.Array
    row: jax.Array


_IN_DOUBT = np.int32(2)

THIN = 2.0**-10
"""Triangles of the query and a ring edge are thin if their doubled area is less than this part of the squared edge."""


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


def _begun(corner):
    no, none = jnp.zeros_like(corner, bool), jnp.full_like(corner, NONE)
    return _Walk(corner, none, jnp.zeros_like(corner), no, none, corner < 0)


def _turn(circles: Circles, query: Any, walk: _Walk) -> tuple[_Walk, Turn]:
    """The next step of a walk. A walk that is complete or in doubt does not move."""
    moves = ~(walk.done | walk.in_doubt)
    across = gather(circles.opposite, walk.corner)
    triangle = triangle_of(jnp.maximum(across, 0))
    found = in_circle(circles, triangle, (query.x, query.y))
    inner, is_known = across >= 0, walk.answer >= 0
    enters = inner & jnp.where(is_known, walk.answer >= IN_CIRCLE_BIT, found.positive)
    in_doubt = moves & inner & ~(is_known | found.positive | found.negative)
    decision = keep(jnp.where(in_doubt, _IN_DOUBT, enters.astype(jnp.int32)))
    in_doubt, enters = decision == _IN_DOUBT, decision == 1
    moves = moves & ~in_doubt

    v, a, to_v, to_a, along = edge_at(circles, query, walk.corner)
    left, across_cotangent = keep([gather(circles.cotangent, corner) for corner in (walk.corner, across)])
    per_area = 1.0 / doubled_area(circles, query, v, a, to_v, to_a, along)
    right = jnp.where(enters, across_cotangent, -dot(to_v, to_a) * per_area)
    per_area, right = keep((per_area, right))
    on_ring = moves & ~enters
    is_first, is_last = on_ring & (walk.first < 0), on_ring & (walk.first == walk.corner)
    turn = Turn(
        v, a, to_v, to_a, along, per_area, left, right,
        on_ring=on_ring,
        slot=walk.slot,
        ends=on_ring & ~is_first,
        begins=on_ring & ~is_last,
        counts=moves & (walk.first >= 0),
        moves=moves,
        row=query.row,
    )  # fmt: skip
    moved = _Walk(
        corner=jnp.where(moves, next_corner(jnp.where(enters, across, walk.corner)), walk.corner),
        first=jnp.where(is_first, walk.corner, walk.first),
        slot=jnp.where(turn.ends, walk.slot + 1, walk.slot),
        in_doubt=walk.in_doubt | in_doubt,
        answer=jnp.where(moves, NONE, walk.answer),
        done=walk.done | is_last,
    )
    return moved, turn


def edge_at(circles: Circles, query: Any, corner: Array) -> tuple[Array, Array, Vector, Vector, Vector]:
    """`v`, `a`, `to_v`, `to_a` and `along` of a `Turn`: the edge opposite a corner."""
    v, a = (gather(circles.vertex, end) for end in (next_corner(corner), previous_corner(corner)))
    vx, vy, ax, ay = keep([gather(circles.points, vertex, axis) for vertex in (v, a) for axis in (A, B)])
    to_v, to_a, along = (
        (query.scale * x, query.scale * y)
        for x, y in ((vx - query.x, vy - query.y), (ax - query.x, ay - query.y), (ax - vx, ay - vy))
    )
    return v, a, to_v, to_a, along


def ring_turn(circles: Circles, query: Any, corner: Array) -> Turn:
    """The `Turn` that ends at the ring edge opposite a corner; `slot` is not known."""
    v, a, to_v, to_a, along = edge_at(circles, query, corner)
    per_area = 1.0 / doubled_area(circles, query, v, a, to_v, to_a, along)
    # Otherwise XLA contracts products and sums in one way in a batch, and in another for a lane alone.
    to_v, to_a, along, per_area, left = keep((to_v, to_a, along, per_area, gather(circles.cotangent, corner)))
    true = jnp.ones_like(corner, bool)
    return Turn(
        v, a, to_v, to_a, along, per_area, left, -dot(to_v, to_a) * per_area,
        on_ring=true, slot=jnp.full_like(corner, NONE), ends=true, begins=true, counts=true, moves=true, row=query.row,
    )  # fmt: skip


def keep(values):
    """Values that a CPU computes once: without a barrier, XLA computes them again for each result that needs them."""
    return platform.choose(lax.optimization_barrier, lambda values: values)(values)


def doubled_area(circles: Circles, query: Any, v: Array, a: Array, to_v: Vector, to_a: Vector, along: Vector) -> Array:
    """Twice the area of the query and a ring edge: positive, whatever rounding does next to a hull edge."""
    # With the shorter one of the two sides at the query, the products are least rounded.
    shorter = jnp.where(dot(to_v, to_v) < dot(to_a, to_a), cross(to_v, along), cross(to_a, along))

    def in_pairs():
        corners = ([gather(circles.points, vertex, axis) for axis in (A, B)] for vertex in (v, a))
        # The scale is a power of two, which changes no digit.
        return cross_between(*([query.scale * each for each in place] for place in ((query.x, query.y), *corners)))

    # Next to a hull edge, it is as small as rounding of the sides.
    area = platform.select_lazily(shorter < THIN * dot(along, along), in_pairs, shorter)
    return jnp.maximum(area, least_area(area.dtype))


def walk_around(circles: Circles, queries: Queries, visit: Callable, own: Any, shared: Any) -> tuple[Any, Any]:
    """Walk around the rings of all queries.

    Parameters
    ----------
    circles, queries
        The triangulation and the queries.
    visit
        `visit(own, shared, turn)` gives `own` and `shared` after a `Turn`.
    own
        (Q, ...) arrays with a row for each query: their initial values.
    shared
        Arrays that all queries share: their initial values.

    Returns
    -------
    own, shared
        Their final values.
    """
    number = np.int32(len(circles.vertex))

    def step(query, carry):
        walk, own, shared = carry
        walk, turn = _turn(circles, query, walk)
        return walk, *visit(own, shared, turn)

    def until_doubt(query, carry):
        return platform.lockstep_while(
            lambda step, carry: ~(carry[0].done | carry[0].in_doubt) & (step <= 2 * number),
            lambda _, carry: step(query, carry),
            carry,
            unroll=4,
        )

    def until_done(query, decided, own, shared):
        def go_on(_, carry):
            walk, own, shared = carry
            across = triangle_of(jnp.maximum(gather(circles.opposite, walk.corner), 0))
            answer = decided(walk.in_doubt, query, across)
            walk = walk._replace(answer=answer, in_doubt=jnp.zeros_like(walk.in_doubt))
            return until_doubt(query, (walk, own, shared))

        begun = _begun(query.corner), own, shared
        return platform.lockstep_while(lambda step, carry: ~carry[0].done & (step <= number), go_on, begun)

    def in_sequence():
        def decided(in_doubt, query, triangle):
            return cond_as_loop(in_doubt, lambda _: decide(circles, query.unscaled[None], triangle[None])[0], NONE)

        def walk_of(shared, row):
            _, own, shared = until_done(row[0], decided, row[1], shared)
            return shared, own

        return lax.scan(walk_of, shared, (queries, own))

    def in_lockstep():
        def decided_where(which, queries, triangles):
            return map_where(which, lambda rows: decide(circles, *rows), (queries.unscaled, triangles))

        _, own_, shared_ = until_done(queries, decided_where, own, shared)
        return shared_, own_

    shared, own = platform.choose(in_sequence, in_lockstep)()
    return own, shared
