"""How far rounding can move a determinant.

The bounds follow stage A of Shewchuk (1997, Discrete Comput. Geom. 18, 305), rounded up, with a term for underflow.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

ORIENTATION, IN_CIRCLE, DISTANCE = 4.0, 16.0, 8.0
"""Errors of determinants, in units of half a machine epsilon of the sizes of their terms. They exceed 3, 10 and 6."""


def unit_of(dtype) -> float:
    """Half a machine epsilon: the largest relative error of one operation."""
    return float(jnp.finfo(dtype).eps) / 2.0


def underflow_of(dtype) -> float:
    """An upper bound on what underflow takes from a determinant of coordinates of order one."""
    return 2.0 ** (int(jnp.finfo(dtype).minexp) + 20)


class Determinant(NamedTuple):
    """A determinant in floating point.

    Attributes
    ----------
    value, error
        (...,) float, the rounded value, and an upper bound on its error.
    """

    value: jax.Array
    error: jax.Array

    @property
    def positive(self) -> Array:
        """Whether the exact determinant is certainly positive."""
        return self.value > self.error

    @property
    def negative(self) -> Array:
        """Whether the exact determinant is certainly negative."""
        return self.value < -self.error


Vector = tuple[Array, Array]
"""Offsets along x and along y, (...,) float, of order one."""


def orientation(b: Vector, c: Vector) -> Determinant:
    """b x c: positive where c is counter-clockwise of b, as seen from the origin."""
    first, second = b[0] * c[1], b[1] * c[0]
    unit, underflow = unit_of(first.dtype), underflow_of(first.dtype)
    return Determinant(first - second, ORIENTATION * unit * (jnp.abs(first) + jnp.abs(second)) + underflow)


def difference_of_squares(one: Array, other: Array) -> Determinant:
    """The difference of two (...,) squared distances from one point: positive where the other is nearer."""
    error = DISTANCE * unit_of(one.dtype) * (one + other) + underflow_of(one.dtype)
    return Determinant(one - other, error)


class Determinants(NamedTuple):
    """The determinants of the vectors b, c and d from a point a, with the names of `exact_signs.Signs`.

    Attributes
    ----------
    orient_bd, orient_cd, orient_bc
        The orientations b x d, c x d and b x c.
    in_circle
        Positive where d is inside the circle through a, b and c, if these are counter-clockwise.
    """

    orient_bd: Determinant
    orient_cd: Determinant
    orient_bc: Determinant
    in_circle: Determinant


def determinants(b: Vector, c: Vector, d: Vector) -> Determinants:
    """The `Determinants` of three vectors."""
    orient_bd, orient_cd, orient_bc = orientation(b, d), orientation(c, d), orientation(b, c)
    b_squared, c_squared, d_squared = (each[0] ** 2 + each[1] ** 2 for each in (b, c, d))
    error = c_squared * orient_bd.error + b_squared * orient_cd.error + d_squared * orient_bc.error
    in_circle = Determinant(
        c_squared * orient_bd.value - b_squared * orient_cd.value - d_squared * orient_bc.value,
        IN_CIRCLE / ORIENTATION * error + underflow_of(error.dtype),
    )
    return Determinants(orient_bd, orient_cd, orient_bc, in_circle)
