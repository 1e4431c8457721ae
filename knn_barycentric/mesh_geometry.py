"""The geometry of the mesh as regularization by neighbours reads it, inside the JAX program."""

from autoarray.inversion.mesh.mesh_geometry.delaunay import MeshGeometryDelaunay
from autonerves import cached_property

from knn_barycentric.stars import Triangulation
from knn_barycentric.table import adjacency_from


class TracedNeighbors:
    """autoarray's `Neighbors` for arrays that are traced: an (N, P) int array, -1 where there is none, with `sizes`."""

    def __init__(self, array, sizes):
        self._array = array
        self.sizes = sizes

    def __getattr__(self, name):
        return getattr(self._array, name)


class MeshGeometryKNNBarycentric(MeshGeometryDelaunay):
    """autoarray's Delaunay geometry with the neighbours of every vertex taken from the triangulation.

    autoarray's own calls SciPy for them, which no JAX transformation can pass; with these, `Constant` and `Adapt`
    regularization work under `jit`, `vmap` and `grad`.

    Parameters
    ----------
    triangulation
        The mesh's triangulation, from `stars.triangulate`.
    kwargs
        The arguments of `MeshGeometryDelaunay`.
    """

    def __init__(self, triangulation: Triangulation, **kwargs):
        super().__init__(**kwargs)
        self.triangulation = triangulation

    @cached_property
    def neighbors(self):
        """The neighbours of every vertex; on JAX (N, N), column j holding j itself, since no degree is bounded."""
        if not self._xp.__name__.startswith("jax"):
            return super().neighbors
        adjacent = adjacency_from(self.triangulation.simplices)
        vertex = self._xp.arange(len(adjacent), dtype="int32")
        return TracedNeighbors(self._xp.where(adjacent, vertex, -1), adjacent.sum(axis=1))
