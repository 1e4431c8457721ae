"""autoarray's Delaunay with its vertices passed to Qhull in another order.

Four vertices on one circle have two Delaunay triangulations. Qhull's choice depends on the order of the vertices, so this mesh
shows how much the log evidence depends on that choice.
"""

import autolens as al
import numpy as np
from autoarray.inversion.mesh.interpolator.delaunay import DelaunayInterface, InterpolatorDelaunay
from autonerves import cached_property

SEED = 0
"""Seed of the permutation."""


class InterpolatorPermutedDelaunay(InterpolatorDelaunay):
    """autoarray's Delaunay interpolation: permute the vertices, triangulate, undo the permutation."""

    @cached_property
    def delaunay(self):
        """The tables of the permuted mesh, with the vertex numbers of the original mesh."""
        count = len(self.mesh_grid.array)
        order = np.random.default_rng(SEED).permutation(count)
        inverse = np.argsort(order)
        permuted = InterpolatorDelaunay(
            mesh=self.mesh,
            mesh_grid=al.Grid2DIrregular(self.mesh_grid.array[order], xp=self._xp),
            data_grid=self.data_grid,
            xp=self._xp,
        ).delaunay

        def renumber(vertices):
            return self._xp.where(vertices < 0, -1, self._xp.asarray(order)[vertices])

        def restore_order(crosses):
            return crosses.reshape(count, 4, -1)[inverse].reshape(4 * count, -1)

        split = permuted.split_points is not None
        return DelaunayInterface(
            points=permuted.points[inverse],
            simplices=renumber(permuted.simplices),
            mappings=renumber(permuted.mappings),
            split_points=restore_order(permuted.split_points) if split else None,
            splitted_mappings=restore_order(renumber(permuted.splitted_mappings)) if split else None,
            xp=self._xp,
            dual_areas=permuted.dual_areas[inverse],
        )


class PermutedDelaunay(al.mesh.Delaunay):
    """`al.mesh.Delaunay` with its vertices passed to Qhull in another order."""

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        return InterpolatorPermutedDelaunay
