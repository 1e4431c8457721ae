"""A triangulation by inserting one vertex after the other: what one core does fastest.

A vertex walks from where the last one was inserted to the triangle that holds it (Green & Sibson 1978, Comput. J. 21, 168) and
splits it into three. Every edge opposite the vertex is flipped as long as the circle of its triangle holds the vertex beyond
(Lawson 1977, Mathematical Software III, 161). Beyond the hull are triangles with a vertex at infinity, so that the hull grows
as any other triangle does: at first there are two of them, on both sides of an edge. Vertices are inserted from coarse to fine,
which keeps walks short whatever the mesh (after Amenta, Choi & Rote 2003, Proc. 19th Symp. Comp. Geom., 211), and in the order
of the leaves of a k-d tree, in which neighbours follow each other.

Decisions are in floating point where the error bound allows it, else in integers, as ties are (`exact`): every vertex finds
the Delaunay triangulation of those before it, and leaves one.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arithmetic.error_bounds import Determinant, determinants, orientation
from delaunax.arithmetic.exact_signs import signs, turns_to
from delaunax.arithmetic.triangle import A, B, C
from delaunax.insertion.corner_table import after, before, edge_of, flip, rows_of, split, table_of_edge, vertices_of
from delaunax.platform import backend
from delaunax.platform.indexing import NONE, gather

TURNS = 16
"""How many turns a vertex takes at most, in units of the number of vertices, whatever is asked for.

It walks through each of 2N triangles once at most (Devillers, Pion & Teillaud 2002, Int. J. Found. Comput. Sci. 13, 181), every
flip gives it one more of N neighbours, and what is in doubt is looked at twice.
"""


class Mesh(NamedTuple):
    """The coordinates of N vertices and of one at infinity, whose own are not read.

    Attributes
    ----------
    x, y
        (N + 1,) float, finite and of order one.
    unscaled
        (N, 2) float, the same as they are stored, by which they are decided exactly.
    """

    x: jax.Array
    y: jax.Array
    unscaled: jax.Array

    @property
    def infinity(self):
        """The number of the vertex at infinity."""
        return np.int32(len(self.unscaled))

    def seen_from(self, at: tuple[Array, Array], vertex: Array) -> tuple[Array, Array]:
        """The () offsets along x and y of a () int32 vertex from a point."""
        return gather(self.x, vertex) - at[0], gather(self.y, vertex) - at[1]


class _Progress(NamedTuple):
    """How far the insertion has come, all of it () int32 or bool.

    Attributes
    ----------
    row
        How many triangles there are.
    place
        Which vertex of the order is being inserted.
    first
        Which one was inserted first, the first one off the line through both ends; -1 before.
    corner
        A corner of the triangle through which the vertex walks, or its own, opposite the edge that is looked at.
    left
        How many edges around the vertex are left to look at; none while it walks.
    turns
        Through how many triangles the vertex has walked, and how many edges were looked at.
    in_doubt
        Whether floating point could not decide there.
    exact
        How many decisions were made in integers.
    """

    row: jax.Array
    place: jax.Array
    first: jax.Array
    corner: jax.Array
    left: jax.Array
    turns: jax.Array
    in_doubt: jax.Array
    exact: jax.Array


def _begun():
    zero = np.int32(0)
    return _Progress(np.int32(2), zero, NONE, zero, zero, zero, np.False_, zero)


def insert(points: Array, unscaled: Array, order: Array, number: Array, ends: Array) -> tuple[Array, Array, Array]:
    """The Delaunay triangulation of vertices that are inserted one by one; on a CPU in `fused`.

    Parameters
    ----------
    points
        (N, 2) float, finite and of order one.
    unscaled
        (N, 2) float, the same as they are stored.
    order
        (M,) int32, the vertices in the order in which they are inserted; no two coincide.
    number
        () int32, how many of these there are; those behind are not.
    ends
        (2,) int32, two other vertices: between them is whatever else is on the line through both.

    Returns
    -------
    simplices, neighbors
        (2N, 3) int32, as in `triangulation.Triangulation`; without any triangle if all vertices are on one line.
    exact
        () int32, how many decisions were made in integers.
    """
    mesh = Mesh(jnp.append(points[:, 0], 0.0), jnp.append(points[:, 1], 0.0), unscaled)

    def go_on(carry):
        now, table = carry
        vertex, flat, walking = gather(order, now.place), now.first < 0, now.left == 0
        # Walking and flipping stop where they are in doubt: exact arithmetic in one place takes half as long to compile.
        column, flips, on_line = _decided(mesh, table, vertex, now.corner, walking, now.in_doubt)
        # As long as there is no triangle, what is on the line through both ends has to wait.
        walks = walking & ~(flat & on_line)
        triangle, turns, in_doubt = _walk(mesh, table, vertex, now, walks, column)
        arrives = walks & ~in_doubt
        table = split(table, vertex, triangle, now.row, arrives)
        corner, left = jnp.where(walking, 3 * triangle, now.corner), jnp.where(arrives, np.int32(3), now.left)
        answered = now.in_doubt & ~walking
        table, corner, left, turns, in_flip = _flip_all(mesh, table, vertex, corner, left, turns, answered, flips)
        in_doubt = in_doubt | in_flip

        first = jnp.where(flat & arrives, now.place, now.first)
        # Behind the first one come those that had to wait for it.
        following = jnp.where(now.place == first, np.int32(0), now.place + 1)
        following = jnp.where(following == first, following + 1, following)
        return _Progress(
            row=jnp.where(arrives, now.row + 2, now.row),
            place=jnp.where(in_doubt, now.place, following),
            first=first,
            corner=corner,
            left=jnp.where(in_doubt, left, np.int32(0)),
            turns=jnp.where(in_doubt, turns, np.int32(0)),
            in_doubt=in_doubt,
            exact=jnp.where(in_doubt, now.exact + 1, now.exact),
        ), table

    begun = _begun(), table_of_edge(mesh.infinity, ends)
    now, table = lax.while_loop(lambda carry: carry[0].place < number, go_on, begun)
    return *rows_of(mesh.infinity, table), now.exact


def coarse_to_fine(number: int) -> np.ndarray:
    """(number,) int32: the first so many integers, first those that are multiples of a power of two, then of half of it."""
    rounds, step = [np.zeros(1, np.int32)], 2 ** max(0, (number - 1).bit_length())
    while step > 1:
        rounds.append(np.arange(step // 2, number, step, dtype=np.int32))
        step //= 2
    return np.concatenate(rounds)


def _walk(mesh, table, vertex, now, walks, decided):
    """The triangle that holds a vertex, from another one on: it has a corner at infinity if the vertex is outside the hull.

    And the turns that it took, and whether it stopped in doubt. It begins with the column `decided`, where that was in doubt.
    """
    n, at = mesh.infinity, (gather(mesh.x, vertex), gather(mesh.y, vertex))

    def step(carry):
        turns, triangle, _, answered, _ = carry
        corners = vertices_of(table, triangle)
        a, b, c = (mesh.seen_from(at, corner) for corner in corners)
        at_a, at_b, at_c = (corner == n for corner in corners)

        def beside(one, other, beyond):
            """Twice the area of the vertex and an edge; one that leads beyond the hull is not looked at."""
            area = orientation(one, other)
            return Determinant(jnp.where(beyond, 1.0, area.value), area.error)

        areas = beside(b, c, at_b | at_c), beside(c, a, at_c | at_a), beside(a, b, at_a | at_b)
        inside = areas[0].positive & areas[1].positive & areas[2].positive
        of_a, of_b, of_c = (area.value + area.error for area in areas)
        lowest = jnp.minimum(jnp.minimum(of_a, of_b), of_c)
        column = jnp.where(of_a == lowest, A, jnp.where(of_b == lowest, B, C))
        column = jnp.where(answered, decided, jnp.where(lowest < 0.0, column, NONE))
        across = lax.div(gather(table.opposite, 3 * triangle + jnp.maximum(column, 0)), np.int32(3))
        following = jnp.where(column < 0, triangle, across)
        return turns + 1, following, triangle, np.False_, ~answered & ~inside & (lowest >= 0.0)

    begin = lax.div(now.corner, np.int32(3))
    begun = now.turns, begin, jnp.where(walks, NONE, begin), now.in_doubt, np.False_
    turns, triangle, _, _, in_doubt = lax.while_loop(
        lambda carry: (carry[1] != carry[2]) & (carry[0] < TURNS * n), step, begun
    )
    return triangle, turns, in_doubt


def _decided(mesh, table, vertex, corner, walking, in_doubt):
    """What floating point cannot decide of a vertex that walks, or of the edge opposite a corner of its.

    Returns
    -------
    column
        () int32, behind which edge of its triangle it is; -1 behind none. Beyond the hull it is behind the edge if it is on
        its line, too.
    flips
        () bool, whether the edge is flipped.
    on_line
        () bool, whether the triangle has no area, seen from the vertex: with a corner at infinity, it is on the hull's line.
    """
    n, base = mesh.infinity, corner - lax.rem(corner, np.int32(3))
    walked = base, base + 1, base + 2
    looked_at = after(corner), before(corner), gather(table.opposite, corner)
    # Outside of what is done only in doubt, or the compiler copies the table.
    a, b, c = (gather(table.vertex, jnp.where(walking, *each)) for each in zip(walked, looked_at, strict=True))

    def decide(_):
        beyond = [each == n for each in (a, b, c)]
        four = [jnp.where(each == n, vertex, each)[None] for each in (vertex, a, b, c)]
        found = signs(mesh.unscaled, *four)
        outside = beyond[0] | beyond[1] | beyond[2]
        sides = found.after[0], -found.left[0], found.turn[0]
        behind = [jnp.where(outside, at & (side <= 0), side < 0) for at, side in zip(beyond, sides, strict=True)]
        column = jnp.where(behind[0], A, jnp.where(behind[1], B, jnp.where(behind[2], C, NONE)))
        by_circle = turns_to(found, np.int32(1), *four)
        flips = _at_hull(beyond, found.after < 0, found.left > 0, found.turn <= 0, by_circle)[0]
        return column, flips, (sides[0] == 0) & (sides[1] == 0) & (sides[2] == 0)

    return backend.only_if(in_doubt, decide, (NONE, np.False_, np.False_))


def _at_hull(beyond, by_a, by_b, by_d, elsewhere):
    """What counts of an edge from a to b with d beyond, of which one, if any, is at infinity."""
    return jnp.where(beyond[0], by_a, jnp.where(beyond[1], by_b, jnp.where(beyond[2], by_d, elsewhere)))


def _flip_all(mesh, table, vertex, corner, left, turns, answered, decided):
    """Flip the edges opposite a vertex that are not Delaunay's, from that opposite a corner of its on, `left` in all.

    And its last corner, the edges left, the turns that it took, and whether it stopped in doubt. It begins with what is
    `decided` of the first edge, if that is `answered`.
    """
    n, at = mesh.infinity, (gather(mesh.x, vertex), gather(mesh.y, vertex))

    def look(carry):
        turns, left, corner, table, answered, _ = carry
        edge = edge_of(table, corner)
        certainly, in_doubt = _flips(mesh, at, edge.a, edge.b, edge.d)
        in_doubt, flips = in_doubt & ~answered, jnp.where(answered, decided, certainly)
        # What is read is read before anything is written, or the compiler copies the table.
        table, edge, flips, in_doubt = lax.optimization_barrier((table, edge, flips, in_doubt))
        table = flip(table, vertex, edge, flips)
        left = jnp.where(in_doubt, left, jnp.where(flips, left + 1, left - 1))
        corner = jnp.where(flips | in_doubt, corner, after(edge.of_a))
        return turns + 1, left, corner, table, np.False_, in_doubt

    begun = turns, left, corner, table, answered, np.False_
    turns, left, corner, table, _, in_doubt = lax.while_loop(
        lambda carry: (carry[1] > 0) & ~carry[5] & (carry[0] < TURNS * n), look, begun
    )
    return table, corner, left, turns, in_doubt


def _flips(mesh, at, a, b, d):
    """Whether the edge from a to b of a vertex's triangle is certainly flipped, d being beyond; and whether it is in doubt."""
    found = determinants(*(mesh.seen_from(at, each) for each in (a, b, d)))
    # The circle of an edge of the hull and the vertex at infinity is all that lies beyond, and the edge itself.
    at_hull = partial(_at_hull, [each == mesh.infinity for each in (a, b, d)])
    values = -found.after.value, found.left.value, -found.turn.value, found.inside.value
    errors = found.after.error, found.left.error, found.turn.error, found.inside.error
    value, error = at_hull(*values), at_hull(*errors)
    return value > error, jnp.abs(value) <= error
