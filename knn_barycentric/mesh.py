"""The mesh that a PyAutoLens model names: the exact one, or a rung of the ladder to compare with it."""

from typing import Optional

from knn_barycentric import exact_mesh


class KNNBarycentric(exact_mesh.KNNBarycentric):
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
    triangle : str, optional
        How the interpolating triangle of a point is chosen. Leave it out for "delaunay", which is exact; the keys of
        `rungs.RUNGS` take vertices near the point and exist to be compared.
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
        self.interpolator_cls  # Raises if the rung is unknown.

    @property
    def interpolator_cls(self):
        triangle = getattr(self, "triangle", "delaunay")
        if triangle == "delaunay" and getattr(self, "k_neighbors", 3) >= 3:
            return super().interpolator_cls
        from knn_barycentric.rungs import interpolator_of

        return interpolator_of(triangle, getattr(self, "k_neighbors", 10))
