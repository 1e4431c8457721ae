"""Coordinates as integers times powers of two, and scaled to order one, whatever their range.

XLA flushes subnormal numbers on a CPU, and products of coordinates beyond 2^511 overflow. So coordinates are read by their
bits, and what is computed in floating point is computed from them times one power of two. Nothing is rounded by that, unless
a coordinate is below 2^-1022 (2^-126 in fp32) of the largest: that one becomes zero, and `exact` reads its bits.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax


class Integers(NamedTuple):
    """Floats as `mantissa * 2^exponent`.

    Attributes
    ----------
    mantissa
        (...,) int64 (int32 for fp32), signed; 0 for zeros and for what is not finite.
    exponent
        (...,) int32.
    """

    mantissa: jax.Array
    exponent: jax.Array


def integers_from(values: Array) -> Integers:
    """The `Integers` of floats (fp64 or fp32) of any shape."""
    info = jnp.finfo(values.dtype)
    word = np.dtype(f"int{info.bits}").type
    bits = lax.bitcast_convert_type(values, word)
    fraction = bits & word((1 << info.nmant) - 1)
    field = (bits >> word(info.nmant)) & word((1 << info.nexp) - 1)
    magnitude = jnp.where(field > 0, fraction | word(1 << info.nmant), fraction)
    magnitude = jnp.where(field == word((1 << info.nexp) - 1), word(0), magnitude)
    exponent = jnp.maximum(field, word(1)).astype(jnp.int32) + np.int32(info.minexp - 1 - info.nmant)
    return Integers(jnp.where(bits < 0, -magnitude, magnitude), exponent)


def largest_exponent(integers: Integers) -> Array:
    """() int32: the largest exponent of any that is not zero; 0 if all are."""
    used = integers.mantissa != 0
    largest = jnp.where(used, integers.exponent, np.int32(-(2**30))).max()
    return jnp.where(used.any(), largest, np.int32(0))


def power_of_two(power: Array, dtype) -> Array:
    """Floats 2^power for (...,) int32 powers, by their bits: `exp2` may round. The smallest normal one for powers below it."""
    info = jnp.finfo(dtype)
    word = np.dtype(f"int{info.bits}").type
    field = jnp.maximum(power - np.int32(info.minexp - 1), np.int32(1)).astype(word)
    return lax.bitcast_convert_type(field << word(info.nmant), dtype)


def scaled(integers: Integers, largest: Array, dtype) -> Array:
    """Floats times the power of two that brings those of exponent `largest` between 1 and 2."""
    info = jnp.finfo(dtype)
    power = integers.exponent - largest - np.int32(info.nmant)
    # What is far beyond the rest stays where its square is finite.
    capped = jnp.minimum(power, np.int32(info.maxexp // 2 - info.nmant - 4))
    in_range = power >= np.int32(info.minexp)
    return jnp.where(in_range, integers.mantissa.astype(dtype) * power_of_two(capped, dtype), jnp.zeros((), dtype))


def scaled_together(points: Array, query_points: Array) -> tuple[Array, Array]:
    """(N, 2) points times the power of two that brings them to order one, and (Q, 2) query points times the same."""
    integers = integers_from(points)
    largest = largest_exponent(integers)
    queries = scaled(integers_from(query_points), largest, query_points.dtype)
    return scaled(integers, largest, points.dtype), jnp.where(jnp.isfinite(query_points), queries, query_points)
