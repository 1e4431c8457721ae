"""Which triangle holds each query point, or which vertex is nearest to it outside the hull."""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arithmetic.error_bounds import ORIENTATION, unit_of
from delaunax.arithmetic.scaling import scaled
from delaunax.arithmetic.triangle import A, B, C, dot, squared
from delaunax.platform import backend
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather
from delaunax.stars.star_step import first_of
from delaunax.tables.kd_tree import KDTree, build_kd_tree, leaf_of
from delaunax.triangulation import Triangulation, coordinates_from

INSIDE = 100.0
"""At the hull, a query whose barycentric weights are all above -`INSIDE` machine epsilons is inside, as for find_simplex."""


def locate(triangulation: Triangulation, points: Any, query_points: Any, tree: KDTree | None = None) -> Array:
    """The vertices that interpolate every query point; works under `jit` and `vmap`, and on NumPy arrays.

    Every query starts at the triangle in the middle of the leaf of a k-d tree in which it lies, and walks across the edge
    behind which it lies until its triangle is found (the visibility walk of Devillers, Pion & Teillaud 2002, Int. J. Found.
    Comput. Sci. 13, 181, which cannot cycle on a Delaunay triangulation). For a query outside the hull a CPU descends to the
    nearest vertex along the edges of the triangulation, and a GPU looks at all vertices. The result is integer and piecewise
    constant, so gradients stop here.

    Parameters
    ----------
    triangulation
        The triangulation of the points, from `triangulation.triangulate`.
    points
        (N, 2) float, the vertices.
    query_points
        (Q, 2) float, the query points.
    tree
        The `kd_tree.KDTree` of the points, if it is at hand already.

    Returns
    -------
    (Q, 3) int32
        The three vertices of the triangle that holds the query; [nearest vertex, -1, -1] outside the hull (of several as
        near, that of the smallest number);
        [-1, -1, -1] for a query that is not finite.

    Raises
    ------
    ValueError, TypeError
        If the coordinates are not (M, 2) arrays of a dtype that `triangulate` takes.
    """
    as_numpy = isinstance(query_points, np.ndarray)
    points, query_points = coordinates_from("points", points), coordinates_from("query_points", query_points, least=0)
    if len(query_points) == 0:
        return (np if as_numpy else jnp).zeros((0, 3), np.int32)
    tree = build_kd_tree(points) if tree is None else tree
    mappings = _locate(*lax.stop_gradient((triangulation, query_points, tree)))
    return np.asarray(mappings) if as_numpy else mappings  # type: ignore[return-value]


@by_platform
@backend.fused
def _locate(triangulation, query_points, tree):
    points = tree.points
    query_points = jnp.where(jnp.isfinite(query_points), scaled(query_points, tree.exponent), query_points)
    corners = gather(points, triangulation.simplices).reshape(-1, 6)
    start = gather(start_simplices(triangulation, corners, tree), leaf_of(tree, query_points))
    finite = jnp.isfinite(query_points).all(axis=1)
    query_points = jnp.where(finite[:, None], query_points, 0.0)
    simplex = backend.map_rows(lambda query: walk(triangulation, corners, *query), (query_points, start))

    def nearest_from(query):
        query_point, start, number = query
        # Not from where the walk left the hull, which may be far away.
        return nearest_of_first(number, points, query_point, descend(triangulation, points, query_point, start))

    left = simplex < 0
    if backend.one_by_one():
        # A mesh without triangles, or without any that can be trusted, has vertices only.
        number = jnp.where(left & (start < 0), np.int32(len(points)), np.int32(0))
        vertex = backend.map_rows(nearest_from, (query_points, jnp.where(left, start, NONE), number))
    else:
        vertex = backend.map_blocks(partial(nearest_of_all, points), query_points, left & finite)
    outside = jnp.pad(vertex[:, None], ((0, 0), (0, 2)), constant_values=NONE)
    found = jnp.where(left[:, None], outside, gather(triangulation.simplices, simplex))
    return jnp.where(finite[:, None], found, NONE)


def start_simplices(triangulation: Triangulation, corners: Array, tree: KDTree) -> Array:
    """(2^L,) int32: a triangle near each leaf of the tree, in the middle of its vertices where that is inside the hull.

    It is -1 where the mesh has no triangle that can be trusted. `corners` are those of `walk`.
    """
    box = tree.boxes[-1]
    own = gather(jnp.append(triangulation.vertex_simplex, NONE), tree.leaves).max(axis=1)
    middle = 0.5 * (box[:, :2] - box[:, 2:])
    found = backend.map_rows(lambda leaf: walk(triangulation, corners, *leaf), (middle, own))
    # A leaf may hold duplicates only, which have no triangle.
    simplices = jnp.maximum(jnp.where(found < 0, own, found), np.int32(0))
    return jnp.where(triangulation.certified & (triangulation.simplices[0, 0] >= 0), simplices, NONE)


def walk(triangulation: Triangulation, corners: Array, query_point: Array, simplex: Array) -> Array:
    """Walk a query from a start triangle to the one that holds it.

    Parameters
    ----------
    triangulation
        As in `locate`.
    corners
        (2N, 6) float, the coordinates of the vertices of its triangles, x and y in turn.
    query_point
        (2,) float.
    simplex
        () int32, the triangle where the query starts; -1 where there is none.

    Returns
    -------
    () int32
        The triangle that holds the query; -1 for one outside the hull.
    """
    tolerance, bound = -INSIDE * jnp.finfo(query_point.dtype).eps, ORIENTATION * unit_of(query_point.dtype)
    x, y = query_point

    def doubled(ax, ay, bx, by):
        """A doubled area of one edge, more by its error bound: in scalars, since XLA makes a loop of arrays of two."""
        first, second = (ax - x) * (by - ay), (ay - y) * (bx - ax)
        return first - second + bound * (jnp.abs(first) + jnp.abs(second))

    def is_off(at, *others):
        """Whether a coordinate is outside the range of others, by more than rounding."""
        (a, b, c), some = others, 8.0 * jnp.finfo(at.dtype).eps
        return (at < jnp.minimum(jnp.minimum(a, b), c) - some) | (at > jnp.maximum(jnp.maximum(a, b), c) + some)

    def step(_, carry):
        simplex, before = carry
        ax, ay, bx, by, cx, cy = backend.pick_row(corners, simplex)
        of_a, of_b, of_c = doubled(bx, by, cx, cy), doubled(cx, cy, ax, ay), doubled(ax, ay, bx, by)
        lowest = jnp.minimum(jnp.minimum(of_a, of_b), of_c)
        to_a, to_b, to_c = backend.pick_row(triangulation.neighbors, simplex)
        across = jnp.where(of_a == lowest, to_a, jnp.where(of_b == lowest, to_b, to_c))
        # On the line of a triangle without area nothing is behind an edge for certain. From there a query that is not beside
        # it goes on around a near vertex, away from the farthest one, but not back.
        astray = (lowest >= 0.0) & (is_off(x, ax, bx, cx) | is_off(y, ay, by, cy))
        ends = (ax, ay, to_a), (bx, by, to_b), (cx, cy, to_c)
        far_a, far_b, far_c = (
            jnp.where((to >= 0) & (to != before), (at_x - x) ** 2 + (at_y - y) ** 2, -1.0) for at_x, at_y, to in ends
        )
        farthest = jnp.maximum(jnp.maximum(far_a, far_b), far_c)
        onwards = jnp.where(far_a == farthest, to_a, jnp.where(far_b == farthest, to_b, to_c))
        onwards = jnp.where(farthest < 0.0, NONE, onwards)
        # Only an edge behind which the query certainly lies is crossed: those decisions cannot go around in circles.
        at_hull = ~astray & (across < 0) & (lowest >= tolerance * ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)))
        # One result only: XLA evaluates all of this once for each.
        stays = ((lowest >= 0.0) & ~astray) | at_hull | (simplex < 0)
        return jnp.where(stays, simplex, jnp.where(astray, onwards, across)), simplex

    def unfinished(turn, carry):
        # No walk on a Delaunay triangulation enters a triangle twice.
        simplex, before = carry
        return (simplex != before) & (simplex >= 0) & (turn <= triangulation.simplices.shape[0])

    return backend.while_any(unfinished, step, (simplex, NONE), at_once=4)[0]


def descend(triangulation: Triangulation, points: Array, query_point: Array, simplex: Array) -> Array:
    """The nearest vertex of a query, by steps to ever nearer vertices.

    A vertex of a Delaunay triangulation that is nearer to a point than all its neighbours is nearer than all vertices
    (Bose & Morin 2004, SIAM J. Comput. 33, 937). Of several that are as near it is that of the smallest number: they are on
    one empty circle around the query, so triangles join that one with each of them. The neighbours of a vertex are looked at
    triangle by triangle, counter-clockwise.

    Parameters
    ----------
    triangulation, query_point
        As in `walk`.
    points
        (N, 2) float, the vertices.
    simplex
        () int32, the triangle where the query starts; -1 where there is none, and then the result means nothing.

    Returns
    -------
    () int32
    """
    first = triangulation.vertex_simplex

    def is_nearer(one, other):
        by = _nearer_by(query_point, gather(points, one), gather(points, other))
        return (by > 0.0) | ((by == 0.0) & (one < other))

    def step(_, carry):
        vertex, simplex = carry
        a, b, c = gather(triangulation.simplices, simplex)
        after = jnp.where(a == vertex, B, jnp.where(b == vertex, C, A))
        to_after = jnp.where(a == vertex, b, jnp.where(b == vertex, c, a))
        to_before = jnp.where(a == vertex, c, jnp.where(b == vertex, a, b))
        nearer = jnp.where(is_nearer(to_after, to_before), to_after, to_before)
        moves = (simplex >= 0) & is_nearer(nearer, vertex)

        around = gather(triangulation.neighbors, simplex, after)
        around = jnp.where((simplex < 0) | (around == gather(first, vertex)), NONE, around)
        vertex = jnp.where(moves, nearer, vertex)
        return vertex, jnp.where(moves, gather(first, vertex), around)

    def unfinished(turn, carry):
        # Every vertex is looked at once at most, and so is every triangle around it.
        return (carry[1] >= 0) & (turn <= 4 * triangulation.simplices.shape[0])

    vertex = gather(triangulation.simplices, simplex, 0)
    begins = jnp.where(simplex < 0, NONE, gather(first, vertex))
    return backend.while_any(unfinished, step, (vertex, begins))[0]


def _nearer_by(query_point, one, other):
    """By how much one point's squared distance from a query is smaller than another's, from (..., 2) coordinates.

    Not by two distances: these are the same to rounding where the points are near each other and the query is far.
    """
    return dot(one - other, (query_point - one) + (query_point - other))


def nearest_of_all(points: Array, query_points: Array) -> Array:
    """(Q,) int32: the nearest of (N, 2) vertices for (Q, 2) queries; of several as near that of the smallest number."""
    every, best = jnp.arange(len(points), dtype=jnp.int32), jnp.zeros(len(query_points), jnp.int32)
    # What is compared with a vertex that is nearly the nearest is told apart where distances are not.
    for _ in range(2):
        farther_by = _nearer_by(query_points[:, None], gather(points, best)[:, None], points)
        best = first_of(every, True, farther_by)
    return best


def nearest_of_first(number: Array, points: Array, query_point: Array, vertex: Array) -> Array:
    """() int32: which of the first () `number` vertices is nearest to a (2,) query; `vertex` if the number is zero."""

    def nearer(k, best):
        vertex, nearest = best
        distance = squared(query_point - gather(points, k))
        return jnp.where(distance < nearest, k, vertex), jnp.minimum(distance, nearest)

    farthest = jnp.full((), np.inf, jnp.result_type(points, query_point))
    return lax.fori_loop(np.int32(0), number, nearer, (vertex, farthest))[0]
