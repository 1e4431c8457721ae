"""The interpolator that stands in for autoarray's `InterpolatorDelaunay`, without the host callback."""

from autoarray.inversion.mesh.interpolator.delaunay import DelaunayInterface, InterpolatorDelaunay
from autoarray.inversion.regularization.regularization_util import split_points_from
from autonerves import cached_property

from knn_barycentric.locate import locate
from knn_barycentric.stars import Triangulation, triangulate
from knn_barycentric.weights import barycentric_weights_from


class InterpolatorKNNBarycentric(InterpolatorDelaunay):
    """Barycentric interpolation on the Delaunay triangulation of a mesh, all of it inside the JAX program.

    Takes the arguments of autoarray's `InterpolatorDelaunay` and gives the same mappings, weights, split points
    and dual areas. With `xp=numpy` the same compiled code runs and its results come back as NumPy arrays, so the
    eager fit is no approximation of the traced one.

    A mesh whose triangulation is not certified (`stars.Triangulation`), or which is not finite, has NaN weights:
    its log evidence is NaN, which PyAutoFit's searches resample.
    """

    @cached_property
    def triangulation(self) -> Triangulation:
        """The triangulation of the source-plane mesh."""
        return triangulate(self.mesh_grid_xy)

    @cached_property
    def delaunay(self) -> DelaunayInterface:
        """The tables that autoarray's Delaunay meshes read, with data and split points located in one walk."""
        xp = self._xp
        data_points = self.data_grid.over_sampled.array
        split_points = None if self.mesh.skip_areas else self._split_points
        points = data_points if split_points is None else xp.concatenate([data_points, split_points])

        mappings = locate(self.triangulation, self.mesh_grid_xy, points)
        return DelaunayInterface(
            points=self.mesh_grid_xy,
            simplices=self.triangulation.simplices,
            mappings=mappings[: len(data_points)],
            split_points=split_points,
            splitted_mappings=None if split_points is None else mappings[len(data_points) :],
            xp=xp,
            dual_areas=self.triangulation.dual_areas,
        )

    @property
    def _split_points(self):
        areas = self.triangulation.dual_areas
        # The square root of a vertex without area (a duplicate) has no finite derivative.
        positive = areas > 0.0
        lengths = self._xp.sqrt(self._xp.where(positive, areas, 1.0)) * positive
        return split_points_from(self.mesh_grid_xy, self.mesh.areas_factor * lengths, xp=self._xp)

    @cached_property
    def _mappings_sizes_weights(self):
        delaunay = self.delaunay
        weights = self._weights_from(self.data_grid.over_sampled.array, delaunay.mappings)
        return delaunay.mappings.astype("int"), delaunay.sizes.astype("int"), weights

    @cached_property
    def _mappings_sizes_weights_split(self):
        delaunay, xp = self.delaunay, self._xp
        weights = self._weights_from(delaunay.split_points, delaunay.splitted_mappings)
        # The split regularization inserts a row's own vertex, which needs a spare column.
        spare = xp.zeros((len(weights), 1))
        mappings = xp.hstack([delaunay.splitted_mappings, spare.astype("int32") - 1])
        return mappings, delaunay.splitted_sizes, xp.hstack([weights, spare])

    def _weights_from(self, points, mappings):
        weights = barycentric_weights_from(points, self.mesh_grid_xy, mappings, xp=self._xp)
        return self._xp.where(self.triangulation.certified, weights, self._xp.nan)
