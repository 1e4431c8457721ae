"""The mesh class: Delaunay's constructor with another interpolator."""

from autoarray.inversion.mesh.mesh.delaunay import Delaunay


class KNNBarycentric(Delaunay):
    """A Delaunay mesh that is triangulated and interpolated in pure JAX.

    Use it wherever `al.mesh.Delaunay` is used. The constructor, the priors and the log evidence are the same. Under JAX
    there is no host callback: `jax.vmap` triangulates a batch of lens models in one program, where `Delaunay` calls Qhull
    once per lens model. With `use_jax=False` the fit is `Delaunay`'s own.

    Parameters
    ----------
    pixels : int
        Number of vertices in the image mesh, without the ring of edge points.
    zeroed_pixels : int, optional
        Number of vertices at the end of the mesh grid (the edge points) that get zero flux.
    areas_factor : float, optional
        Arm length of each vertex's split cross, in units of the square root of its dual area.
    """

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        from knn_barycentric.interpolator import InterpolatorKNNBarycentric

        return InterpolatorKNNBarycentric
