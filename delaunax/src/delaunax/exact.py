"""The signs of orientation and in-circle determinants in integer arithmetic: no rounding, no bound, no range.

Coordinates are `Integers`; their differences are sums of limbs, `BITS` bits each, on one grid for the points at hand, and
determinants are products of those by convolution. Limbs are not unique (they may be negative, or larger than their bits), which
spares carrying until the sign is read. Integers have no multiply-add to be contracted and no subnormals to be flushed, so the
same bits come out of every backend.

Nearly all points fit into a few limbs; the rest into as many as the floating point format needs.

Ties are settled by pulling (see e.g. De Loera, Rambau & Santos 2010, Triangulations, section 4.3): the vertex of the smallest
number is lifted down by an infinitesimal, then the next. So co-circular vertices are triangulated as a fan around the one with
the smallest number.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.indexing import gather
from delaunax.scaling import Integers

BITS = {8: 26, 4: 11}
"""Bits of a limb, by the bytes of the integers that hold it: products of limbs, and sums of those, stay in range."""

FEW = {8: 6, 4: 8}
"""Limbs of a coordinate's difference that are tried first."""

ALL = {8: 82, 4: 27}
"""Limbs that hold the difference of any two coordinates: from the largest finite float to the smallest subnormal one."""


class Signs(NamedTuple):
    """Signs (-1, 0 or 1) of four points: v, c, b and j; offsets are from v.

    Attributes
    ----------
    left
        () int, whether j is to the left of the line from v through c: the sign of c x j.
    inside
        () int, whether j is inside the circle through v, c and b, where these are counter-clockwise.
    nearer
        () int, whether j is nearer to v than b is.
    after
        () int, whether j is counter-clockwise of b: the sign of b x j.
    turn
        () int, whether v, c and b are counter-clockwise: the sign of c x b.
    """

    left: jax.Array
    inside: jax.Array
    nearer: jax.Array
    after: jax.Array
    turn: jax.Array


def signs(integers: Integers, v: Array, c: Array, b: Array, j: Array) -> Signs:
    """The `Signs` of four points by their () int32 numbers, from the (N, 2) `Integers` of all."""
    points = jnp.stack([v, c, b, j])
    mantissa, exponent = gather(integers.mantissa, points), gather(integers.exponent, points)
    size = mantissa.dtype.itemsize
    bits, mantissa_bits = BITS[size], {8: 53, 4: 24}[size]
    used = mantissa != 0
    lowest = jnp.where(used, exponent, np.int32(2**20)).min()
    highest = jnp.where(used, exponent, np.int32(-(2**20))).max()
    places = jnp.where(used, exponent - lowest, 0)
    few = highest - lowest <= np.int32(bits * FEW[size] - mantissa_bits - 1)

    def more(carry):
        # Depends on the carry, or XLA would compute it ahead of the loop, needed or not.
        return np.False_, _signs(mantissa, jnp.where(carry[0], places, 0), ALL[size])

    # A loop, not a conditional: batched, it runs only where one needs it.
    return Signs(*lax.while_loop(lambda carry: carry[0], more, (~few, _signs(mantissa, places, FEW[size])))[1])


_FIRST = np.array([0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 0, 1])
_SECOND = np.array([0, 1, 2, 3, 4, 5, 5, 4, 1, 0, 3, 2])
"""Of the limbs of cx, cy, bx, by, jx and jy: which are multiplied for |c|^2, |b|^2, |j|^2, b x j, j x c and c x b."""


def _signs(mantissa, places, number):
    """(5,): the `Signs` of four points, (4, 2) each, by differences of so many limbs."""
    limbs = _limbs_from(mantissa, places, number)
    offsets = lax.optimization_barrier((limbs[1:] - limbs[0]).reshape(6, number))
    products = _products(offsets[_FIRST], offsets[_SECOND]).reshape(2, 3, 2, -1)
    pairs = products[:, :, 0] + np.array([1, -1])[:, None, None].astype(products.dtype) * products[:, :, 1]
    reduced = _carried(pairs.reshape(6, -1))
    circle = _products(reduced[:3], reduced[3:]).sum(axis=0, dtype=reduced.dtype)
    height_c, height_b, height_j, b_j, j_c, c_b = jnp.pad(reduced, ((0, 0), (0, len(circle) - reduced.shape[1])))
    # v is the origin: j is inside the circle through v, c and b where v is outside that through c, b and j.
    return _sign(lax.optimization_barrier(jnp.stack([-j_c, -circle, height_b - height_j, b_j, c_b])))


def _limbs_from(mantissa, places, number):
    """(..., number): the limbs of `mantissa << places`, lowest first."""
    word, bits = mantissa.dtype.type, BITS[mantissa.dtype.itemsize]
    shift = bits * np.arange(number, dtype=np.int32) - places[..., None]
    magnitude = jnp.abs(mantissa)[..., None]
    width = np.int32(8 * mantissa.dtype.itemsize - 1)
    right = magnitude >> jnp.clip(shift, 0, width).astype(word)
    left = magnitude << jnp.clip(-shift, 0, width).astype(word)
    limbs = jnp.where(shift >= 0, right, jnp.where(shift > -bits, left, word(0))) & word(2**bits - 1)
    return jnp.where(mantissa[..., None] < 0, -limbs, limbs)


def _products(a, b):
    """(K, 2L - 1): the convolutions of (K, L) limbs."""
    count, length = a.shape
    spread = jnp.pad(b, ((0, 0), (0, length - 1)))

    def add(total, limb):
        # The limbs of b move up by one place at every step, from the highest of a down.
        return jnp.pad(total[:, :-1], ((0, 0), (1, 0))) + limb[:, None] * spread, None

    return lax.scan(add, jnp.zeros_like(spread), a.T[::-1])[0]


def _carried(limbs):
    """(K, L + 2): limbs of the same value that have little more than their bits."""
    word, bits = limbs.dtype.type, BITS[limbs.dtype.itemsize]
    limbs = jnp.pad(limbs, ((0, 0), (0, 2)))
    for _ in range(2):
        low = jnp.concatenate([limbs[:, :-1] & word(2**bits - 1), limbs[:, -1:]], axis=1)
        limbs = lax.optimization_barrier(low + jnp.pad(limbs[:, :-1] >> word(bits), ((0, 0), (1, 0))))
    return limbs


def _sign(limbs):
    """(K,): the signs of (K, L) limbs."""
    word, bits = limbs.dtype.type, BITS[limbs.dtype.itemsize]

    def carry_on(carry, limb):
        above, some = carry
        total = above + limb
        return (total >> word(bits), some | (total & word(2**bits - 1))), None

    zero = jnp.zeros_like(limbs[:, 0])
    (above, some), _ = lax.scan(carry_on, (zero, zero), limbs.T)
    return jnp.where(above < 0, np.int32(-1), jnp.where((above > 0) | (some > 0), np.int32(1), np.int32(0)))


def turns_to(found: Signs, side: Array, v: Array, c: Array, b: Array, j: Array) -> Array:
    """() bool: whether the star of v turns from c to j rather than to b, where both are on the same side of c.

    Parameters
    ----------
    found
        Their `Signs`.
    side
        () int, 1 for a star that turns counter-clockwise, -1 for one that turns clockwise.
    v, c, b, j
        () int32, their numbers.
    """
    inside, after = side * found.inside, side * found.after
    smallest = jnp.minimum(jnp.minimum(v, c), jnp.minimum(b, j))
    fan = (smallest == j) | ((smallest == v) & (after < 0)) | ((smallest == c) & (after > 0))
    return (inside > 0) | ((inside == 0) & fan)
