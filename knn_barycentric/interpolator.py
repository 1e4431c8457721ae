"""The interpolator that stands in for autoarray's `InterpolatorDelaunay`, without the host callback."""

from autoarray.inversion.mesh.interpolator.delaunay import DelaunayInterface, InterpolatorDelaunay
from autonerves import cached_property

from knn_barycentric.mesh_geometry import MeshGeometryKNNBarycentric
from knn_barycentric.spatial_sort import SpatialSort, spatial_sort
from knn_barycentric.stars import Triangulation, triangulate


class InterpolatorKNNBarycentric(InterpolatorDelaunay):
    """Barycentric interpolation on the Delaunay triangulation of a mesh, all of it inside the JAX program.

    Takes the arguments of autoarray's `InterpolatorDelaunay` and gives the same mappings, weights, split points
    and dual areas, if the mesh chooses Delaunay's triangle; its approximate rungs (`weights.RUNGS`) share everything but
    the mappings and weights. With `xp=numpy` the same compiled code runs and its results come back as NumPy arrays, so the
    eager fit is no approximation of the traced one.

    A mesh whose triangulation is not certified (`stars.Triangulation`), or which is not finite, has NaN weights:
    its log evidence is NaN, which PyAutoFit's searches resample.
    """

    @cached_property
    def spatial_sort(self) -> SpatialSort:
        """Which vertices of the source-plane mesh are near which."""
        return spatial_sort(self.mesh_grid_xy)

    @cached_property
    def triangulation(self) -> Triangulation:
        """The triangulation of the source-plane mesh."""
        return triangulate(self.mesh_grid_xy, sort=self.spatial_sort)

    @cached_property
    def _interpolation(self):
        """Mappings and weights of the data points and, below them, of the split points, found in one go."""
        points = self.data_grid.over_sampled.array
        if self.split_points is not None:
            points = self._xp.concatenate([points, self.split_points])
        mappings, weights = self.mesh.rung(
            self.triangulation, self.mesh_grid_xy, points, self._xp, sort=self.spatial_sort
        )
        return mappings, self._xp.where(self.triangulation.certified, weights, self._xp.nan)

    @cached_property
    def split_points(self):
        """(4N, 2), the split cross of every vertex (arcsec), or None where the mesh skips it (`skip_areas`)."""
        if self.mesh.skip_areas:
            return None
        areas = self.triangulation.dual_areas
        # The square root of a vertex without area (a duplicate) has no finite derivative.
        positive = areas > 0.0
        arms = self.mesh.areas_factor * self._xp.sqrt(self._xp.where(positive, areas, 1.0)) * positive
        # In one array operation, where autoarray's `split_points_from` takes eight.
        cross = self._xp.asarray([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], dtype=arms.dtype)
        return (self.mesh_grid_xy[:, None, :] + arms[:, None, None] * cross).reshape(-1, 2)

    @cached_property
    def delaunay(self) -> DelaunayInterface:
        """The tables that autoarray reads of a Delaunay mesh."""
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
    def mesh_geometry(self) -> MeshGeometryKNNBarycentric:
        """The geometry of the mesh, with neighbours that can be traced."""
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
        _, weights = self._interpolation
        return self.delaunay.mappings.astype("int"), self.delaunay.sizes.astype("int"), weights[: self._data_points]

    @cached_property
    def _mappings_sizes_weights_split(self):
        _, weights = self._interpolation
        weights, xp = weights[self._data_points :], self._xp
        # The split regularization inserts a row's own vertex, which needs a spare column.
        spare = xp.zeros((len(weights), 1))
        mappings = xp.hstack([self.delaunay.splitted_mappings, spare.astype("int32") - 1])
        return mappings, self.delaunay.splitted_sizes, xp.hstack([weights, spare])
