"""Areas to twice the working precision, for triangles so thin that rounding is as large as their area.

A `Pair` is the unevaluated sum of two floats. Differences of floats are exact as pairs (Knuth 1969, The Art of Computer
Programming 2, section 4.2.2). Products are exact as pairs of products of half as many bits (Dekker 1971, Numer. Math. 18,
224). Halves are split by their bits: XLA may contract a product and a sum to one operation, which would spoil Dekker's own
splitting. A contraction of an exact product changes nothing.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax


class Pair(NamedTuple):
    """The sum of two (...,) floats, the second at most half a unit in the last place of the first."""

    high: jax.Array
    low: jax.Array


def sum_of(one: Array, other: Array) -> Pair:
    """The exact sum of two floats."""
    total = one + other
    part = total - one
    return Pair(total, (one - (total - part)) + (other - part))


def difference_of(one: Array, other: Array) -> Pair:
    """The exact difference of two floats."""
    return sum_of(one, -other)


def _halves(value):
    """Split a float by its bits: a high and a low part, each with half of its digits, that sum to the value exactly."""
    info = jnp.finfo(value.dtype)
    word = np.dtype(f"int{info.bits}").type
    bits = lax.bitcast_convert_type(lax.stop_gradient(value), word)
    high = lax.bitcast_convert_type(bits & word(-1 << (info.nmant // 2 + 1)), value.dtype)
    return high, value - high


def _product_of_floats(one, other):
    """The exact product of two floats."""
    (one_high, one_low), (other_high, other_low) = _halves(one), _halves(other)
    middle = sum_of(one_high * other_low, one_low * other_high)
    total = sum_of(one_high * other_high, middle.high)
    return Pair(total.high, total.low + (middle.low + one_low * other_low))


def product_of(one: Pair, other: Pair) -> Pair:
    """The product of two pairs, to about twice the working precision."""
    product = _product_of_floats(one.high, other.high)
    return sum_of(product.high, product.low + (one.high * other.low + one.low * other.high))


def cross_of(u: tuple[Pair, Pair], v: tuple[Pair, Pair]) -> Array:
    """(...,) float: the cross product of two vectors, rounded once.

    Its error is a few squared machine epsilons of the two products, plus half a unit in its last place.
    """
    one, other = product_of(u[0], v[1]), product_of(u[1], v[0])
    total = difference_of(one.high, other.high)
    return total.high + (total.low + (one.low - other.low))


def cross_between(origin: Any, start: Any, end: Any) -> Array:
    """(...,) float: the cross product of `start - origin` and `end - start`, rounded once. Each has two (...,) coordinates."""

    def vector(tail, head):
        return difference_of(head[0], tail[0]), difference_of(head[1], tail[1])

    return cross_of(vector(origin, start), vector(start, end))
