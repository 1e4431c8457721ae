"""Why three nearest vertices are not enough: how often the Delaunay triangle of a data point is among its nearest vertices."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial import cKDTree

from delaunax import locate, triangulate

NEIGHBOURS = (3, 4, 5, 6, 8, 10, 16, 32)
"""The values of k in the reports."""


def shares_from(mapper):
    """The share of data points (inside the hull) for which the Delaunay triangle is among the k nearest vertices.

    Parameters
    ----------
    mapper
        The mapper, on NumPy arrays (`Likelihood.mapper`).

    Returns
    -------
    dict
        k of `NEIGHBOURS` -> share, from 0 to 1.
    """
    _, _, _, triangles, nearest = _tables_from(mapper, max(NEIGHBOURS))
    return {k: float(_among(triangles, nearest[:, :k]).mean()) for k in NEIGHBOURS}


def percentages_of(gate):
    """`shares_from` of a gate's mapper in percent, as strings."""
    return [f"{100.0 * share:.1f} %" for share in shares_from(gate.mapper).values()]


def figure_from(mapper):
    """The data points in the source plane, coloured by whether their three nearest vertices are their triangle."""
    points, simplices, queries, triangles, nearest = _tables_from(mapper, 3)
    right = _among(triangles, nearest)
    centre, radius = np.median(queries, axis=0), 0.5 * np.percentile(np.hypot(*(queries - queries.mean(axis=0)).T), 90)

    figure, axes = plt.subplots(1, 2, figsize=(12, 6), layout="constrained")
    for ax, reach, size in zip(axes, (None, 0.3 * radius), (2.0, 14.0), strict=True):
        y, x = points.T
        ax.triplot(x, y, simplices, color="0.8", linewidth=0.5)
        for chosen, colour, label in ((~right, "C3", "another triangle"), (right, "C0", "their triangle")):
            share = f"{100.0 * chosen.mean():.1f} %"
            ax.plot(*queries[chosen].T[::-1], ".", markersize=size**0.5, color=colour, label=f"{label}: {share}")
        ax.set_aspect("equal")
        ax.set_xlabel("x (arcsec)")
        ax.set_ylabel("y (arcsec)")
        if reach is not None:
            ax.set_xlim(centre[1] - reach, centre[1] + reach)
            ax.set_ylim(centre[0] - reach, centre[0] + reach)
    axes[0].legend(title="the 3 nearest vertices of a data point are", loc="upper right", markerscale=4)
    return figure


def _tables_from(mapper, number):
    """The mesh's vertices and triangles, the data points inside its hull, and each one's triangle and nearest vertices."""
    points = np.asarray(mapper.interpolator.mesh_grid_xy)
    queries = np.asarray(mapper.interpolator.data_grid.over_sampled.array)
    triangulation = triangulate(points)
    mappings = locate(triangulation, points, queries)
    inside = mappings[:, 1] >= 0
    nearest = cKDTree(points).query(queries, k=np.arange(1, number + 1))[1]
    simplices = triangulation.simplices[triangulation.simplices[:, 0] >= 0]
    return points, simplices, queries[inside], mappings[inside], nearest[inside]


def _among(triangles, nearest):
    return (triangles[:, :, None] == nearest[:, None, :]).any(axis=2).all(axis=1)
