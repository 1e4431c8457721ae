"""The mesh that a PyAutoLens model names: the exact one, or a rung of the ladder to compare with it."""

from typing import Optional

from knn_barycentric import exact_mesh


class KNNBarycentric(exact_mesh.KNNBarycentric):
    """The Delaunay mesh of `exact_mesh`, which can also be told to take another triangle, to compare with.

    Parameters
    ----------
    pixels, zeroed_pixels, areas_factor
        As in `exact_mesh.KNNBarycentric`.
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
