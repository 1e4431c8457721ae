"""Points scaled to the unit square, for coordinates with different units."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax


class UnitBox(NamedTuple):
    """The map from points to the unit square around their mean.

    Attributes
    ----------
    offset, scale
        (2,) float, the mean of the points, and the sides of their bounding box; 1 for a side without length.
    """

    offset: Array
    scale: Array

    def scaled(self, coordinates: Array) -> Array:
        """(M, 2) coordinates, relative to the offset and in units of the scale, in their own dtype."""
        offset, scale = (each.astype(coordinates.dtype) for each in self)
        return (coordinates - offset) / scale


def unit_box_of(points: Array) -> UnitBox:
    """The `UnitBox` of (N, 2) points.

    Its gradients stop: interpolation inside a triangle does not depend on the box.
    """
    points = lax.stop_gradient(points)
    sides = points.max(axis=0) - points.min(axis=0)
    return UnitBox(points.mean(axis=0), jnp.where(sides > 0.0, sides, jnp.ones_like(sides)))
