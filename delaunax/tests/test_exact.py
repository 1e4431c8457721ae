"""Signs in integer arithmetic are those of rational arithmetic, in both precisions, whatever the range."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import oracle
from delaunax.arithmetic import exact_signs as exact
from delaunax.platform import backend
from delaunax.platform import dispatch as platforms

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


@pytest.fixture(params=["cpu", "gpu"], autouse=True)
def platform(request, monkeypatch):
    monkeypatch.setattr(platforms, "forced", request.param)


def signs_of(points, quadruples):
    # A function of its own: one that is compiled already would not be traced for another platform.
    def stacked(points, quadruples):
        return backend.map_rows(lambda each: jnp.stack(exact.signs(points, *each[:, None]))[:, 0], quadruples)

    return jax.jit(backend.fused(stacked))(points, quadruples)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "name",
    ["grid", "random", "grid moved by last bits", "subnormal integers", "scales from 1e-300 to 1", "rounded line"],
)
def test_signs_are_those_of_rational_arithmetic(name, dtype):
    points = point_sets.EVERY[name].astype(dtype)[:30]
    quadruples = np.random.default_rng(0).integers(0, len(points), (60, 4)).astype(np.int32)
    found = signs_of(jnp.asarray(points), quadruples)
    assert found.tolist() == [expected(points, each) for each in quadruples.tolist()]


def test_signs_over_the_whole_range_of_fp64():
    quadruples = np.array(
        [[a, b, c, d] for a in range(4) for b in range(4) for c in range(4) for d in range(4)], np.int32
    )
    found = signs_of(jnp.asarray(FAR), quadruples)
    assert found.tolist() == [expected(FAR, each) for each in quadruples.tolist()]


def test_points_at_once_may_need_different_numbers_of_limbs():
    """Those of one array share a loop, which is as long as the longest needs; lanes of a batch have their own."""
    points = np.concatenate([point_sets.random(20), FAR])
    quadruples = np.random.default_rng(1).integers(0, len(points), (40, 4)).astype(np.int32)
    signs = partial(exact.signs, jnp.asarray(points))
    together = np.stack(jax.jit(signs)(*quadruples.T), axis=1)
    lanes = np.stack(jax.jit(jax.vmap(signs))(*quadruples.T[..., None]), axis=1)[..., 0]
    assert together.tolist() == lanes.tolist() == [expected(points, each) for each in quadruples.tolist()]


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
    v, c, b, j = np.array(order, np.int32)[:, None]
    signs = partial(exact.signs, jnp.asarray(points), v, c)
    to_j, to_b = (bool(exact.turns_to(signs(*pair), np.int32(side), v, c, *pair)) for pair in ((b, j), (j, b)))
    assert signs(b, j).inside == 0 and to_j != to_b
    assert 0 in {order[0], order[1], order[3] if to_j else order[2]}
