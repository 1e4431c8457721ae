"""The mesh as autoarray would take it: Delaunay's constructor, another interpolator."""

from autoarray.inversion.mesh.mesh.delaunay import Delaunay


class KNNBarycentric(Delaunay):
    """A Delaunay mesh whose triangulation and point location run in pure JAX.

    Use it wherever `al.mesh.Delaunay` is used: the constructor, the priors and the log evidence are the same. There
    is no host callback in its graph, so a batch of lens models is triangulated at once under `jax.vmap`, where
    `Delaunay` calls Qhull for one model after the other. A fit on NumPy (`use_jax=False`) is `Delaunay`'s own.

    Parameters
    ----------
    pixels : int
        The number of vertices that the image mesh draws, before any ring of edge points is appended.
    zeroed_pixels : int, optional
        The number of vertices at the end of the mesh grid (the appended edge points) whose flux is fixed to zero.
    areas_factor : float, optional
        The arm of each vertex's split cross, in units of the square root of its dual area.
    """

    @property
    def interpolator_cls(self):
        from knn_barycentric.interpolator import InterpolatorKNNBarycentric

        return InterpolatorKNNBarycentric
