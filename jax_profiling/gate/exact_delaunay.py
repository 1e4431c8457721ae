"""autoarray's own Delaunay code on the exact triangulation: the reference where Qhull's answer is not the answer."""

from unittest import mock

import autolens as al
from autoarray.inversion.mesh.interpolator import delaunay as upstream
from autonerves import cached_property

import delaunax


def tables_of(points):
    """What stands in for autoarray's `_jax_delaunay_tables`: simplices, neighbours, and a simplex of each vertex."""
    triangulation = delaunax.triangulate(points)
    return triangulation.simplices, triangulation.neighbors, triangulation.vertex_simplex


LARGER = 2.0**80
"""autoarray gives no weight to any vertex of a triangle below 1e-12 squared arcsec. At a symmetric lens there are triangles of
1e-26, with relocated data points in them, which are worth 2000 nats: on this scale none is below the bound."""

_weights_from = upstream.pixel_weights_delaunay_from


def _weights_in_any_triangle(data_grid, mesh_grid, **arguments):
    """autoarray's weights, which are the same on any scale but for its bound."""
    return _weights_from(data_grid=LARGER * data_grid, mesh_grid=LARGER * mesh_grid, **arguments)


class InterpolatorExactDelaunay(upstream.InterpolatorDelaunay):
    """autoarray's Delaunay interpolation on JAX, whose tables come from `delaunax` in place of Qhull.

    Location, weights, dual areas and split points stay autoarray's, so that they say something about those of the mesh under
    test. The triangulation is the one under test: whoever uses it has the oracle certify it (`reference`).
    """

    @cached_property
    def delaunay(self):
        """The tables that autoarray makes of the exact triangulation."""
        with mock.patch.object(upstream, "_jax_delaunay_tables", tables_of):
            return super().delaunay

    @cached_property
    def _mappings_sizes_weights(self):
        with mock.patch.object(upstream, "pixel_weights_delaunay_from", _weights_in_any_triangle):
            return super()._mappings_sizes_weights

    @cached_property
    def _mappings_sizes_weights_split(self):
        with mock.patch.object(upstream, "pixel_weights_delaunay_from", _weights_in_any_triangle):
            return super()._mappings_sizes_weights_split


class ExactDelaunay(al.mesh.Delaunay):
    """`al.mesh.Delaunay` on the exact triangulation."""

    @property
    def interpolator_cls(self):
        return InterpolatorExactDelaunay
