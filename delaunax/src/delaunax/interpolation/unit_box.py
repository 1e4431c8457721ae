"""Points scaled to the unit square, for coordinates with different units."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array


class UnitBox(NamedTuple):
    """The map from points to the unit square around the centre of their bounding box.

    Attributes
    ----------
    offset, scale
        (2,) float, the centre and the sides of the bounding box of the points; 1 for a side without length.
    """

    offset: Array
    scale: Array

    def scaled(self, coordinates: Array) -> Array:
        """(M, 2) coordinates, relative to the offset and in units of the scale, in their own dtype."""
        offset, scale = (each.astype(coordinates.dtype) for each in self)
        return (coordinates - offset) / scale


def unit_box_of(points: Array) -> UnitBox:
    """The `UnitBox` of (N, 2) points. Natural neighbours depend on the ratio of its sides, so gradients pass."""
    lowest, largest = points.min(axis=0), points.max(axis=0)
    sides = largest - lowest
    return UnitBox(0.5 * lowest + 0.5 * largest, jnp.where(sides > 0.0, sides, jnp.ones_like(sides)))
