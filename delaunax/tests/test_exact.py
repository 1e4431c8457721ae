"""Signs in integer arithmetic are those of rational arithmetic, in both precisions, whatever the range."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import backend, exact, oracle
from delaunax.scaling import integers_from

import point_sets

FAR = np.array([[1.0e300, -1.0e300], [5.0e-324, 0.0], [1.0, 1.0e-300], [-1.0e-310, 3.0]])


def expected(points, quadruple):
    v, c, b, j = (oracle.integer_points(points)[each] for each in quadruple)

    def squared(p):
        return (p[0] - v[0]) ** 2 + (p[1] - v[1]) ** 2

    def sign(value):
        return (value > 0) - (value < 0)

    return [
        sign(oracle.orientation(v, c, j)),
        sign(oracle.in_circle(v, c, b, j)),
        sign(squared(b) - squared(j)),
        sign(oracle.orientation(v, b, j)),
        sign(oracle.orientation(v, c, b)),
    ]


@jax.jit
@backend.fused
def signs_of(integers, quadruples):
    return backend.map_rows(lambda each: jnp.stack(exact.signs(integers, *each)), quadruples)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "name",
    ["grid", "random", "grid moved by last bits", "subnormal integers", "scales from 1e-300 to 1", "rounded line"],
)
def test_signs_are_those_of_rational_arithmetic(name, dtype):
    points = point_sets.EVERY[name].astype(dtype)[:30]
    quadruples = np.random.default_rng(0).integers(0, len(points), (60, 4)).astype(np.int32)
    found = signs_of(integers_from(jnp.asarray(points)), quadruples)
    assert found.tolist() == [expected(points, each) for each in quadruples.tolist()]


def test_signs_over_the_whole_range_of_fp64():
    quadruples = np.array(
        [[a, b, c, d] for a in range(4) for b in range(4) for c in range(4) for d in range(4)], np.int32
    )
    found = signs_of(integers_from(jnp.asarray(FAR)), quadruples)
    assert found.tolist() == [expected(FAR, each) for each in quadruples.tolist()]


@pytest.mark.parametrize("number", [exact.FEW[8], exact.ALL[8]])
def test_few_limbs_and_all_of_them_agree(number, monkeypatch):
    monkeypatch.setitem(exact.FEW, 8, number)
    points = point_sets.random(20)
    quadruples = np.random.default_rng(1).integers(0, 20, (40, 4)).astype(np.int32)
    found = jax.jit(jax.vmap(partial(exact.signs, integers_from(jnp.asarray(points)))))(*quadruples.T)
    assert np.stack(found, axis=1).tolist() == [expected(points, each) for each in quadruples.tolist()]


def test_the_limbs_of_every_float_fit():
    """The largest and the smallest float are as far apart as limbs can be."""
    for dtype, size in ((np.float64, 8), (np.float32, 4)):
        info = np.finfo(dtype)
        bits = info.maxexp - (info.minexp - info.nmant)
        assert exact.ALL[size] * exact.BITS[size] >= bits + 1


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 3, 0, 1], [3, 0, 1, 2], [1, 2, 3, 0]])
@pytest.mark.parametrize("side", [1, -1])
def test_a_tie_is_turned_to_the_fan_of_the_smallest_number(order, side):
    """The corners of a square, in any order: from an edge of it, a star turns to the triangle that has vertex 0."""
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])[::side]
    points = np.empty_like(square)
    points[order] = square
    v, c, b, j = (np.int32(each) for each in order)
    found = exact.signs(integers_from(jnp.asarray(points)), v, c, b, j)
    to_j, to_b = (
        bool(exact.turns_to(exact.signs(integers_from(jnp.asarray(points)), v, c, *pair), np.int32(side), v, c, *pair))
        for pair in ((b, j), (j, b))
    )
    assert found.inside == 0 and to_j != to_b
    triangle = {int(v), int(c), int(j if to_j else b)}
    assert 0 in triangle
