"""Point location: the triangle that contains a query point, or the nearest vertex outside the hull."""

from delaunax.location.queries import locate

__all__ = ["locate"]
