"""The JAX triangulation in the table format of autoarray, for its own `Delaunay` and `DelaunayNN`."""

import numpy as np

UNCERTIFIED = -2
"""Marks every simplex of an uncertified mesh. autoarray treats any negative index as an unused row."""


def delaunay_tables(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The connectivity tables that autoarray's JAX path takes from Qhull, computed without a host callback.

    Replaces `autoarray.inversion.mesh.interpolator.delaunay._jax_delaunay_tables`. The meaning, the padding and the
    zero gradients are the same.

    Parameters
    ----------
    points
        (N, 2) float, the mesh vertices (arcsec).

    Returns
    -------
    simplices
        (2N, 3) int32, -1 in unused rows; `UNCERTIFIED` everywhere if the triangulation is not certified.
    neighbors
        (2N, 3) int32, column k holds the triangle opposite vertex k; -1 at the hull and in unused rows.
    vertex_simplex
        (N,) int32, one triangle of each vertex; -1 for a vertex without a triangle.
    """
    import jax.numpy as jnp

    import delaunax

    triangulation = delaunax.triangulate(points)
    simplices = jnp.where(triangulation.certified, triangulation.simplices, UNCERTIFIED)
    return simplices, triangulation.neighbors, triangulation.vertex_simplex


def nan_if_uncertified(weights: np.ndarray, delaunay) -> np.ndarray:
    """The weights, or NaN everywhere if `delaunay_tables` marked the mesh as uncertified.

    An integer table cannot hold NaN, and autoarray reads a data point without a triangle as a point outside the hull,
    with weight 1 on its nearest vertex. Without this function an uncertified mesh would get a plausible log evidence.

    Parameters
    ----------
    weights
        (Q, K) float, the weights of the data points.
    delaunay
        The `DelaunayInterface` that the weights were computed from.

    Returns
    -------
    (Q, K) float
    """
    uncertified = (delaunay.simplices == UNCERTIFIED).any()
    return delaunay.xp.where(uncertified, delaunay.xp.nan, weights)
