"""The signs of orientation and in-circle determinants in integer arithmetic: no rounding, no bound, no range.

Coordinates are `Integers`; their differences are sums of limbs, `BITS` bits each, on one grid for the points at hand, and
determinants are sums of their products, limb by limb from the lowest, as on paper. Integers have no multiply-add to be
contracted and no subnormals to be flushed, so the same bits come out of every backend.

There is room for as many limbs as the floating point format can need. Nearly all points take a few: loops end there, or begin
only where so few are not enough.

Ties are settled by pulling (see e.g. De Loera, Rambau & Santos 2010, Triangulations, section 4.3): the vertex of the smallest
number is lifted down by an infinitesimal, then the next. So co-circular vertices are triangulated as a fan around the one with
the smallest number.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arithmetic.scaling import integers_from
from delaunax.platform import backend
from delaunax.platform.indexing import gather

BITS = {8: 26, 4: 11}
"""Bits of a limb, by the bytes of the integers that hold it: products of limbs, and sums of those, stay in range."""

ALL = {8: 82, 4: 27}
"""Limbs that hold the difference of any two coordinates: from the largest finite float to the smallest subnormal one."""


FEW = 5
"""Of how many limbs a GPU multiplies integers without a loop: what a CPU does in a few turns is a launch each there.

They hold differences of coordinates whose last bits are within 2^76 (in fp32 2^30) of each other.
"""


class Signs(NamedTuple):
    """Signs (-1, 0 or 1) of V times four points: v, c, b and j; offsets are from v.

    Attributes
    ----------
    left
        (V,) int, whether j is to the left of the line from v through c: the sign of c x j.
    inside
        (V,) int, whether j is inside the circle through v, c and b, where these are counter-clockwise.
    nearer
        (V,) int, whether j is nearer to v than b is.
    after
        (V,) int, whether j is counter-clockwise of b: the sign of b x j.
    turn
        (V,) int, whether v, c and b are counter-clockwise: the sign of c x b.
    """

    left: jax.Array
    inside: jax.Array
    nearer: jax.Array
    after: jax.Array
    turn: jax.Array


def signs(points: Array, v: Array, c: Array, b: Array, j: Array) -> Signs:
    """The `Signs` of V times four points by their (V,) int32 numbers, from the (N, 2) float coordinates of all."""
    integers = integers_from(gather(points, jnp.stack([v, c, b, j])))

    def found_by(sums_of_products, offsets, number):
        pairs, sign = sums_of_products(offsets[:, _FIRST], offsets[:, _SECOND], number, _pairs)
        _, outside = sums_of_products(pairs[:, :3], pairs[:, 3:6], 2 * number + 1, _all)
        # v is the origin: j is inside the circle through v, c and b where v is outside that through c, b and j.
        return Signs(left=-sign[4], inside=-outside[0], nearer=sign[6], after=sign[3], turn=sign[5])

    def by_loops():
        return found_by(_sums_of_products, *_offsets(*integers))

    if backend.one_by_one():
        return by_loops()
    offsets, number = _offsets(*integers)
    found = found_by(_sums_of_few_products, offsets[:FEW], FEW)
    return backend.only_if(number > FEW, lambda _: by_loops(), found)


_FIRST = np.array([0, 2, 4, 2, 4, 0, 1, 3, 5, 3, 5, 1])
_SECOND = np.array([0, 2, 4, 5, 1, 3, 1, 3, 5, 4, 0, 2])
"""Of the limbs of cx, cy, bx, by, jx and jy: which are multiplied for |c|^2, |b|^2, |j|^2, b x j, j x c and c x b."""


def _offsets(mantissa, exponent):
    """(L, 2P, V): the limbs of P points' offsets from a first one, x and y in turn, lowest first, of (1 + P, V, 2) `Integers`.

    And () int32, how many of them are in use.
    """
    size = mantissa.dtype.itemsize
    word, bits, mantissa_bits = mantissa.dtype.type, BITS[size], {8: 53, 4: 24}[size]
    used = mantissa != 0
    lowest = jnp.where(used, exponent, np.int32(2**20)).min(axis=(0, 2))[:, None]
    places = jnp.where(used, exponent - lowest, 0)
    number = lax.div(places.max() + np.int32(mantissa_bits + bits), np.int32(bits))
    places, mantissa = places.swapaxes(1, 2), mantissa.swapaxes(1, 2)
    shift = np.arange(0, ALL[size] * bits, bits, dtype=np.int32).reshape(-1, 1, 1, 1) - places
    magnitude, width = jnp.abs(mantissa), np.int32(8 * size - 1)
    right = magnitude >> jnp.clip(shift, 0, width).astype(word)
    left = magnitude << jnp.clip(-shift, 0, width).astype(word)
    limbs = jnp.where(shift >= 0, right, jnp.where(shift > -bits, left, word(0))) & word(2**bits - 1)
    limbs = jnp.where(mantissa < 0, -limbs, limbs)
    offsets = limbs[:, 1:] - limbs[:, :1]
    return offsets.reshape(len(limbs), -1, offsets.shape[-1]), number


def _pairs(products):
    """(7, V): |c|^2, |b|^2, |j|^2, b x j, j x c, c x b and |b|^2 - |j|^2, of (12, V) products."""
    squares, crossed = products[:3] + products[6:9], products[3:6] - products[9:]
    return lax.concatenate([squares, crossed, squares[1:2] - squares[2:]], 0)


def _all(products):
    """(1, V): the sum of (3, V) products."""
    return products.sum(axis=0, dtype=products.dtype, keepdims=True)


def _sums_of_products(a, b, number, combined):
    """What `combined` makes of the products of (L, K, V) limbs, of which `number` are in use: limbs again, and their signs.

    The limbs, `2 * number + 1` in use, have only their bits, but for the last of them.
    """
    word, bits = a.dtype.type, BITS[a.dtype.itemsize]

    def put(place, carry):
        above, some, limbs = carry

        def add(k, total):
            return total + gather(a, k) * gather(b, place - k)

        first, last = jnp.maximum(place - number + 1, 0), jnp.minimum(place + 1, number)
        total = above + combined(lax.fori_loop(first, last, add, jnp.zeros_like(a[0])))
        low = total & word(2**bits - 1)
        return total >> word(bits), some | low, lax.dynamic_update_index_in_dim(limbs, low, place, 0)

    zero = jnp.zeros_like(combined(a[0]))
    last = 2 * number
    begun = zero, zero, jnp.zeros((2 * len(a) + 1, *zero.shape), a.dtype)
    above, some, limbs = lax.fori_loop(np.int32(0), last, put, begun)
    return lax.dynamic_update_index_in_dim(limbs, above, last, 0), _sign_of(above, some)


def _sums_of_few_products(a, b, number, combined):
    """`_sums_of_products` of (L, K, V) limbs that are all in use, a static number: without a loop, in few launches."""
    word, bits = a.dtype.type, BITS[a.dtype.itemsize]
    products = a[:, None] * b[None]
    # A row more to the right for every limb of a: then the products of one place are one column.
    shifted = jnp.pad(products, ((0, 0), (0, number), (0, 0), (0, 0))).reshape(2 * number**2, *a.shape[1:])
    columns = shifted[: number * (2 * number - 1)].reshape(number, 2 * number - 1, *a.shape[1:])
    totals = jax.vmap(combined)(columns.sum(axis=0, dtype=a.dtype))
    above = some = jnp.zeros_like(totals[0])
    limbs = []
    for place in range(2 * number):
        total = above + totals[place] if place < len(totals) else above
        limbs.append(total & word(2**bits - 1))
        above, some = total >> word(bits), some | limbs[-1]
    return jnp.stack([*limbs, above]), _sign_of(above, some)


def _sign_of(above, some):
    """The int32 sign of limbs, by the last of them and the bits that are set in any of the others."""
    return jnp.where(above < 0, np.int32(-1), jnp.where((above > 0) | (some > 0), np.int32(1), np.int32(0)))


def turns_to(found: Signs, side: Array, v: Array, c: Array, b: Array, j: Array) -> Array:
    """(V,) bool: whether the star of v turns from c to j rather than to b, where both are on the same side of c.

    Parameters
    ----------
    found
        Their `Signs`.
    side
        (V,) int, 1 for a star that turns counter-clockwise, -1 for one that turns clockwise.
    v, c, b, j
        (V,) int32, their numbers.
    """
    inside, after = side * found.inside, side * found.after
    smallest = jnp.minimum(jnp.minimum(v, c), jnp.minimum(b, j))
    fan = (smallest == j) | ((smallest == v) & (after < 0)) | ((smallest == c) & (after > 0))
    return (inside > 0) | ((inside == 0) & fan)
