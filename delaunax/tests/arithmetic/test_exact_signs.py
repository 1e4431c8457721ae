"""Integer and rational arithmetic give the same signs, in both precisions, whatever the range."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import oracle, platform
from delaunax.arithmetic import exact_signs
from delaunax.arithmetic.exact_signs import is_fan_diagonal, prefers, signs

import point_sets
from programs import PLATFORMS, compiled

on_both_platforms = pytest.mark.parametrize("on", PLATFORMS)

NUMBER = 60
"""How many quadruples are decided together."""

FAR = np.array([[1.0e300, -1.0e300], [5.0e-324, 0.0], [1.0, 1.0e-300], [-1.0e-310, 3.0]])


def sign(value):
    return (value > 0) - (value < 0)


def expected(points, quadruples):
    """(V, 5): the signs of quadruples by rational arithmetic, in the order of `Signs`."""
    sites = oracle.integer_points(points)
    rows = []
    for a, b, c, d in ([sites[vertex] for vertex in each] for each in quadruples.tolist()):
        nearer = sum((p - q) ** 2 - (r - q) ** 2 for p, q, r in zip(c, a, d, strict=True))
        determinants = (
            oracle.orientation(a, b, d),
            oracle.in_circle(a, b, c, d),
            nearer,
            oracle.orientation(a, c, d),
            oracle.orientation(a, b, c),
        )
        rows.append([sign(each) for each in determinants])
    return rows


def signs_of_rows(points, quadruples):
    """(V, 5): the signs of quadruples, one after the other on a CPU."""

    def stacked(points, quadruples):
        return platform.map_rows(lambda each: jnp.stack(signs(points, *each[:, None]))[:, 0], quadruples)

    return platform.fused(stacked)(points, quadruples)


def random_quadruples(points, seed=0):
    return np.random.default_rng(seed).integers(0, len(points), (NUMBER, 4)).astype(np.int32)


@on_both_platforms
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "name",
    ["grid", "random", "grid moved by last bits", "subnormal integers", "scales from 1e-300 to 1", "rounded line"],
)
def test_signs_are_those_of_rational_arithmetic(name, dtype, on):
    points = point_sets.EVERY[name].astype(dtype)[:30]
    quadruples = random_quadruples(points)
    assert compiled(signs_of_rows, on)(points, quadruples).tolist() == expected(points, quadruples)


@on_both_platforms
def test_signs_over_the_whole_range_of_fp64(on):
    points = np.resize(FAR, (30, 2))
    quadruples = np.stack(np.meshgrid(*[np.arange(4, dtype=np.int32)] * 4), axis=-1).reshape(-1, 4)
    for rows in np.split(np.resize(quadruples, (300, 4)), 5):
        assert compiled(signs_of_rows, on)(points, rows).tolist() == expected(points, rows)


def signs_together(points, quadruples):
    return jnp.stack(signs(points, *quadruples.T), axis=1)


def signs_in_lanes(points, quadruples):
    return jax.vmap(lambda each: jnp.stack(signs(points, *each[:, None]), axis=1)[0])(quadruples)


@on_both_platforms
@pytest.mark.parametrize("function", [signs_together, signs_in_lanes])
def test_quadruples_may_need_different_numbers_of_limbs(function, on):
    """All of one array share a loop, which is as long as the longest needs. Lanes of a batch have their own."""
    points = np.concatenate([point_sets.random(26), FAR])
    quadruples = random_quadruples(points, 1)
    assert compiled(function, on)(points, quadruples).tolist() == expected(points, quadruples)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_limbs_of_every_float_fit(dtype):
    """The largest and the smallest float are as far apart as limbs can be."""
    info, size = np.finfo(dtype), np.dtype(dtype).itemsize
    bits = info.maxexp - (info.minexp - info.nmant)
    assert exact_signs.MAX_LIMBS[size] * exact_signs.LIMB_BITS[size] >= bits + 1


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 3, 0, 1], [3, 0, 1, 2], [1, 2, 3, 0]])
@pytest.mark.parametrize("side", [1, -1])
def test_a_tied_star_goes_to_the_lowest_index(order, side):
    """The corners of a square, in any order: from an edge of it, a star goes to the triangle with vertex 0."""
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])[::side]
    points = np.empty_like(square)
    points[order] = square
    a, b, c, d = np.array(order, np.int32)[:, None]
    found = partial(signs, jnp.asarray(points), a, b)
    to_d, to_c = (bool(prefers(found(*pair), np.int32(side), a, b, *pair)) for pair in ((c, d), (d, c)))
    assert found(c, d).in_circle == 0 and to_d != to_c
    assert 0 in {order[0], order[1], order[3] if to_d else order[2]}


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 3, 0, 1], [3, 0, 1, 2], [1, 2, 3, 0]])
def test_the_fan_diagonal_has_the_lowest_index(order):
    a, b, d, c = np.array(order, np.int32)[:, None]
    assert bool(is_fan_diagonal(a, b, c, d)) == (0 in (b, c))
