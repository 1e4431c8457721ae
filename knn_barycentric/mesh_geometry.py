"""The geometry of the mesh as regularization by neighbours and the reading of a finished fit find it."""

import numpy as np
from autoarray.inversion.linear_obj.neighbors import Neighbors
from autoarray.inversion.mesh.mesh_geometry.delaunay import MeshGeometryDelaunay
from autonerves import cached_property


class TracedNeighbors:
    """autoarray's `Neighbors` for arrays that are traced: an (N, N) int array, -1 where there is none, with `sizes`."""

    def __init__(self, array, sizes):
        self._array = array
        self.sizes = sizes

    def __getattr__(self, name):
        return getattr(self._array, name)


class MeshGeometryKNNBarycentric(MeshGeometryDelaunay):
    """autoarray's Delaunay geometry with the neighbours of every vertex taken from the JAX triangulation.

    autoarray's own calls SciPy for them, which no JAX transformation can pass; with these, `Constant` and `Adapt`
    regularization work under `jit`, `vmap` and `grad`.

    Parameters
    ----------
    triangulation
        The mesh's `delaunax.Triangulation`.
    kwargs
        The arguments of `MeshGeometryDelaunay`.
    """

    def __init__(self, triangulation, **kwargs):
        super().__init__(**kwargs)
        self.triangulation = triangulation

    @cached_property
    def neighbors(self):
        """The neighbours of every vertex: packed `Neighbors` where they are concrete, (N, N) `TracedNeighbors` elsewhere.

        autoarray tells the vertex of a neighbour by its row, and no degree is bounded, so a traced row has N places: as many
        as the regularization matrix that is made of it.
        """
        import jax

        simplices = self.triangulation.simplices
        if isinstance(simplices, jax.core.Tracer):
            return traced_neighbors_from(simplices)
        return packed_neighbors_from(np.asarray(simplices))


def traced_neighbors_from(simplices):
    """`TracedNeighbors` of (2N, 3) simplices, column j holding j itself."""
    import jax.numpy as jnp

    n = simplices.shape[0] // 2
    tail, head = jnp.where(simplices < 0, n, simplices), jnp.where(simplices < 0, n, jnp.roll(simplices, -1, axis=1))
    adjacent = jnp.zeros((n, n), bool).at[tail, head].set(True, mode="drop").at[head, tail].set(True, mode="drop")
    vertex = jnp.arange(n, dtype="int32")
    return TracedNeighbors(jnp.where(adjacent, vertex, -1), adjacent.sum(axis=1))


def packed_neighbors_from(simplices):
    """autoarray's `Neighbors` of (2N, 3) simplices: each row in increasing order, then -1."""
    used = simplices[simplices[:, 0] >= 0]
    pairs = np.concatenate([used[:, [0, 1]], used[:, [1, 2]], used[:, [2, 0]]])
    pairs = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    sizes = np.bincount(pairs[:, 0], minlength=len(simplices) // 2)
    packed = np.full((len(sizes), sizes.max(initial=1)), -1)
    packed[pairs[:, 0], np.arange(len(pairs)) - np.repeat(np.cumsum(sizes) - sizes, sizes)] = pairs[:, 1]
    return Neighbors(arr=packed, sizes=sizes)
