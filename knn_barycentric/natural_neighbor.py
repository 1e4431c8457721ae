"""Natural neighbour interpolation on a Delaunay mesh: the counterpart of autoarray's `DelaunayNN`."""

import copy

import numpy as np
from autoarray.inversion.mesh.interpolator.delaunay import DelaunayInterface
from autoarray.inversion.regularization import regularization_util
from autonerves import cached_property

from knn_barycentric.interpolator import InterpolatorKNNBarycentric
from knn_barycentric.mesh import KNNBarycentric
from knn_barycentric.natural_neighbor_weights import KINDS, weights_without_jax
from knn_barycentric.row_pieces import OverSamplerOfRows, tables_from


class NaturalNeighbor(KNNBarycentric):
    """A Delaunay mesh with natural neighbour interpolation, in pure JAX.

    Use it wherever `al.mesh.DelaunayNN` is used. With Sibson's weights the log evidence has almost no kink where a data
    point crosses an edge, and far smaller jumps than with linear interpolation where an edge flips.

    Parameters
    ----------
    pixels, zeroed_pixels, areas_factor
        As in `KNNBarycentric`.
    kind : str, optional
        "sibson" (the default) or "laplace".

    Raises
    ------
    ValueError
        If `kind` is another word.
    """

    # Not keyword-only: PyAutoFit leaves keyword-only arguments out of a search's identifier and of JSON files.
    def __init__(self, pixels: int, zeroed_pixels: int | None = 0, areas_factor: float = 0.5, kind: str = "sibson"):
        super().__init__(pixels, zeroed_pixels, areas_factor)
        if kind not in KINDS:
            raise ValueError(f"`kind` is {kind!r}; give one of {', '.join(map(repr, KINDS))}.")
        self.kind = kind

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        return InterpolatorNaturalNeighbor


class InterpolatorNaturalNeighbor(InterpolatorKNNBarycentric):
    """Sibson or Laplace weights on the triangulation of `InterpolatorKNNBarycentric`.

    A data point with many neighbours has several rows under `jit` (`row_pieces`). The over-sampler of `data_grid` then
    names the data pixel of every row.
    """

    def __init__(self, mesh, mesh_grid, data_grid, adapt_data=None, xp=np):
        super().__init__(mesh, mesh_grid, data_grid, adapt_data, xp)
        if self.on_jax and hasattr(data_grid, "over_sampler"):
            self.data_grid = copy.copy(data_grid)
            self.data_grid._over_sampler = OverSamplerOfRows(data_grid.over_sampler, self)
            if adapt_data is not None:  # Traced numbers of data pixels index it.
                self.adapt_data = adapt_data.with_new_array(xp.asarray(adapt_data.array))

    @cached_property
    def tables(self):
        """The `row_pieces.Tables` of the data points and the split points."""
        kind, data = self.mesh.kind, self._xp.asarray(self.data_grid.over_sampled.array)
        if not self.on_jax:
            return weights_without_jax(self.mesh_grid_xy, data, self.split_points, kind)
        matrix_from = regularization_util.pixel_splitted_regularization_matrix_from
        budget = None if hasattr(matrix_from, "any_width") else regularization_util.SPLIT_REG_WIDE_ROW_BUDGET
        return tables_from(self.triangulation, self.mesh_grid_xy, data, self.split_points, kind, budget)

    @cached_property
    def delaunay(self):
        """The tables that autoarray reads from a Delaunay mesh."""
        if not self.on_jax:
            return super().delaunay
        return DelaunayInterface(
            points=self.mesh_grid_xy,
            simplices=self.triangulation.simplices,
            mappings=self.tables.mappings,
            split_points=self.split_points,
            splitted_mappings=self.tables.split_mappings,
            xp=self._xp,
            dual_areas=self.triangulation.dual_areas,
        )

    @cached_property
    def _mappings_sizes_weights(self):
        return self.tables.mappings, (self.tables.mappings >= 0).sum(axis=1), self.tables.weights

    @cached_property
    def _mappings_sizes_weights_split(self):
        return self.tables.split_mappings, self.tables.split_sizes, self.tables.split_weights
