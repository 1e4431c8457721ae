"""autoarray's Delaunay with its vertices passed to Qhull in another order.

Four vertices on one circle have two Delaunay triangulations. Qhull's choice depends on the order of the vertices, so the log
evidence in another order shows how much it depends on that choice.
"""

from contextlib import contextmanager
from unittest import mock

import numpy as np
import scipy.spatial
from scipy.spatial import Delaunay

SEED = 0
"""Seed of the permutation."""


class PermutedDelaunay:
    """What autoarray reads of a `scipy.spatial.Delaunay`, triangulated in another order of its points."""

    def __init__(self, points):
        self._order = np.random.default_rng(SEED).permutation(len(points))
        self._found = Delaunay(points[self._order])
        self.points, self.neighbors = np.asarray(points), self._found.neighbors
        self.simplices = self._order[self._found.simplices]
        self.find_simplex = self._found.find_simplex

    @property
    def vertex_neighbor_vertices(self):
        """The pointers and the neighbours of every vertex, as SciPy gives them."""
        starts, neighbors = self._found.vertex_neighbor_vertices
        rows = [self._order[neighbors[starts[at] : starts[at + 1]]] for at in np.argsort(self._order)]
        return np.cumsum([0, *map(len, rows)]), np.concatenate(rows)


@contextmanager
def permuted_vertices():
    """A context in which autoarray's Delaunay permutes its vertices, also in programs that are compiled already.

    Such a program calls SciPy on the host, and autoarray looks SciPy's class up in every call.
    """
    with mock.patch.object(scipy.spatial, "Delaunay", PermutedDelaunay):
        yield
