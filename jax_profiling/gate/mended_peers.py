"""autoarray's nearest-neighbour meshes with the neighbours that they were meant to have.

Their search takes vertices in blocks of 128. Where the number of vertices is no multiple of that, `dynamic_slice` moves the
last block to the left, and its distances are given to the wrong vertices (PyAutoArray issue 609). One block of all vertices has
no such remainder.
"""

from unittest import mock

import autolens as al
from autoarray.inversion.mesh.interpolator import knn as upstream
from autonerves import cached_property

_search = upstream.get_interpolation_weights


def _search_in_one_block(points, query_points, k_neighbors, radius_scale):
    return _search(points, query_points, k_neighbors, radius_scale, point_block=len(points))


class _RightNeighbors:
    """An interpolator of autoarray's whose search has one block."""

    @cached_property
    def _mappings_sizes_weights(self):
        with mock.patch.object(upstream, "get_interpolation_weights", _search_in_one_block):
            return super()._mappings_sizes_weights

    @cached_property
    def _mappings_sizes_weights_split(self):
        with mock.patch.object(upstream, "get_interpolation_weights", _search_in_one_block):
            return super()._mappings_sizes_weights_split


class _InterpolatorKNNBarycentric(_RightNeighbors, upstream.InterpolatorKNNBarycentric):
    pass


class _InterpolatorKNearestNeighbor(_RightNeighbors, upstream.InterpolatorKNearestNeighbor):
    pass


class MendedKNNBarycentric(al.mesh.KNNBarycentric):
    """autoarray's own `KNNBarycentric` with right neighbours."""

    @property
    def interpolator_cls(self):
        return _InterpolatorKNNBarycentric


class MendedKNearestNeighbor(al.mesh.KNearestNeighbor):
    """autoarray's `KNearestNeighbor` with right neighbours."""

    @property
    def interpolator_cls(self):
        return _InterpolatorKNearestNeighbor
