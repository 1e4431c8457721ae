"""The interpolator: the counterpart of autoarray's `InterpolatorDelaunay`, without a host callback."""

from autoarray.inversion.mesh.interpolator.delaunay import DelaunayInterface, InterpolatorDelaunay
from autonerves import cached_property

from knn_barycentric.mesh_geometry import MeshGeometryKNNBarycentric


class InterpolatorKNNBarycentric(InterpolatorDelaunay):
    """Linear interpolation on the Delaunay triangulation of a mesh, computed inside the JAX program.

    Takes the arguments of autoarray's `InterpolatorDelaunay` and returns the same mappings, weights, split points and
    dual areas. With `xp=numpy` it is autoarray's own code on SciPy, and JAX is not imported. The two can differ only if the
    mesh has several Delaunay triangulations, or if Qhull drops a vertex.

    If a vertex is not finite, all weights are NaN. If a data point is not finite, its own weights are NaN. In both cases the
    log evidence is NaN, and PyAutoFit's searches resample.
    """

    @property
    def on_jax(self) -> bool:
        """Whether this interpolator runs on JAX."""
        return self._xp.__name__.startswith("jax")

    @cached_property
    def triangulation(self):
        """The `delaunax.Triangulation` of the source-plane mesh."""
        import delaunax

        return delaunax.triangulate(self.mesh_grid_xy)

    def _interpolation_at(self, points):
        """Interpolate linearly at any points of the source plane; `_interpolation` adds what makes undefined weights NaN.

        Parameters
        ----------
        points
            (Q, 2) float, the points (arcsec).

        Returns
        -------
        mappings
            (Q, K) int32, the vertices of each point, padded with -1. Here K is 3.
        weights
            (Q, K) float, their weights; 0 in the padding.
        """
        import delaunax

        mappings = delaunax.locate(self.triangulation, self.mesh_grid_xy, points)
        return mappings, delaunax.barycentric_weights(self.mesh_grid_xy, points, mappings)

    @cached_property
    def _interpolation(self):
        """Mappings and weights of the data points followed by the split points, located in one call."""
        points = self._xp.asarray(self.data_grid.over_sampled.array)
        if self.split_points is not None:
            points = self._xp.concatenate([points, self.split_points])
        mappings, weights = self._interpolation_at(points)
        # autoarray skips rows without a vertex, and would not see that their weights are NaN.
        mappings = self._xp.where(mappings[:, :1] < 0, 0, mappings)
        return mappings, self._xp.where(self.triangulation.certified, weights, self._xp.nan)

    @cached_property
    def split_points(self):
        """(4N, 2) float, the split cross of every vertex (arcsec); None if the mesh has `skip_areas`."""
        if not self.on_jax:
            return self.delaunay.split_points
        if self.mesh.skip_areas:
            return None
        areas = self.triangulation.dual_areas
        # A duplicate vertex has area zero, where the square root has no finite derivative.
        positive = areas > 0.0
        arms = self.mesh.areas_factor * self._xp.sqrt(self._xp.where(positive, areas, 1.0)) * positive
        # One array operation; autoarray's `split_points_from` takes eight.
        cross = self._xp.asarray([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], dtype=arms.dtype)
        return (self.mesh_grid_xy[:, None, :] + arms[:, None, None] * cross).reshape(-1, 2)

    @cached_property
    def delaunay(self) -> DelaunayInterface:
        """The tables that autoarray reads from a Delaunay mesh."""
        if not self.on_jax:
            return super().delaunay
        mappings, _ = self._interpolation
        return DelaunayInterface(
            points=self.mesh_grid_xy,
            simplices=self.triangulation.simplices,
            mappings=mappings[: self._data_points],
            split_points=self.split_points,
            splitted_mappings=None if self.split_points is None else mappings[self._data_points :],
            xp=self._xp,
            dual_areas=self.triangulation.dual_areas,
        )

    @cached_property
    def mesh_geometry(self):
        """The geometry of the mesh. Under JAX its neighbours can be traced."""
        if not self.on_jax:
            return super().mesh_geometry
        return MeshGeometryKNNBarycentric(
            triangulation=self.triangulation,
            mesh=self.mesh,
            mesh_grid=self.mesh_grid,
            data_grid=self.data_grid,
            dual_areas=self.dual_areas,
            xp=self._xp,
        )

    @property
    def _data_points(self):
        return len(self.data_grid.over_sampled.array)

    @cached_property
    def _mappings_sizes_weights(self):
        if not self.on_jax:
            return super()._mappings_sizes_weights
        _, weights = self._interpolation
        return self.delaunay.mappings.astype("int"), self.delaunay.sizes.astype("int"), weights[: self._data_points]

    @cached_property
    def _mappings_sizes_weights_split(self):
        if not self.on_jax:
            return super()._mappings_sizes_weights_split
        _, weights = self._interpolation
        weights, xp = weights[self._data_points :], self._xp
        # Split regularization inserts each row's own vertex, which needs one spare column.
        spare = xp.zeros((len(weights), 1))
        mappings = xp.hstack([self.delaunay.splitted_mappings, spare.astype("int32") - 1])
        return mappings, self.delaunay.splitted_sizes, xp.hstack([weights, spare])
