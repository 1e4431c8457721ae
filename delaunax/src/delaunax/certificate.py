"""The certificate of a triangulation: every property of its tables is checked, whichever algorithm made them.

Why these checks suffice. Triangles are positive, and mutual neighbours across every edge inside the boundary. If the boundary
is one convex polygon, the triangles cover the convex hull exactly once. If every edge is locally Delaunay, too, then
the triangulation is Delaunay (Delaunay's lemma). With the tie rule of `exact_signs`, only one diagonal of co-circular
vertices is right, so exactly one triangulation passes.

Why the boundary is one polygon. As many of its edges end in a vertex as leave it, because all other edges cancel in pairs. No
two of its edges leave the same vertex, so it consists of polygons. Each of them turns left or goes straight on at every
vertex. If only one vertex of the boundary is leftmost (the lower of two with the same x), there is one polygon, and it runs
around once.

Signs are computed in floating point first. If the error bound does not decide a sign, integers do (`exact_signs`).

A check is a number: edge `3 row + column` of the table of triangles for numbers below 6N, then the corner of the boundary at
each vertex. An edge runs from b to c, counter-clockwise, opposite vertex a of its triangle; d is the vertex beyond it. A
corner of the boundary has the vertices a, b and c in the order of the boundary.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arguments import array_from, coordinates_from
from delaunax.arithmetic.error_bounds import determinants, orientation
from delaunax.arithmetic.exact_signs import is_fan_diagonal, signs
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather
from delaunax.platform.rows import map_where, skip_unless, sums
from delaunax.tables.kd_tree import KDTree, build_kd_tree
from delaunax.tables.simplices import neighbors_from, vertex_after, vertex_simplex_from

FAILS, DOUBTFUL, HOLDS = np.int32(0), np.int32(1), np.int32(2)
"""What floating point says about a check."""


class Checks(NamedTuple):
    """The checks of a table, as far as floating point decides them.

    Attributes
    ----------
    simplices, neighbors, vertex_simplex
        The tables that are checked, as in `triangulation.Triangulation`.
    edges
        (6N,) int32, `FAILS`, `DOUBTFUL` or `HOLDS` for every edge.
    corners
        (N,) int32, the same for the corner of the boundary at every vertex.
    after
        (N,) int32, the vertex that follows each vertex along the boundary.
    leftmost
        (N,) bool, whether the vertex after this one is a leftmost vertex of the boundary.
    lost
        (N,) bool, the distinct vertices without a triangle, and duplicates with one.
    """

    simplices: jax.Array
    neighbors: jax.Array
    vertex_simplex: jax.Array
    edges: jax.Array
    corners: jax.Array
    after: jax.Array
    leftmost: jax.Array
    lost: jax.Array


def is_delaunay(points: Any, simplices: Any) -> Array:
    """Whether a table of triangles is a Delaunay triangulation of points: exact, by any algorithm, on any platform.

    The triangles cover the convex hull once, use every distinct point, and no circumcircle contains a point. Both diagonals
    of co-circular points are Delaunay. Any of several coincident points may be used. Works under `jit` and `vmap`.

    Parameters
    ----------
    points
        (N, 2) float, the points.
    simplices
        (M, 3) int, the triangles, in either orientation; rows with a negative entry are unused.

    Returns
    -------
    () bool
        False if a point is not finite. A table without triangles is right if all points are exactly on one line.

    Raises
    ------
    ValueError, TypeError
        If `points` is no array of coordinates, as in `triangulate`, or `simplices` is no (M, 3) array of integers.
    """
    points = coordinates_from("points", points)
    if hasattr(simplices, "simplices"):
        raise TypeError(f"`simplices` is a {type(simplices).__name__}; give its `.simplices`.")
    simplices = array_from("simplices", simplices)
    if np.ndim(simplices) != 2 or simplices.shape[1] != 3 or not jnp.issubdtype(simplices.dtype, jnp.integer):
        raise ValueError(
            f"`simplices` has shape {simplices.shape} and dtype {simplices.dtype}; give an (M, 3) array of integers."
        )
    # Large numbers must not become vertices by the cast.
    info = jnp.iinfo(simplices.dtype)
    simplices = simplices.clip(max(-1, int(info.min)), min(len(points), int(info.max)))
    simplices = jnp.asarray(simplices.astype(np.int32))
    return _is_delaunay(*lax.stop_gradient((build_kd_tree(points), simplices)))


@by_platform
def _is_delaunay(tree, simplices):
    points, n = tree.unscaled, len(tree.unscaled)
    used = (simplices >= 0).all(axis=1)
    in_range = (~used | (simplices < n).all(axis=1)).all()
    # The rows in use: a triangulation has at most 2N. Of coincident points, the lowest index stands for all.
    places, number = jnp.nonzero(used, size=2 * n, fill_value=len(simplices))[0], used.sum()
    padded = jnp.concatenate([simplices, jnp.full((1, 3), NONE)])
    rows = gather(padded, places.astype(jnp.int32))
    rows = jnp.where(rows < 0, NONE, gather(_first_of_coincident(tree), rows))

    def orientation_of(rows):
        a, b, c = rows.T
        return signs(points, a, b, c, c).orient_bc

    clockwise = map_where(rows[:, 0] >= 0, orientation_of, rows) < 0
    rows = jnp.where(clockwise[:, None], rows[:, ::-1], rows)
    neighbors = neighbors_from(rows)
    checks = platform.fused(checks_of)(tree, rows, neighbors, vertex_simplex_from(rows, neighbors))
    certified = platform.fused(partial(certify, any_diagonal=True))(tree, checks)
    return certified & in_range & (number <= 2 * n) & jnp.isfinite(points).all()


def _first_of_coincident(tree):
    """(N,) int32: the first of the vertices that coincide with each vertex."""
    order = jnp.argsort(tree.rank)
    place = jnp.where(gather(tree.distinct, order.astype(jnp.int32)), np.arange(len(order)), 0)
    firsts = gather(order, lax.cummax(place).astype(jnp.int32))
    return jnp.zeros_like(tree.rank).at[order].set(firsts.astype(jnp.int32))


def checks_of(tree: KDTree, simplices: Array, neighbors: Array, vertex_simplex: Array) -> Checks:
    """The `Checks` of the tables of a triangulation, in floating point; on a CPU inside `platform.fused`."""
    n, tables = len(tree.points), (simplices, neighbors, vertex_simplex)
    edges = platform.map_rows(partial(_check_edge, tree.points, *tables), np.arange(6 * n, dtype=np.int32))
    corner = partial(_check_corner, tree.points, tree.rank, *tables)
    after, corners, leftmost = platform.map_rows(corner, np.arange(n, dtype=np.int32))
    return Checks(*tables, edges, corners, after, leftmost, (vertex_simplex >= 0) != tree.distinct)


def certify(tree: KDTree, checks: Checks, any_diagonal: bool = False) -> Array:
    """() bool: whether all checks hold; doubtful ones are decided in integers. On a CPU inside `platform.fused`.

    `any_diagonal` accepts both diagonals of co-circular vertices, in place of the tie rule.
    """
    n, (edges, corners) = len(tree.points), (checks.edges, checks.corners)
    of_vertices = checks.vertex_simplex >= 0, checks.leftmost, checks.lost, corners == FAILS, corners == DOUBTFUL
    triangles, leftmost, lost, wrong_corners, doubtful_corners = sums(*of_vertices)
    wrong_edges, doubtful_edges = sums(edges == FAILS, edges == DOUBTFUL)
    # Without triangles, all vertices must be on the line through the first and the last.
    empty = triangles == 0
    possible = (wrong_edges == 0) & (empty | ((wrong_corners == 0) & (leftmost == 1) & (lost == 0)))

    def decide(ends, numbers):
        is_edge, vertex = numbers < 6 * n, numbers - np.int32(6 * n)
        of_edge, across = jax.vmap(partial(_edge_vertices, checks.simplices, checks.neighbors))(numbers)
        of_corner = vertex, gather(checks.after, vertex), gather(checks.after, gather(checks.after, vertex))
        on_line = *(jnp.broadcast_to(end, vertex.shape) for end in ends), vertex
        of_corner = [jnp.where(empty, *pair) for pair in zip(on_line, of_corner, strict=True)]
        a, b, c, d = (jnp.where(is_edge, *pair) for pair in zip(of_edge, (*of_corner, of_corner[2]), strict=True))
        found = signs(tree.unscaled, a, b, c, d)
        tie = np.True_ if any_diagonal else is_fan_diagonal(a, b, c, d)
        is_empty_circle = (across < 0) | (found.in_circle < 0) | ((found.in_circle == 0) & tie)
        ranks = [gather(tree.rank, each) for each in (a, b, c)]
        # A boundary that reverses its direction has no area there, either.
        goes_on = empty | ((ranks[0] < ranks[1]) == (ranks[1] < ranks[2]))
        corner_holds = ((found.orient_bc > 0) & ~empty) | ((found.orient_bc == 0) & goes_on)
        holds = jnp.where(is_edge, (found.orient_bc > 0) & is_empty_circle, corner_holds)
        return jnp.where(holds, HOLDS, FAILS)

    def decide_all(possible):
        doubtful = jnp.concatenate([edges == DOUBTFUL, empty | (corners == DOUBTFUL)])
        decided = map_where(doubtful, partial(decide, tree.ends), jnp.arange(7 * n, dtype=jnp.int32))
        (failures,) = sums(decided == FAILS)
        return possible & (failures == 0)

    # Nearly always, floating point decides everything.
    return skip_unless(possible & (empty | (doubtful_edges + doubtful_corners > 0)), decide_all, possible)


def _edge_vertices(simplices, neighbors, number):
    """The () int32 vertices a, b, c and d of an edge, and the triangle beyond it; d is meaningless at the boundary."""
    row, column = lax.div(number, np.int32(3)), lax.rem(number, np.int32(3))
    a, b, c = (gather(simplices, row, lax.rem(column + np.int32(k), np.int32(3))) for k in range(3))
    across = gather(neighbors, row, column)
    beyond = gather(simplices, across)
    d = beyond[0] + beyond[1] + beyond[2] - b - c
    return (a, b, c, jnp.clip(d, np.int32(0), np.int32(len(simplices) // 2 - 1))), across


def _offsets(points, origin, vertices):
    """The offsets of () int32 vertices from another vertex, along x and y."""
    x, y = gather(points, origin)
    return [(gather(points, vertex, 0) - x, gather(points, vertex, 1) - y) for vertex in vertices]


def _state(fails, holds):
    return jnp.where(fails, FAILS, jnp.where(holds, HOLDS, DOUBTFUL))


def _check_edge(points, simplices, neighbors, vertex_simplex, number):
    """() int32: whether an edge has all properties. The edges of unused rows do."""
    (a, b, c, d), across = _edge_vertices(simplices, neighbors, number)
    row, boundary = lax.div(number, np.int32(3)), across < 0
    fits = jnp.where(
        boundary,
        gather(vertex_simplex, b) == row,
        neighbors_are_mutual(row, across, b, c, simplices, neighbors),
    )
    found = determinants(*_offsets(points, a, (b, c, d)))
    fails = ~fits | found.orient_bc.negative | (~boundary & found.in_circle.positive)
    holds = found.orient_bc.positive & (boundary | found.in_circle.negative)
    return jnp.where(a < 0, HOLDS, _state(fails, holds))


def neighbors_are_mutual(row: Array, across: Array, b: Array, c: Array, simplices: Array, neighbors: Array) -> Array:
    """() bool: whether triangle `across` shares the edge from b to c of triangle `row`, and has it as its neighbour there."""
    first, second, third = gather(simplices, across)
    of_first, of_second, of_third = gather(neighbors, across) == row
    return (
        (of_first & (second == c) & (third == b))
        | (of_second & (third == c) & (first == b))
        | (of_third & (first == c) & (second == b))
    )


def _check_corner(points, rank, simplices, neighbors, vertex_simplex, vertex):
    """The vertex after this one along the boundary, the state of the corner there, and whether that vertex is leftmost."""
    after = partial(vertex_after, simplices, neighbors, vertex_simplex)
    following, on_boundary, is_own = after(vertex)
    third = after(following)[0]
    before, here, behind = (gather(rank, each) for each in (vertex, following, third))
    leftmost = on_boundary & (here < before) & (here < behind)
    turn = orientation(*_offsets(points, vertex, (following, third)))
    fails = ~is_own | (on_boundary & turn.negative)
    return following, _state(fails, ~on_boundary | turn.positive), leftmost
