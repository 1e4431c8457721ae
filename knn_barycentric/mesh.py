"""The mesh that a PyAutoLens model names."""

from functools import partial
from typing import Optional

from autoarray.inversion.mesh.mesh.delaunay import Delaunay


class KNNBarycentric(Delaunay):
    """A Delaunay mesh whose triangulation and point location run in pure JAX.

    Use it wherever `al.mesh.Delaunay` is used: the constructor, the priors and the log evidence are the same. There
    is no host callback in its graph, so a batch of lens models is triangulated at once under `jax.vmap`, where
    `Delaunay` calls Qhull for one model after the other.

    Parameters
    ----------
    pixels : int
        The number of vertices that the image mesh draws, before any ring of edge points is appended.
    zeroed_pixels : int, optional
        The number of vertices at the end of the mesh grid (the appended edge points) whose flux is fixed to zero.
    areas_factor : float, optional
        The arm of each vertex's split cross, in units of the square root of its dual area.
    triangle : str, optional
        How the interpolating triangle of a point is chosen, a key of `weights.RUNGS`. Leave it out for "delaunay",
        which is exact; "enclosing", "wendland" and "clip" take vertices near the point and exist to be compared.
    k_neighbors : int, optional
        How many nearest vertices "enclosing" chooses from, at least 3, by default 10; the others do not read it.

    Raises
    ------
    ValueError
        If `triangle` is unknown or `k_neighbors` is below 3.
    """

    def __init__(
        self,
        pixels: int,
        zeroed_pixels: Optional[int] = 0,
        areas_factor: float = 0.5,
        *,
        triangle: Optional[str] = None,
        k_neighbors: Optional[int] = None,
    ):
        super().__init__(pixels=pixels, zeroed_pixels=zeroed_pixels, areas_factor=areas_factor)
        # An `af.Model` sets keyword-only arguments after construction, and only where there is no such attribute yet.
        if triangle is not None:
            self.triangle = triangle
        if k_neighbors is not None:
            self.k_neighbors = k_neighbors
        self.rung  # Raises if it is unknown.

    @property
    def rung(self):
        """The way to choose a triangle, as a function of `weights.RUNGS` without its `k_neighbors`."""
        from knn_barycentric.weights import RUNGS

        triangle, k_neighbors = getattr(self, "triangle", "delaunay"), getattr(self, "k_neighbors", 10)
        if triangle not in RUNGS:
            raise ValueError(f"`triangle` is {triangle!r}; give one of {', '.join(RUNGS)}.")
        if k_neighbors < 3:
            raise ValueError(f"`k_neighbors` is {k_neighbors}; give at least 3.")
        # An `af.Model` turns whole numbers into floats.
        return partial(RUNGS[triangle], k_neighbors=int(k_neighbors))

    @property
    def interpolator_cls(self):
        # Here, as in autoarray's own meshes: jax is imported when a mesh is used, not when it is named.
        from knn_barycentric.interpolator import InterpolatorKNNBarycentric

        return InterpolatorKNNBarycentric
