"""autoarray's two nearest-neighbour meshes with their neighbour search fixed.

autoarray searches vertices in blocks of 128. If the number of vertices is no multiple of 128, `dynamic_slice` shifts the last
block to the left, and its distances are assigned to the wrong vertices (PyAutoArray issue 609). Searching in one block of all
vertices avoids the fault.
"""

from unittest import mock

import autolens as al
from autoarray.inversion.mesh.interpolator import knn as upstream
from autonerves import cached_property

_search = upstream.get_interpolation_weights


def search_in_one_block(points, query_points, k_neighbors, radius_scale):
    """autoarray's neighbour search with a single block."""
    return _search(points, query_points, k_neighbors, radius_scale, point_block=len(points))


class _SearchInOneBlock:
    """Mixin for autoarray's interpolators that replaces their neighbour search."""

    @cached_property
    def _mappings_sizes_weights(self):
        with mock.patch.object(upstream, "get_interpolation_weights", search_in_one_block):
            return super()._mappings_sizes_weights

    @cached_property
    def _mappings_sizes_weights_split(self):
        with mock.patch.object(upstream, "get_interpolation_weights", search_in_one_block):
            return super()._mappings_sizes_weights_split


class _InterpolatorKNNBarycentric(_SearchInOneBlock, upstream.InterpolatorKNNBarycentric):
    pass


class _InterpolatorKNearestNeighbor(_SearchInOneBlock, upstream.InterpolatorKNearestNeighbor):
    pass


class FixedKNNBarycentric(al.mesh.KNNBarycentric):
    """autoarray's own `KNNBarycentric` with the right neighbours."""

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        return _InterpolatorKNNBarycentric


class FixedKNearestNeighbor(al.mesh.KNearestNeighbor):
    """autoarray's `KNearestNeighbor` with the right neighbours."""

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        return _InterpolatorKNearestNeighbor
