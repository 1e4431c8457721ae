"""No determinant errs by more than its bound, judged in fractions."""

from fractions import Fraction

import jax
import numpy as np
import pytest

from delaunax.arithmetic.error_bounds import determinants, difference_of_squares, orientation

from programs import PLATFORMS, compiled

NUMBER = 500

DTYPES = [np.float64, np.float32]

on_both_platforms = pytest.mark.parametrize("on", PLATFORMS)
in_both_precisions = pytest.mark.parametrize("dtype", DTYPES)


def moved_by_ulps(points, rng):
    steps = rng.choice([-np.inf, np.inf], points.shape).astype(points.dtype)
    return np.where(rng.random(points.shape) < 0.5, points, np.nextafter(points, steps))


def anywhere(rng, dtype):
    return rng.uniform(-1.0, 1.0, (4, NUMBER, 2)).astype(dtype)


def on_lines(rng, dtype):
    """Four points on one line up to rounding."""
    start, direction = rng.uniform(-1.0, 1.0, (2, 1, NUMBER, 2))
    points = start + rng.uniform(-1.0, 1.0, (4, NUMBER, 1)) * direction
    return moved_by_ulps(points.astype(dtype), rng)


def on_circles(rng, dtype):
    """Four points on one circle up to rounding."""
    angle = rng.uniform(0.0, 2.0 * np.pi, (4, NUMBER))
    points = 0.5 * np.stack([np.cos(angle), np.sin(angle)], axis=-1) + rng.uniform(-0.5, 0.5, (1, NUMBER, 2))
    return moved_by_ulps(points.astype(dtype), rng)


def on_lattices(rng, dtype):
    """Points of a lattice that is not exact in binary."""
    return (rng.integers(-4, 5, (4, NUMBER, 2)) * 0.1).astype(dtype)


def of_all_scales(rng, dtype):
    exponents = rng.integers(-40, 1, (4, NUMBER, 2))
    return (rng.uniform(-1.0, 1.0, (4, NUMBER, 2)) * np.exp2(exponents)).astype(dtype)


def flat(rng, dtype):
    """Products of these coordinates are subnormal, or zero."""
    tiny = np.exp2(np.finfo(dtype).minexp * rng.uniform(0.4, 1.0, (1, NUMBER, 1)))
    return (rng.uniform(-1.0, 1.0, (4, NUMBER, 2)) * tiny).astype(dtype)


KINDS = [anywhere, on_lines, on_circles, on_lattices, of_all_scales, flat]

of_every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def fields_of(found):
    return {name: (getattr(found, name).value, getattr(found, name).error) for name in found._fields}


def all_determinants(a, b, c, d):
    """Value and error of all determinants of points, by name. Their offsets are rounded, as everywhere."""
    b, c, d = ((each[:, 0] - a[:, 0], each[:, 1] - a[:, 1]) for each in (b, c, d))
    squares = [each[0] ** 2 + each[1] ** 2 for each in (c, d)]
    nearer = difference_of_squares(*squares)
    alone = orientation(b, c)
    return fields_of(determinants(b, c, d)) | {
        "nearer": (nearer.value, nearer.error),
        "orientation": (alone.value, alone.error),
    }


def exact_determinants(a, b, c, d):
    """The same, as fractions, from the points."""
    a, b, c, d = ([Fraction(float(x)) for x in point] for point in (a, b, c, d))
    b, c, d = ((each[0] - a[0], each[1] - a[1]) for each in (b, c, d))

    def cross(u, v):
        return u[0] * v[1] - u[1] * v[0]

    def squared(u):
        return u[0] ** 2 + u[1] ** 2

    return {
        "orient_bd": cross(b, d),
        "orient_cd": cross(c, d),
        "orient_bc": cross(b, c),
        "orientation": cross(b, c),
        "in_circle": squared(c) * cross(b, d) - squared(b) * cross(c, d) - squared(d) * cross(b, c),
        "nearer": squared(c) - squared(d),
    }


def shares_of_bounds(points, on):
    """Name -> the largest share of its bound that a determinant errs by."""
    found = compiled(all_determinants, on)(*points)
    shares = dict.fromkeys(found, 0.0)
    for k in range(points.shape[1]):
        for name, exact in exact_determinants(*points[:, k]).items():
            value, error = (float(each[k]) for each in found[name])
            shares[name] = max(shares[name], float(abs(Fraction(value) - exact) / Fraction(error)))
    return shares


@on_both_platforms
@in_both_precisions
@of_every_kind
def test_no_error_exceeds_its_bound(kind, dtype, on):
    shares = shares_of_bounds(kind(np.random.default_rng(0), dtype), on)
    assert max(shares.values()) <= 1.0, shares


@in_both_precisions
def test_bounds_are_not_much_too_large(dtype):
    """Otherwise integers would decide too often."""
    points = np.concatenate([kind(np.random.default_rng(1), dtype) for kind in (on_circles, on_lines)], axis=1)
    shares = shares_of_bounds(points, "cpu")
    assert min(shares.values()) > 0.05, shares


def certain_signs(a, b, c, d):
    """Whether each determinant is certainly positive, and certainly negative."""
    b, c, d = ((each[:, 0] - a[:, 0], each[:, 1] - a[:, 1]) for each in (b, c, d))
    found = determinants(b, c, d)
    return {name: (each.positive, each.negative) for name, each in found._asdict().items()}


@in_both_precisions
def test_certain_signs_are_right(dtype):
    """Hardly any sign is certain on circles, and nearly all signs are anywhere."""
    for kind, least, most in ((on_circles, 0.0, 0.5), (anywhere, 0.99, 1.0)):
        points = kind(np.random.default_rng(2), dtype)
        found = compiled(certain_signs)(*points)
        for k in range(NUMBER):
            for name, (positive, negative) in found.items():
                exact = exact_determinants(*points[:, k])[name] if positive[k] or negative[k] else 0
                assert not positive[k] or exact > 0
                assert not negative[k] or exact < 0
        certain = np.mean(found["in_circle"][0] | found["in_circle"][1])
        assert least <= certain <= most


def test_zero_is_never_certain():
    zero = (np.zeros(1), np.zeros(1))
    for each in jax.tree.leaves(determinants(zero, zero, zero), is_leaf=lambda each: hasattr(each, "positive")):
        assert not each.positive and not each.negative
