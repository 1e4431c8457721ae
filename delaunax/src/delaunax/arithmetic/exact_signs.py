"""The signs of orientation and in-circle determinants in integer arithmetic: no rounding, no error bound, no limited range.

Coordinates are `Integers`. Their differences are sums of limbs of `LIMB_BITS` bits on a grid that all points at hand share.
Determinants are sums of products of differences, limb by limb from the lowest, as on paper. Integers have no multiply-adds to
contract and no subnormals to flush, so every platform gives the same bits.

There is room for as many limbs as the floating point format can need. Nearly all points need a few, and loops end there.

Ties are broken by pulling (De Loera, Rambau & Santos 2010, Triangulations, section 4.3): the vertex with the lowest index is
lowered by an infinitesimal on the paraboloid, then the next. So co-circular vertices become a fan from the vertex with the
lowest index.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.scaling import integers_from
from delaunax.platform.indexing import gather
from delaunax.platform.rows import cond_as_loop

LIMB_BITS = {8: 26, 4: 11}
"""Bits of a limb, by the bytes of the integers that hold it. Sums of products of limbs stay in range."""

MAX_LIMBS = {8: 82, 4: 27}
"""Limbs that hold the difference of any two coordinates, from the largest finite float to the smallest subnormal one."""


class Signs(NamedTuple):
    """Signs (-1, 0 or 1) for V quadruples of points a, b, c and d; the vectors b, c and d start at a.

    Attributes
    ----------
    orient_bd
        (V,) int, the sign of b x d: 1 if d is to the left of the line from a through b.
    in_circle
        (V,) int, 1 if d is inside the circle through a, b and c, where these are counter-clockwise.
    nearer
        (V,) int, 1 if d is nearer to a than c is.
    orient_cd
        (V,) int, the sign of c x d.
    orient_bc
        (V,) int, the sign of b x c: 1 if a, b and c are counter-clockwise.
    """

    orient_bd: jax.Array
    in_circle: jax.Array
    nearer: jax.Array
    orient_cd: jax.Array
    orient_bc: jax.Array


def signs(points: Array, a: Array, b: Array, c: Array, d: Array) -> Signs:
    """The `Signs` of V quadruples of vertices by their (V,) int32 indices, from the (N, 2) float coordinates."""
    return signs_at(gather(points, jnp.stack([a, b, c, d])))


def signs_at(quadruples: Array) -> Signs:
    """The `Signs` of (4, V, 2) float coordinates."""
    integers = integers_from(quadruples)

    def found_by(sums_of_products, offsets, number):
        pairs, sign = sums_of_products(offsets[:, _FIRST], offsets[:, _SECOND], number, _pairs)
        _, outside = sums_of_products(pairs[:, :3], pairs[:, 3:6], 2 * number + 1, _all)
        # a is the origin: d is inside the circle through a, b and c where a is outside the circle through b, c and d.
        return Signs(orient_bd=-sign[4], in_circle=-outside[0], nearer=sign[6], orient_cd=sign[3], orient_bc=sign[5])

    def by_loops():
        return found_by(_sums_of_products, *_offsets(*integers))

    few = platform.UNROLLED_LIMBS
    if few == 0:
        return by_loops()
    offsets, number = _offsets(*integers)
    found = found_by(_sums_of_few_products, offsets[:few], few)
    return cond_as_loop(number > few, lambda _: by_loops(), found)


_FIRST = np.array([0, 2, 4, 2, 4, 0, 1, 3, 5, 3, 5, 1], np.int32)
_SECOND = np.array([0, 2, 4, 5, 1, 3, 1, 3, 5, 4, 0, 2], np.int32)
"""Of the limbs of bx, by, cx, cy, dx and dy: which are multiplied for |b|^2, |c|^2, |d|^2, c x d, d x b and b x c."""


def _offsets(mantissa, exponent):
    """The limbs of P points' offsets from a first one, of (1 + P, V, 2) `Integers`.

    Returns
    -------
    offsets
        (L, 2P, V) int, x and y in turn, the lowest limb first.
    number
        () int32, how many limbs are in use.
    """
    size = mantissa.dtype.itemsize
    word, bits, mantissa_bits = mantissa.dtype.type, LIMB_BITS[size], {8: 53, 4: 24}[size]
    used = mantissa != 0
    least_exponent = jnp.where(used, exponent, np.int32(2**20)).min(axis=(0, 2))[:, None]
    places = jnp.where(used, exponent - least_exponent, 0)
    number = lax.div(places.max() + np.int32(mantissa_bits + bits), np.int32(bits))
    places, mantissa = places.swapaxes(1, 2), mantissa.swapaxes(1, 2)
    shift = np.arange(0, MAX_LIMBS[size] * bits, bits, dtype=np.int32).reshape(-1, 1, 1, 1) - places
    magnitude, width = jnp.abs(mantissa), np.int32(8 * size - 1)
    right = magnitude >> jnp.clip(shift, 0, width).astype(word)
    left = magnitude << jnp.clip(-shift, 0, width).astype(word)
    limbs = jnp.where(shift >= 0, right, jnp.where(shift > -bits, left, word(0))) & word(2**bits - 1)
    limbs = jnp.where(mantissa < 0, -limbs, limbs)
    offsets = limbs[:, 1:] - limbs[:, :1]
    return offsets.reshape(len(limbs), -1, offsets.shape[-1]), number


def _pairs(products):
    """(7, V): |b|^2, |c|^2, |d|^2, c x d, d x b, b x c and |c|^2 - |d|^2, of (12, V) products."""
    squares, crossed = products[:3] + products[6:9], products[3:6] - products[9:]
    return lax.concatenate([squares, crossed, squares[1:2] - squares[2:]], 0)


def _all(products):
    """(1, V): the sum of (3, V) products."""
    return products.sum(axis=0, dtype=products.dtype, keepdims=True)


def _sums_of_products(a, b, number, combined):
    """`combined`, applied to the products of (L, K, V) limbs, `number` of them in use: limbs again, and their signs.

    Of the resulting limbs, `2 * number + 1` are in use. All but the last have `LIMB_BITS` bits.
    """
    word, bits = a.dtype.type, LIMB_BITS[a.dtype.itemsize]

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
    initial = zero, zero, jnp.zeros((2 * len(a) + 1, *zero.shape), a.dtype)
    above, some, limbs = lax.fori_loop(np.int32(0), last, put, initial)
    return lax.dynamic_update_index_in_dim(limbs, above, last, 0), _sign_of(above, some)


def _sums_of_few_products(a, b, number, combined):
    """`_sums_of_products` of (L, K, V) limbs that are all in use, L being static: without a loop, in few launches."""
    word, bits = a.dtype.type, LIMB_BITS[a.dtype.itemsize]
    products = a[:, None] * b[None]
    # Row k is shifted to the right by k: then the products of one place are one column.
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
    """The int32 sign of limbs, from the last limb and the bits that are set in any other."""
    return jnp.where(above < 0, np.int32(-1), jnp.where((above > 0) | (some > 0), np.int32(1), np.int32(0)))


def prefers(found: Signs, side: Array, a: Array, b: Array, c: Array, d: Array) -> Array:
    """(V,) bool: the tie rule. Whether the triangle of a and b has d rather than c as its third vertex.

    Parameters
    ----------
    found
        The `Signs` of the quadruples; c and d are on the same side of b.
    side
        (V,) int, 1 if c and d are counter-clockwise of b, as seen from a; -1 if they are clockwise.
    a, b, c, d
        (V,) int32, the indices.
    """
    inside, orient_cd = side * found.in_circle, side * found.orient_cd
    lowest = jnp.minimum(jnp.minimum(a, b), jnp.minimum(c, d))
    # Co-circular vertices all tie. If c or d is the lowest, it makes the triangle. A fan from a goes from b to the first of
    # them; a fan from b goes to the last.
    fan = (lowest == d) | ((lowest == a) & (orient_cd < 0)) | ((lowest == b) & (orient_cd > 0))
    return (inside > 0) | ((inside == 0) & fan)


def is_fan_diagonal(a: Array, b: Array, c: Array, d: Array) -> Array:
    """(V,) bool: the tie rule for a finished edge b-c between co-circular triangles a, b, c and b, c, d (`prefers`)."""
    return jnp.minimum(b, c) < jnp.minimum(a, d)
