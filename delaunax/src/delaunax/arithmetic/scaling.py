"""Coordinates as integers times powers of two, and coordinates scaled to order one, whatever their range.

On a CPU, XLA flushes subnormal numbers to zero. Products of coordinates beyond 2^511 overflow. So coordinates are read by
their bits, and floating point arithmetic uses coordinates times one power of two. Scaling rounds nothing, with one exception:
a coordinate below 2^-1022 (in fp32 2^-126) of the largest becomes zero. `exact_signs` reads its bits instead.
"""

from functools import reduce
from typing import Any, NamedTuple

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


def in_dtype(values: Array, dtype: Any) -> Array:
    """Floats in their own dtype or a wider one, also subnormal ones, which XLA reads as zero; differentiable."""
    if values.dtype == dtype:
        return values
    fixed = lax.stop_gradient(values)
    mantissa, exponent = integers_from(fixed)
    wide = mantissa.astype(dtype) * power_of_two(exponent, dtype) + (values - fixed).astype(dtype)
    return jnp.where(jnp.isfinite(values), wide, values.astype(dtype))


def largest_exponent(values: Array, axis: int | None = None) -> Array:
    """int32: the p for which the largest finite value lies between 2^p and 2^(p + 1), of all or along an axis; 0 for zeros.

    Subnormal numbers count as 2^-1022 (in fp32 2^-126). Otherwise it does not depend on the dtype.
    """
    info = jnp.finfo(values.dtype)
    word = np.dtype(f"int{info.bits}").type
    infinity = word(((1 << info.nexp) - 1) << info.nmant)
    magnitude = lax.bitcast_convert_type(values, word) & np.iinfo(word).max
    largest = jnp.where(magnitude < infinity, magnitude, word(0)).max(axis=axis)
    exponent = jnp.maximum(largest >> word(info.nmant), word(1)).astype(jnp.int32)
    return jnp.where(largest > 0, exponent + np.int32(info.minexp - 1), np.int32(0))


def power_of_two(power: Array, dtype) -> Array:
    """(...,) floats 2^power of int32 powers, by their bits, since `exp2` may round; at least the smallest normal number."""
    info = jnp.finfo(dtype)
    word = np.dtype(f"int{info.bits}").type
    field = jnp.maximum(power - np.int32(info.minexp - 1), np.int32(1)).astype(word)
    return lax.bitcast_convert_type(field << word(info.nmant), dtype)


def times_power_of_two(values: Array, power: Array) -> Array:
    """Floats times 2^power of int32 powers, in two halves: 2^power may be out of range although the product is not."""
    half = power >> np.int32(1)
    return values * power_of_two(half, values.dtype) * power_of_two(power - half, values.dtype)


def scaled_differentiably(values: Array, exponent: Array) -> Array:
    """`scaled`, with the derivative of a product: the bits of a float have no derivative."""
    fixed = lax.stop_gradient(values)
    return scaled(fixed, exponent) + times_power_of_two(values - fixed, -exponent)


def scaled(values: Array, largest: Array) -> Array:
    """Finite floats times 2^-`largest`, which brings the largest between 1 and 2 (`largest_exponent`); zeros for the others."""
    info, integers = jnp.finfo(values.dtype), integers_from(values)
    power = integers.exponent + np.int32(info.nmant) - largest
    # Values far beyond the rest stay small enough for their squares to be finite.
    capped = jnp.minimum(power, np.int32(info.maxexp // 2 - 4))
    # The mantissa is brought between 1 and 2 first. Otherwise the power could be out of range although the product is not.
    small = integers.mantissa.astype(values.dtype) * np.asarray(2.0**-info.nmant, values.dtype)
    small = small * power_of_two(capped, values.dtype)
    return jnp.where(power >= np.int32(info.minexp), small, jnp.zeros((), values.dtype))


def factor_to_order_one(*components: Array) -> Array:
    """(...,) float: the power of two that brings the largest of (...,) floats to order one; infinite if all are zero."""
    largest = reduce(jnp.maximum, map(jnp.abs, components))
    info = jnp.finfo(largest.dtype)
    word = np.dtype(f"int{info.bits}").type
    exponent = lax.bitcast_convert_type(largest, word) >> word(info.nmant)
    return power_of_two((word(info.maxexp - 1) - exponent).astype(jnp.int32), largest.dtype)
