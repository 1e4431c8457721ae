"""Barycentric weights on any three vertices, whether or not their triangle contains the query point."""

import numpy as np

COLLINEAR_EPS = 64.0
"""Three vertices count as collinear if their doubled area is below this many machine epsilons of the summed squared edges."""


def barycentric_weights_from_3_nearest(query_points, mesh_points, nearest_3_indices, xp=np):
    """Barycentric weights on three given vertices per query point, with negative coordinates clipped to zero.

    The weights are exact if the three vertices are the Delaunay triangle that contains the query point. Otherwise
    negative coordinates are set to zero and the rest are rescaled: a convex combination, but not an interpolation.

    Replaces the function of the same name in `autoarray.inversion.mesh.interpolator.knn`. Here gradients are finite
    everywhere and no area threshold in arcsec^2 is needed.

    Parameters
    ----------
    query_points
        (Q, 2) float, the query points (arcsec).
    mesh_points
        (N, 2) float, the mesh vertices (arcsec).
    nearest_3_indices
        (Q, 3) int, three vertices per query point, nearest first.
    xp
        `numpy` or `jax.numpy`.

    Returns
    -------
    (Q, 3) float
        Weights between 0 and 1 that sum to 1. Three collinear vertices give [1, 0, 0].
    """
    coordinates, collinear = barycentric_coordinates_from(query_points, mesh_points, nearest_3_indices, xp)
    clipped = xp.where(coordinates > 0.0, coordinates, 0.0)
    # The coordinates sum to 1, so the positive ones sum to at least 1.
    weights = clipped / xp.where(collinear, 1.0, clipped.sum(axis=1, keepdims=True))
    return xp.where(collinear, xp.asarray([1.0, 0.0, 0.0], dtype=weights.dtype), weights)


def barycentric_coordinates_from(query_points, mesh_points, triples, xp=np):
    """Signed barycentric coordinates on three vertices per query point.

    Parameters
    ----------
    query_points, mesh_points, xp
        As in `barycentric_weights_from_3_nearest`.
    triples
        (Q, 3) int, three vertices per query point.

    Returns
    -------
    coordinates
        (Q, 3) float. They sum to 1; for collinear vertices they are finite but meaningless.
    collinear
        (Q, 1) bool, whether the three vertices lie on one line.
    """
    a, b, c = (mesh_points[triples[:, k]] for k in range(3))
    doubled_area = _cross(b - a, c - a)
    squared_edges = ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2).sum(axis=1)
    collinear = xp.abs(doubled_area) <= COLLINEAR_EPS * np.finfo(doubled_area.dtype).eps * squared_edges
    # Replace zero before the division: otherwise the gradient is NaN even in rows that are not used.
    safe_area = xp.where(collinear, 1.0, doubled_area)
    # Measuring each sub-triangle along an edge of the triangle stays accurate in very thin triangles.
    sub_areas = xp.stack([_cross(p - query_points, q - p) for p, q in ((b, c), (c, a), (a, b))], axis=1)
    return sub_areas / safe_area[:, None], collinear[:, None]


def _cross(u, v):
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
