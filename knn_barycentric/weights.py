"""Interpolation weights: barycentric ones on Delaunay's triangle, and the approximate rungs of the ladder.

Every rung is a function `(triangulation, mesh_points, query_points, xp, k_neighbors, sort) -> (mappings, weights)`, both
of shape (Q, 3), where `sort` is the mesh's spatial sort if it is at hand. `KNNBarycentric(triangle=...)` selects it by its
name in `RUNGS`. The approximate ones take vertices near the query instead of a triangle of the mesh. They are kept because
they were proposed; `docs/ladder.md` shows what each of them costs in log evidence.
"""

from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from knn_barycentric.locate import locate, nearest_vertices
from knn_barycentric.triangle import cross, doubled_areas_from, flat

RADIUS_SCALE = 1.5
"""Support of the Wendland kernel in units of the distance to the farthest neighbour, as autoarray's default."""


def barycentric_weights_from(query_points: Array, mesh_points: Array, mappings: Array, xp=np) -> Array:
    """The barycentric weights of every query point, differentiable with respect to queries and vertices.

    Equal to autoarray's `pixel_weights_delaunay_from`, but free of its absolute area threshold, so that a mesh may
    have any scale.

    Parameters
    ----------
    query_points
        (Q, 2) float, the query points (arcsec).
    mesh_points
        (N, 2) float, the mesh vertices (arcsec).
    mappings
        (Q, 3) int, the vertices from `locate.locate`: a triangle, or [vertex, -1, -1], or [-1, -1, -1].
    xp
        `numpy` or `jax.numpy`.

    Returns
    -------
    (Q, 3) float
        Weights in [0, 1] with rows that sum to 1; [1, 0, 0] for a query outside the hull; NaN for a query without
        any vertex (one that is not finite).
    """
    a, b, c = (mesh_points[xp.where(mappings[:, k] < 0, 0, mappings[:, k])] for k in range(3))
    # Not `abs`: its derivative is zero at a query on an edge, where the weight still grows to one side.
    doubled = [xp.where(each < 0.0, -each, each) for each in doubled_areas_from(query_points, a, b, c)]
    total = doubled[0] + doubled[1] + doubled[2]
    has_triangle = mappings[:, 1] >= 0
    safe = xp.where(has_triangle & (total > 0.0), total, 1.0)
    weights = [xp.where(has_triangle, each / safe, alone) for each, alone in zip(doubled, (1.0, 0.0, 0.0))]
    return xp.where(mappings[:, :1] < 0, xp.nan, xp.stack(weights, axis=1))


def barycentric_weights_from_3_nearest(
    query_points: Array, mesh_points: Array, nearest_3_indices: Array, xp=np
) -> Array:
    """Barycentric weights on the triangle of three vertices near each query, clipped where it does not hold the query.

    Exact where the three are the query's triangle; elsewhere negative coordinates are clipped and the rest is
    renormalised, which is a convex combination of the three but not an interpolation. The function of the same name
    in `autoarray.inversion.mesh.interpolator.knn`, with finite gradients and without an absolute area threshold.

    Parameters
    ----------
    query_points
        (Q, 2) float, the query points (arcsec).
    mesh_points
        (N, 2) float, the mesh vertices (arcsec).
    nearest_3_indices
        (Q, 3) int, the vertices of each query, nearest first.
    xp
        `numpy` or `jax.numpy`.

    Returns
    -------
    (Q, 3) float
        Weights in [0, 1] with rows that sum to 1; [1, 0, 0] where the three vertices are on one line.
    """
    coordinates, degenerate = _coordinates_from(query_points, mesh_points, nearest_3_indices, xp)
    clipped = xp.where(coordinates > 0.0, coordinates, 0.0)
    # Coordinates sum to 1, so those that are kept sum to at least 1.
    weights = clipped / xp.where(degenerate, 1.0, clipped.sum(axis=1, keepdims=True))
    return xp.where(degenerate, _nearest_only(weights, xp), weights)


def _coordinates_from(query_points, mesh_points, triples, xp):
    """The (Q, 3) signed barycentric coordinates of queries in triples of vertices, and the (Q, 1) collinear ones.

    Coordinates in a collinear triple are finite and meaningless.
    """
    a, b, c = (mesh_points[triples[:, k]] for k in range(3))
    total = cross(b - a, c - a)
    squared_edges = ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2).sum(axis=1)
    degenerate = flat(xp.where(total < 0.0, -total, total), squared_edges)
    # The denominator is made safe before the division, or its gradient would be NaN in rows that are not used.
    safe = xp.where(degenerate, 1.0, total)
    coordinates = xp.stack(doubled_areas_from(query_points, a, b, c), axis=1) / safe[:, None]
    return coordinates, degenerate[:, None]


def _nearest_only(weights, xp):
    return xp.asarray([1.0, 0.0, 0.0], dtype=weights.dtype)


def delaunay(triangulation, mesh_points, query_points, xp, k_neighbors, sort=None) -> tuple[Array, Array]:
    """Delaunay's triangle, or the nearest vertex outside the hull: exact."""
    mappings = locate(triangulation, mesh_points, query_points, sort=sort)
    return mappings, barycentric_weights_from(query_points, mesh_points, mappings, xp=xp)


def clip(triangulation, mesh_points, query_points, xp, k_neighbors, sort=None) -> tuple[Array, Array]:
    """The three nearest vertices, negative coordinates clipped."""
    nearest = _nearest(mesh_points, query_points, 3, xp)
    return nearest, barycentric_weights_from_3_nearest(query_points, mesh_points, nearest, xp)


def wendland(triangulation, mesh_points, query_points, xp, k_neighbors, sort=None) -> tuple[Array, Array]:
    """The three nearest vertices: barycentric where they enclose the query, the Wendland C4 kernel elsewhere."""
    nearest, clipped = clip(triangulation, mesh_points, query_points, xp, k_neighbors)
    coordinates, degenerate = _coordinates_from(query_points, mesh_points, nearest, xp)
    enclosed = ~degenerate & (coordinates >= 0.0).all(axis=1, keepdims=True)
    kernel = wendland_c4_weights_from(query_points, mesh_points[nearest], xp)
    return nearest, xp.where(enclosed, clipped, kernel)


def wendland_c4_weights_from(query_points: Array, neighbours: Array, xp=np) -> Array:
    """(Q, K) weights of a Wendland C4 kernel (1995, Adv. Comput. Math. 4, 389) on each query's (Q, K, 2) neighbours.

    Rows sum to 1; the support is `RADIUS_SCALE` times the distance to the farthest neighbour.
    """
    squared = ((neighbours - query_points[:, None, :]) ** 2).sum(axis=-1)
    # The square root has no finite derivative at a query on a vertex.
    distance = xp.sqrt(xp.where(squared > 0.0, squared, 1.0)) * (squared > 0.0)
    support = RADIUS_SCALE * distance.max(axis=1, keepdims=True)
    s = distance / xp.where(support > 0.0, support, 1.0)
    kernel = (1.0 - s) ** 6 * (35.0 * s**2 + 18.0 * s + 3.0)
    return kernel / kernel.sum(axis=1, keepdims=True)


def enclosing(triangulation, mesh_points, query_points, xp, k_neighbors, sort=None) -> tuple[Array, Array]:
    """Of the `k_neighbors` nearest vertices, the enclosing triple that the empty-circle rule prefers, or the nearest."""
    chosen = enclosing_triples(mesh_points, query_points, k_neighbors)
    chosen = np.asarray(chosen) if xp is np else chosen
    return chosen, barycentric_weights_from(query_points, mesh_points, chosen, xp=xp)


@partial(jax.jit, static_argnames="k_neighbors")
def enclosing_triples(mesh_points: Array, query_points: Array, k_neighbors: int) -> Array:
    """(Q, 3) int32: for each query, three of its nearest vertices that enclose it as their Delaunay triangle would.

    Lift every vertex to its squared distance from the query: the Delaunay triangle of the k vertices is the one whose
    plane passes lowest at the query, among all that enclose it. Where none does: [nearest, -1, -1].
    """
    mesh_points, query_points = lax.stop_gradient(mesh_points), lax.stop_gradient(query_points)
    nearest = nearest_vertices(mesh_points, query_points, k_neighbors)
    squared = ((mesh_points[nearest] - query_points[:, None, :]) ** 2).sum(axis=-1)
    triples = jnp.asarray(list(combinations(range(k_neighbors), 3)))

    def lower(best, triple):
        chosen, lowest = best
        columns = nearest[:, triple]
        coordinates, degenerate = _coordinates_from(query_points, mesh_points, columns, jnp)
        encloses = ~degenerate[:, 0] & (coordinates >= 0.0).all(axis=1)
        height = (coordinates * squared[:, triple]).sum(axis=1)
        better = encloses & (height < lowest)
        return (jnp.where(better[:, None], columns, chosen), jnp.where(better, height, lowest)), None

    alone = nearest[:, :3].at[:, 1:].set(-1)
    (chosen, _), _ = lax.scan(lower, (alone, jnp.full(len(squared), jnp.inf, squared.dtype)), triples)
    return chosen


def _nearest(mesh_points, query_points, number, xp):
    nearest = nearest_vertices(mesh_points, query_points, number)
    return np.asarray(nearest) if xp is np else nearest


RUNGS = {"clip": clip, "wendland": wendland, "enclosing": enclosing, "delaunay": delaunay}
"""The ways to choose the interpolating triangle, from the crudest to the exact one."""
