"""Triangulate by inserting one vertex after the other: the fastest method on one CPU core.

A vertex walks from the last insertion to the triangle that contains it (Green & Sibson 1978, Comput. J. 21, 168), and splits
it into three. Every edge opposite the vertex is flipped as long as the circumcircle of its triangle contains the vertex
beyond the edge (Lawson 1977, Mathematical Software III, 161). Beyond the hull are triangles with a vertex at infinity, so the
hull grows as any other triangle does. The first two of them lie on both sides of an edge.

Vertices are inserted from coarse to fine, which keeps walks short on any mesh (after Amenta, Choi & Rote 2003, Proc. 19th
Symp. Comp. Geom., 211). Within a level they follow the leaves of a k-d tree, so consecutive vertices are near each other.

Signs are computed in floating point. Integers decide doubtful signs and ties (`exact_signs`).
So after every insertion, the table holds the Delaunay triangulation of the vertices so far.

In an edge's names, a is the inserted vertex, b and c are the ends of the edge, and d is the vertex beyond it.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arithmetic.error_bounds import Determinant, determinants, orientation
from delaunax.arithmetic.exact_signs import prefers, signs
from delaunax.arithmetic.triangle import A, B, C
from delaunax.insertion.corner_table import (
    edge_corners_of,
    flip,
    rows_of,
    split,
    table_of_edge,
    vertices_of,
)
from delaunax.platform.indexing import NONE, gather
from delaunax.platform.rows import cond_as_loop, nonzero
from delaunax.tables.corners import next_corner, previous_corner, triangle_of
from delaunax.tables.kd_tree import KDTree

STEP_BUDGET_PER_VERTEX = 16
"""The largest number of steps of one insertion, in units of the number of vertices.

A vertex walks through each of 2N triangles once at most (Devillers, Pion & Teillaud 2002, Int. J. Found. Comput. Sci. 13,
181). Every flip gives it one more of N neighbours. Doubtful decisions take two steps.
"""


class _Progress(NamedTuple):
    """How far the insertion has come. All fields are () int32 or bool.

    Attributes
    ----------
    row
        The number of triangles.
    place
        The place in the order of the vertex that is being inserted.
    first
        The place of the vertex that was inserted first: the first one off the line through both ends; -1 before.
    corner
        While the vertex walks, a corner of its triangle. Then its own corner opposite the edge that is tested.
    left
        How many edges around the vertex remain to be tested; zero while it walks.
    steps
        How many triangles the vertex has walked through, plus how many edges were tested.
    in_doubt
        Whether floating point could not decide the last sign.
    exact
        How many decisions were made in integers.
    """

    row: jax.Array
    place: jax.Array
    first: jax.Array
    corner: jax.Array
    left: jax.Array
    steps: jax.Array
    in_doubt: jax.Array
    exact: jax.Array


def _initial_progress():
    zero = np.int32(0)
    return _Progress(np.int32(2), zero, NONE, zero, zero, zero, np.False_, zero)


def triangulate_by_insertion(tree: KDTree) -> tuple[Array, Array, Array]:
    """The triangulation of the vertices of a k-d tree; inside `platform.fused`.

    Returns
    -------
    simplices, neighbors
        (2N, 3) int32, as in `triangulation.Triangulation`.
    exact
        () int32, how many decisions were made in integers.
    """
    ends = tree.ends
    order = gather(tree.leaves.reshape(-1), coarse_to_fine(tree.leaves.size))
    others = (order < len(tree.points)) & gather(tree.distinct, order) & (order[:, None] != ends).all(axis=1)
    places, number = nonzero(others)
    return insert(tree.points, tree.unscaled, gather(order, places), number, ends)


def insert(points: Array, unscaled: Array, order: Array, number: Array, ends: Array) -> tuple[Array, Array, Array]:
    """The Delaunay triangulation of vertices that are inserted one by one; inside `platform.fused`.

    Parameters
    ----------
    points, unscaled
        (N, 2) float, the vertices, as in `kd_tree.KDTree`.
    order
        (M,) int32, the vertices in the order of insertion; no two coincide.
    number
        () int32, how many entries of `order` are inserted.
    ends
        (2,) int32, two other vertices. All vertices on the line through both lie between them.

    Returns
    -------
    simplices, neighbors
        (2N, 3) int32, as in `triangulation.Triangulation`; no triangle if all vertices are on one line.
    exact
        () int32, how many decisions were made in integers.
    """
    infinity = np.int32(len(points))

    def insert_or_decide(carry):
        now, table = carry
        vertex, flat, walking = gather(order, now.place), now.first < 0, now.left == 0
        # Walking and flipping stop at doubtful signs. Exact arithmetic in one place takes half as long to compile.
        column, flips, on_line = _decide(unscaled, table, vertex, now.corner, walking, now.in_doubt)
        # Until the first triangle exists, vertices on the line through both ends are postponed.
        walks = walking & ~(flat & on_line)
        triangle, steps, in_doubt = _walk(points, table, vertex, now, walks, column)
        arrives = walks & ~in_doubt
        table = split(table, vertex, triangle, now.row, arrives)
        corner, left = jnp.where(walking, 3 * triangle, now.corner), jnp.where(arrives, np.int32(3), now.left)
        decided = now.in_doubt & ~walking
        table, corner, left, steps, in_flip = _flip_all(points, table, vertex, corner, left, steps, decided, flips)
        in_doubt = in_doubt | in_flip

        first = jnp.where(flat & arrives, now.place, now.first)
        # After the first vertex off the line come the postponed ones.
        following = jnp.where(now.place == first, np.int32(0), now.place + 1)
        following = jnp.where(following == first, following + 1, following)
        return _Progress(
            row=jnp.where(arrives, now.row + 2, now.row),
            place=jnp.where(in_doubt, now.place, following),
            first=first,
            corner=corner,
            left=jnp.where(in_doubt, left, np.int32(0)),
            steps=jnp.where(in_doubt, steps, np.int32(0)),
            in_doubt=in_doubt,
            exact=jnp.where(in_doubt, now.exact + 1, now.exact),
        ), table

    initial = _initial_progress(), table_of_edge(infinity, ends)
    now, table = lax.while_loop(lambda carry: carry[0].place < number, insert_or_decide, initial)
    return *rows_of(infinity, table), now.exact


def coarse_to_fine(number: int) -> np.ndarray:
    """(number,) int32: the integers below `number`, in the order of the largest power of two that divides them."""
    rounds, step = [np.zeros(1, np.int32)], 2 ** max(0, (number - 1).bit_length())
    while step > 1:
        rounds.append(np.arange(step // 2, number, step, dtype=np.int32))
        step //= 2
    return np.concatenate(rounds)


def _position(points, vertex):
    """The () x and y of a vertex. The vertex at infinity has a finite position that must not be used."""
    return gather(points, vertex, 0), gather(points, vertex, 1)


def _offset(points, origin, vertex):
    """The () offsets along x and y of a vertex from a position."""
    x, y = _position(points, vertex)
    return x - origin[0], y - origin[1]


def _walk(points, table, vertex, now, walks, column_if_doubtful):
    """Walk a vertex to the triangle that contains it. Outside the hull, that triangle has a corner at infinity.

    Returns the triangle, the number of steps, and whether the walk stopped at a doubtful sign. A walk that continues after a
    doubtful sign starts with `column_if_doubtful`.
    """
    infinity, at = np.int32(len(points)), _position(points, vertex)

    def step(carry):
        steps, triangle, _, decided, _ = carry
        corners = vertices_of(table, triangle)
        offsets = [_offset(points, at, corner) for corner in corners]
        at_infinity = [corner == infinity for corner in corners]

        def side(column):
            """Twice the area of the vertex and the edge opposite a corner. An edge to infinity is never crossed."""
            tail, head = column - 2, column - 1
            area = orientation(offsets[tail], offsets[head])
            return Determinant(jnp.where(at_infinity[tail] | at_infinity[head], 1.0, area.value), area.error)

        sides = side(0), side(1), side(2)
        inside = sides[0].positive & sides[1].positive & sides[2].positive
        largest = [each.value + each.error for each in sides]
        smallest = jnp.minimum(jnp.minimum(largest[0], largest[1]), largest[2])
        column = jnp.where(largest[0] == smallest, A, jnp.where(largest[1] == smallest, B, C))
        column = jnp.where(decided, column_if_doubtful, jnp.where(smallest < 0.0, column, NONE))
        across = triangle_of(gather(table.opposite, 3 * triangle + jnp.maximum(column, 0)))
        following = jnp.where(column < 0, triangle, across)
        return steps + 1, following, triangle, np.False_, ~decided & ~inside & (smallest >= 0.0)

    start = triangle_of(now.corner)
    initial = now.steps, start, jnp.where(walks, NONE, start), now.in_doubt, np.False_
    steps, triangle, _, _, in_doubt = lax.while_loop(
        lambda carry: (carry[1] != carry[2]) & (carry[0] < STEP_BUDGET_PER_VERTEX * infinity), step, initial
    )
    return triangle, steps, in_doubt


def _decide(unscaled, table, vertex, corner, walking, in_doubt):
    """Decide a doubtful sign in integers: of a vertex that walks, or of the edge opposite one of its corners.

    Returns
    -------
    column
        () int32, the edge of its triangle that the vertex has to cross; -1 if none. Beyond the hull, a vertex on the line of
        an edge crosses it.
    flips
        () bool, whether the edge is flipped.
    on_line
        () bool, whether the vertex is on the line of a hull edge, in a triangle with a corner at infinity.
    """
    infinity, base = np.int32(len(unscaled)), corner - lax.rem(corner, np.int32(3))
    walked = base, base + 1, base + 2
    tested = next_corner(corner), previous_corner(corner), gather(table.opposite, corner)
    # The corners of a triangle that is walked are called b, c and d here, because a is the vertex itself.
    # Read outside of the loop below, or the compiler copies the table.
    b, c, d = (gather(table.vertex, jnp.where(walking, *each)) for each in zip(walked, tested, strict=True))

    def decide(_):
        beyond = [each == infinity for each in (b, c, d)]
        four = [jnp.where(each == infinity, vertex, each)[None] for each in (vertex, b, c, d)]
        found = signs(unscaled, *four)
        outside = beyond[0] | beyond[1] | beyond[2]
        sides = found.orient_cd[0], -found.orient_bd[0], found.orient_bc[0]
        behind = [jnp.where(outside, at & (side <= 0), side < 0) for at, side in zip(beyond, sides, strict=True)]
        column = jnp.where(behind[0], A, jnp.where(behind[1], B, jnp.where(behind[2], C, NONE)))
        by_circle = prefers(found, np.int32(1), *four)
        flips = _at_hull(beyond, found.orient_cd < 0, found.orient_bd > 0, found.orient_bc <= 0, by_circle)[0]
        return column, flips, (sides[0] == 0) & (sides[1] == 0) & (sides[2] == 0)

    return cond_as_loop(in_doubt, decide, (NONE, np.False_, np.False_))


def _at_hull(beyond, if_b, if_c, if_d, if_none):
    """Select by which of b, c and d, if any, is at infinity."""
    return jnp.where(beyond[0], if_b, jnp.where(beyond[1], if_c, jnp.where(beyond[2], if_d, if_none)))


def _flip_all(points, table, vertex, corner, left, steps, decided, flips_if_decided):
    """Flip the edges opposite a vertex that are not Delaunay: `left` edges, starting with the one opposite `corner`.

    Returns the table, the vertex's last corner, the edges left, the steps, and whether a sign was doubtful. If the first edge
    is `decided` already, `flips_if_decided` says whether it is flipped.
    """
    infinity, at = np.int32(len(points)), _position(points, vertex)

    def test(carry):
        steps, left, corner, table, decided, _ = carry
        edge = edge_corners_of(table, corner)
        certainly, in_doubt = _flips(points, infinity, at, edge.b, edge.c, edge.d)
        in_doubt, flips = in_doubt & ~decided, jnp.where(decided, flips_if_decided, certainly)
        # All reads come before all writes, or the compiler copies the table.
        table, edge, flips, in_doubt = lax.optimization_barrier((table, edge, flips, in_doubt))
        table = flip(table, vertex, edge, flips)
        left = jnp.where(in_doubt, left, jnp.where(flips, left + 1, left - 1))
        corner = jnp.where(flips | in_doubt, corner, next_corner(edge.opposite_b))
        return steps + 1, left, corner, table, np.False_, in_doubt

    initial = steps, left, corner, table, decided, np.False_
    steps, left, corner, table, _, in_doubt = lax.while_loop(
        lambda carry: (carry[1] > 0) & ~carry[5] & (carry[0] < STEP_BUDGET_PER_VERTEX * infinity), test, initial
    )
    return table, corner, left, steps, in_doubt


def _flips(points, infinity, at, b, c, d):
    """Whether the edge from b to c is certainly flipped, and whether the sign is doubtful."""
    found = determinants(*(_offset(points, at, each) for each in (b, c, d)))
    # The circle through a hull edge and infinity is everything beyond the edge, and the edge itself.
    at_hull = partial(_at_hull, [each == infinity for each in (b, c, d)])
    values = -found.orient_cd.value, found.orient_bd.value, -found.orient_bc.value, found.in_circle.value
    errors = found.orient_cd.error, found.orient_bd.error, found.orient_bc.error, found.in_circle.error
    value, error = at_hull(*values), at_hull(*errors)
    return value > error, jnp.abs(value) <= error
