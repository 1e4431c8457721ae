"""autoarray's own Delaunay code on the exact triangulation: the reference where Qhull is not exact."""

from unittest import mock

import autolens as al
from autoarray.inversion.mesh.interpolator import delaunay as upstream
from autonerves import cached_property

import delaunax

WEIGHT_SCALE = 2.0**80
"""Factor on the coordinates before autoarray computes weights, which do not depend on the scale.

autoarray gives no weight to the vertices of a triangle below 1e-12 arcsec^2. At a symmetric lens there are triangles of
1e-26 arcsec^2 that contain relocated data points and are worth 2000 nats. Scaled, no triangle is below the bound."""


def exact_tables(points):
    """The replacement for autoarray's `_jax_delaunay_tables`: simplices, neighbours, and one simplex of each vertex."""
    triangulation = delaunax.triangulate(points)
    return triangulation.simplices, triangulation.neighbors, triangulation.vertex_simplex


_weights_from = upstream.pixel_weights_delaunay_from


def _weights_without_bound(data_grid, mesh_grid, **arguments):
    """autoarray's weights, without its lower bound on the area of a triangle."""
    return _weights_from(data_grid=WEIGHT_SCALE * data_grid, mesh_grid=WEIGHT_SCALE * mesh_grid, **arguments)


class InterpolatorExactDelaunay(upstream.InterpolatorDelaunay):
    """autoarray's Delaunay interpolation on JAX, with tables from `delaunax` instead of Qhull.

    Location, weights, dual areas and split points are autoarray's code, so they test `KNNBarycentric`'s. The
    triangulation is the one under test; the rational oracle certifies it first (`live_reference`).
    """

    @cached_property
    def delaunay(self):
        """autoarray's tables, computed from the exact triangulation."""
        with mock.patch.object(upstream, "_jax_delaunay_tables", exact_tables):
            return super().delaunay

    @cached_property
    def _mappings_sizes_weights(self):
        with mock.patch.object(upstream, "pixel_weights_delaunay_from", _weights_without_bound):
            return super()._mappings_sizes_weights

    @cached_property
    def _mappings_sizes_weights_split(self):
        with mock.patch.object(upstream, "pixel_weights_delaunay_from", _weights_without_bound):
            return super()._mappings_sizes_weights_split


class ExactDelaunay(al.mesh.Delaunay):
    """`al.mesh.Delaunay` on the exact triangulation."""

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        return InterpolatorExactDelaunay
