"""Vectors of parameters at which rounding decides what autoarray counts: the *counted* ones.

autoarray's adaptive schemes divide the signal of a vertex by the number of data points with a non-zero weight on it
(PyAutoArray 627). Rounding decides which weights of a point on a vertex or an edge are zero. On the edge of the hull it also
decides, for every scheme, whether a point is interpolated or takes the flux of the nearest vertex. There two right meshes may
differ by nats, and Delaunay on NumPy from Delaunay under `jit`.
"""

import numpy as np
from autoarray.inversion import regularization as reg

from jax_profiling.gate.likelihood import is_rejection

TINY_WEIGHT = 1.0e-12
"""`knn_barycentric.evidence.tiny_weights.TINY_WEIGHT`, which a patched autoarray lacks."""

COUNTING_SCHEMES = (reg.Adapt, reg.BrightnessZeroth, reg.MaternAdaptKernel)
"""Schemes that adapt to the signal of every vertex, with their subclasses."""


def is_counted_at(likelihood, parameters):
    """Whether a vector is counted: `is_counted` of any mapper there. False if NumPy has no mesh there.

    Parameters
    ----------
    likelihood
        A `likelihood.Likelihood` with `al.mesh.Delaunay`.
    parameters
        (D,) float64.
    """
    try:
        return any(map(is_counted, likelihood.mappers(parameters)))
    except Exception as error:
        if not is_rejection(error):
            raise
        return False


def is_counted(mapper):
    """Whether rounding decides what is counted, or what is inside the mesh, for a NumPy mapper on a Delaunay mesh.

    Parameters
    ----------
    mapper
        A mapper of autoarray with `xp=numpy` and an `InterpolatorDelaunay`.
    """
    interpolator = mapper.interpolator
    points, simplices = interpolator.mesh_grid_xy, interpolator.delaunay.simplices
    data, split = interpolator.data_grid.over_sampled.array, interpolator.delaunay.split_points
    queries = data if split is None else np.concatenate([data, split])
    if on_hull(points, simplices, queries).any():
        return True
    mappings, _, weights = interpolator._mappings_sizes_weights
    return isinstance(mapper.regularization, COUNTING_SCHEMES) and bool(on_edges(mappings, weights).any())


def on_edges(mappings, weights):
    """(Q,) bool: which points lie on a vertex or an edge of their triangle, up to rounding.

    Parameters
    ----------
    mappings
        (Q, 3) int, the vertices of each point's triangle; [nearest, -1, -1] outside the hull.
    weights
        (Q, 3) float, its barycentric coordinates there.
    """
    return (mappings[:, 1] >= 0) & (np.abs(weights) < TINY_WEIGHT).any(axis=1)


def on_hull(points, simplices, queries):
    """(Q,) bool: which points lie on the boundary of a triangulation, up to rounding, on either side of it.

    Parameters
    ----------
    points
        (N, 2) float, the vertices (arcsec).
    simplices
        (T, 3) int, the triangles; rows of -1 are unused.
    queries
        (Q, 2) float, the points (arcsec).
    """
    found = np.zeros(len(queries), bool)
    for start, stop in hull_edges(simplices):
        along = points[stop] - points[start]
        offsets = queries - points[start]
        squared = along @ along
        across, fraction = (offsets[:, 0] * along[1] - offsets[:, 1] * along[0]), offsets @ along / squared
        on_line = np.abs(across) < TINY_WEIGHT * squared
        found |= on_line & (fraction > -TINY_WEIGHT) & (fraction < 1.0 + TINY_WEIGHT)
    return found


def hull_edges(simplices):
    """(B, 2) int: the edges of one triangle only, of (T, 3) simplices whose unused rows are -1."""
    used = simplices[simplices[:, 0] >= 0]
    edges = np.sort(np.concatenate([used[:, [0, 1]], used[:, [1, 2]], used[:, [2, 0]]]), axis=1)
    edges, times = np.unique(edges, axis=0, return_counts=True)
    return edges[times == 1]
