"""autoarray's Delaunay with its vertices handed to Qhull in another order, which moves it where a mesh has ties.

Four vertices on one circle have two Delaunay triangulations, and which of them Qhull gives depends on the order.
"""

import autolens as al
import numpy as np
from autoarray.inversion.mesh.interpolator.delaunay import DelaunayInterface, InterpolatorDelaunay
from autonerves import cached_property

SEED = 0


class InterpolatorPermutedDelaunay(InterpolatorDelaunay):
    """autoarray's Delaunay interpolation, with the vertices permuted before the triangulation and put back after it."""

    @cached_property
    def delaunay(self):
        """The tables of the permuted mesh in the numbering of the mesh itself."""
        count = len(self.mesh_grid.array)
        order = np.random.default_rng(SEED).permutation(count)
        back = np.argsort(order)
        permuted = InterpolatorDelaunay(
            mesh=self.mesh,
            mesh_grid=al.Grid2DIrregular(self.mesh_grid.array[order], xp=self._xp),
            data_grid=self.data_grid,
            xp=self._xp,
        ).delaunay

        def renumbered(vertices):
            return self._xp.where(vertices < 0, -1, self._xp.asarray(order)[vertices])

        def put_back(crosses):
            return crosses.reshape(count, 4, -1)[back].reshape(4 * count, -1)

        split = permuted.split_points is not None
        return DelaunayInterface(
            points=permuted.points[back],
            simplices=renumbered(permuted.simplices),
            mappings=renumbered(permuted.mappings),
            split_points=put_back(permuted.split_points) if split else None,
            splitted_mappings=put_back(renumbered(permuted.splitted_mappings)) if split else None,
            xp=self._xp,
            dual_areas=permuted.dual_areas[back],
        )


class PermutedDelaunay(al.mesh.Delaunay):
    """`al.mesh.Delaunay` whose vertices reach Qhull in another order."""

    @property
    def interpolator_cls(self):
        return InterpolatorPermutedDelaunay
