"""Which triangle contains each query point, or which vertex is nearest to it outside the hull."""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from delaunax import platform
from delaunax.arguments import as_given, points_and_queries
from delaunax.arithmetic.scaling import scaled
from delaunax.location.nearest import nearest_of
from delaunax.location.walk import simplices_at, start_simplices
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather
from delaunax.tables.kd_tree import leaf_of
from delaunax.triangulation import Triangulation, widened


def locate(triangulation: Triangulation, points: Any, query_points: Any) -> Array:
    """The vertices that interpolate every query point; works under `jit` and `vmap`, and on NumPy arrays.

    Every query starts at a triangle near its leaf of the k-d tree, and crosses an edge as long as it certainly lies behind
    that edge (the visibility walk of Devillers, Pion & Teillaud 2002, Int. J. Found. Comput. Sci. 13, 181, which cannot cycle
    on a Delaunay triangulation). If the query then misses its triangle by more than rounding, the nearest of all triangles
    takes its place. Outside the hull, a CPU descends to the nearest vertex along the edges, and a GPU compares all vertices.
    The result is integer and piecewise constant, so gradients stop here.

    Parameters
    ----------
    triangulation
        The triangulation of the points, from `triangulate`.
    points
        (N, 2) float, the vertices.
    query_points
        (..., 2) float, the query points, or a tuple (x, y) of arrays that broadcast to shape (...).

    Returns
    -------
    (..., 3) int32
        The vertices of the triangle that contains the query, or misses it by at most 4 machine epsilons of the extent.
        Outside the hull [nearest vertex, -1, -1]; ties go to the lowest index. [-1, -1, -1] for a query that is not finite.

    Raises
    ------
    ValueError, TypeError
        If an argument has a wrong shape, or a dtype that `triangulate` does not take, or if `triangulation` has another number
        of vertices than there are points.
    """
    return located_by(_locate, triangulation, points, query_points, (3,))


def located_by(method: Any, triangulation: Triangulation, points: Any, query_points: Any, tail: tuple = ()) -> Array:
    """(..., *tail) int32: what a method finds from a triangulation and its (Q, 2) queries, for queries of shape (..., 2)."""
    points, queries, shape = points_and_queries(points, query_points, triangulation)
    if len(queries) == 0:
        return as_given(query_points, jnp.zeros(shape + tail, jnp.int32))
    arrays = lax.stop_gradient((widened(triangulation, points.dtype), queries))
    return as_given(query_points, method(*arrays).reshape(shape + tail))


@by_platform
@platform.fused
def _locate(triangulation, query_points):
    query_points, finite, corners, start = starts_of(triangulation, query_points)
    simplex = simplices_at(triangulation, corners, query_points, start)
    outside = simplex < 0
    vertex = nearest_of(triangulation, query_points, start, outside & finite)
    alone = jnp.pad(vertex[:, None], ((0, 0), (0, 2)), constant_values=NONE)
    found = jnp.where(outside[:, None], alone, gather(triangulation.simplices, simplex))
    return jnp.where(finite[:, None], found, NONE)


@by_platform
@platform.fused
def rows_at(triangulation: Triangulation, query_points: Array) -> Array:
    """(Q,) int32: the rows of the triangles that contain (Q, 2) queries; -1 outside the hull, or if a query is not finite."""
    query_points, finite, corners, start = starts_of(triangulation, query_points)
    return jnp.where(finite, simplices_at(triangulation, corners, query_points, start), NONE)


@by_platform
@platform.fused
def nearest_vertices(triangulation: Triangulation, query_points: Array) -> Array:
    """(Q,) int32: the nearest vertices of (Q, 2) queries, ties going to the lowest index; -1 if a coordinate is not finite."""
    query_points, finite, _, start = starts_of(triangulation, query_points)
    return jnp.where(finite & triangulation.certified, nearest_of(triangulation, query_points, start, finite), NONE)


def starts_of(triangulation: Triangulation, query_points: Array) -> tuple[Array, Array, Array, Array]:
    """Where (Q, 2) queries start their walks; on a CPU inside `platform.fused`.

    Returns
    -------
    query_points
        (Q, 2) float, the queries, scaled; zero if a coordinate is not finite.
    finite
        (Q,) bool, which queries are finite.
    corners
        (2N, 6) float, the corners of the triangles, as `walk.walk` takes them.
    start
        (Q,) int32, the triangles where the queries start.
    """
    tree = triangulation.tree
    query_points = jnp.where(jnp.isfinite(query_points), scaled(query_points, tree.exponent), query_points)
    corners = gather(tree.points, triangulation.simplices).reshape(-1, 6)
    start = gather(start_simplices(triangulation, corners), leaf_of(tree, query_points))
    x, y = query_points.T
    finite = jnp.isfinite(x) & jnp.isfinite(y)
    return jnp.where(finite[:, None], query_points, 0.0), finite, corners, start
