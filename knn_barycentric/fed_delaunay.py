"""The in-graph triangulation for autoarray's own `Delaunay` and `DelaunayNN`, in place of their Qhull callback."""

import numpy as np

REFUSED = -2
"""Fills the simplices of a mesh that is not certified. To autoarray, any negative index is an unused row."""


def delaunay_tables(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tables that autoarray's JAX path takes from Qhull, without a host callback.

    Stands in for `autoarray.inversion.mesh.interpolator.delaunay._jax_delaunay_tables`, whose meaning, padding and frozen
    gradients it keeps.

    Parameters
    ----------
    points
        (N, 2) float, the mesh vertices (arcsec).

    Returns
    -------
    simplices
        (2N, 3) int32, -1 in unused rows; `REFUSED` everywhere if the triangulation is not certified.
    neighbors
        (2N, 3) int32, column k holds the triangle opposite vertex k; -1 at the hull and in unused rows.
    vertex_simplex
        (N,) int32, a triangle that contains each vertex; -1 for a vertex without one.
    """
    import jax.numpy as jnp

    import delaunax

    triangulation = delaunax.triangulate(points)
    simplices = jnp.where(triangulation.certified, triangulation.simplices, REFUSED)
    return simplices, triangulation.neighbors, triangulation.vertex_simplex


def unless_refused(weights: np.ndarray, delaunay) -> np.ndarray:
    """Interpolation weights, all NaN where `delaunay_tables` refused the mesh.

    Integers cannot say "not a number", and a row without a triangle is a data point outside the hull, with the weight 1 on
    its nearest vertex: without this a mesh that is not certified would have a plausible log evidence.

    Parameters
    ----------
    weights
        (Q, K) float, the weights of the data points.
    delaunay
        The `DelaunayInterface` that they come from.
    """
    refused = (delaunay.simplices == REFUSED).any()
    return delaunay.xp.where(refused, delaunay.xp.nan, weights)
