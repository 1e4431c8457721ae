"""The geometry of the mesh: the neighbours that regularization and a finished fit read."""

import numpy as np
from autoarray.inversion.linear_obj.neighbors import Neighbors
from autoarray.inversion.mesh.mesh_geometry.delaunay import MeshGeometryDelaunay
from autonerves import cached_property


class TracedNeighbors:
    """A stand-in for autoarray's `Neighbors` that holds traced arrays.

    Parameters
    ----------
    array
        (N, N) int32, row i holds the neighbours of vertex i; -1 in unused places.
    sizes
        (N,) int, the number of neighbours of each vertex.
    """

    def __init__(self, array, sizes):
        self._array = array
        self.sizes = sizes

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._array, name)


class MeshGeometryKNNBarycentric(MeshGeometryDelaunay):
    """autoarray's Delaunay geometry with neighbours from the JAX triangulation.

    autoarray finds neighbours with SciPy, which cannot be traced. With this class, `Constant` and `Adapt` regularization
    work under `jit`, `vmap` and `grad`.

    Parameters
    ----------
    triangulation
        The `delaunax.Triangulation` of the mesh.
    kwargs
        The arguments of `MeshGeometryDelaunay`.
    """

    def __init__(self, triangulation, **kwargs):
        super().__init__(**kwargs)
        self.triangulation = triangulation

    @cached_property
    def neighbors(self):
        """The neighbours of every vertex: packed `Neighbors` for concrete arrays, `TracedNeighbors` for traced ones.

        A traced table has N columns, because the number of neighbours has no upper bound. The regularization matrix
        built from it has the same size.
        """
        import jax

        if isinstance(self.triangulation.simplices, jax.core.Tracer):
            return traced_neighbors_from(self.triangulation.simplices)
        return packed_neighbors_from(self.triangulation)


def traced_neighbors_from(simplices):
    """`TracedNeighbors` of (2N, 3) int32 simplices. Column j of the table holds j if vertex j is a neighbour."""
    import jax.numpy as jnp

    n = simplices.shape[0] // 2
    tail, head = jnp.where(simplices < 0, n, simplices), jnp.where(simplices < 0, n, jnp.roll(simplices, -1, axis=1))
    adjacent = jnp.zeros((n, n), bool).at[tail, head].set(True, mode="drop").at[head, tail].set(True, mode="drop")
    vertex = jnp.arange(n, dtype="int32")
    return TracedNeighbors(jnp.where(adjacent, vertex, -1), adjacent.sum(axis=1))


def packed_neighbors_from(triangulation):
    """autoarray's `Neighbors` of a `delaunax.Triangulation`. Each row is in increasing order, then padded with -1."""
    import delaunax

    indptr, indices = map(np.asarray, delaunax.vertex_neighbor_vertices(triangulation))
    sizes = np.diff(indptr)
    packed = np.full((len(sizes), sizes.max(initial=1)), -1)
    packed[np.arange(packed.shape[1]) < sizes[:, None]] = indices[: indptr[-1]]
    return Neighbors(arr=packed, sizes=sizes)
