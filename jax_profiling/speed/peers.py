"""Delaunay before autoarray moved point location into JAX: one SciPy callback does everything. For benchmarks only.

Triangulation, `find_simplex`, dual areas and split points run on the host, inside one sequential `pure_callback` per lane. The
first measurement on an A100, 69.5 ms, used this construction. It has no derivative.
"""

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
from autoarray.inversion.mesh.interpolator.delaunay import DelaunayInterface, InterpolatorDelaunay, scipy_delaunay
from autonerves import cached_property


class InterpolatorCallbackDelaunay(InterpolatorDelaunay):
    """autoarray's Delaunay interpolation with the whole of `scipy_delaunay` in one host callback."""

    @cached_property
    def delaunay(self):
        """The tables of the mesh."""
        points, query_points = self.mesh_grid_xy, jnp.asarray(self.data_grid.over_sampled.array)
        n, q, real = len(points), len(query_points), points.dtype

        def on_host(points, query_points):
            return scipy_delaunay(np.asarray(points), np.asarray(query_points), self.mesh.areas_factor)

        tables = jax.pure_callback(
            on_host,
            tuple(
                jax.ShapeDtypeStruct(shape, dtype)
                for shape, dtype in (
                    ((n, 2), real),
                    ((2 * n, 3), jnp.int32),
                    ((q, 3), jnp.int32),
                    ((4 * n, 2), real),
                    ((4 * n, 3), jnp.int32),
                    ((n,), real),
                )
            ),
            points,
            query_points,
            vmap_method="sequential",
        )
        *tables, areas = tables
        return DelaunayInterface(*tables, xp=self._xp, dual_areas=areas)


class CallbackDelaunay(al.mesh.Delaunay):
    """`al.mesh.Delaunay` computed by SciPy, lane by lane."""

    @property
    def interpolator_cls(self):
        return InterpolatorCallbackDelaunay
