"""One exact step of a star leads to the best of all candidates."""

from fractions import Fraction

import numpy as np
import pytest

from delaunax import oracle
from delaunax.stars.star_step import NO_CANDIDATE, initial_star, positions_from
from delaunax.stars.star_step_exact import best_of_all, likely_best

import point_sets
from programs import compiled


def step(points, vertices, current, clockwise, which):
    """The best of the (N,) bool `which` for the first of (V,) stars, and whether floating point was in doubt."""
    positions = positions_from(points, which)
    star = initial_star(vertices)._replace(current=current, clockwise=clockwise)
    best, doubtful = likely_best(positions, vertices, star)
    return best_of_all(points, positions, vertices, star, doubtful, best)[0], doubtful[0]


def beats(sites, side, a, b, c, d):
    """Whether a star of a goes from b to d rather than to c, by rational arithmetic."""
    inside = side * oracle.in_circle(sites[a], sites[b], sites[c], sites[d])
    lowest = min(a, b, c, d)
    beyond = side * oracle.orientation(sites[a], sites[c], sites[d])
    is_fan = lowest == d or (lowest == a and beyond < 0) or (lowest == b and beyond > 0)
    return inside > 0 or (inside == 0 and is_fan)


def best_of(points, a, b, clockwise, candidates):
    sites, side = oracle.integer_points(points), -1 if clockwise else 1
    if b < 0:
        squared = {
            d: sum(Fraction(p - q) ** 2 for p, q in zip(sites[d], sites[a], strict=True)) for d in candidates if d != a
        }
        return min(squared, key=lambda d: (squared[d], d))
    best = None
    for d in candidates:
        if d not in (a, b) and side * oracle.orientation(sites[a], sites[b], sites[d]) > 0:
            best = d if best is None or beats(sites, side, a, b, best, d) else best
    return NO_CANDIDATE if best is None else best


SETS = {
    "random": point_sets.random(60),
    "grid": point_sets.grid(8)[:60] / 8.0,
    "grid moved by last bits": point_sets.moved_by_bits(point_sets.grid(8)[:60] / 8.0 + 0.1) - 0.1,
    "circle": 0.5 + 0.45 * point_sets.circle(60),
    "needles": point_sets.random(60) * [1.0, 1.0e-13],
}


@pytest.mark.parametrize("name", SETS)
def test_the_best_of_a_star_has_the_lowest_index(name):
    points, rng, doubts = SETS[name], np.random.default_rng(4), 0
    for _ in range(120):
        a, b, *near = rng.permutation(len(points))[:14]
        b, clockwise = int(rng.choice([b, -1])), bool(rng.random() < 0.5)
        which = np.isin(np.arange(len(points)), [a, b, *near])
        best, doubtful = compiled(step, "gpu")(
            points, np.array([a], np.int32), np.array([b], np.int32), np.array([clockwise]), which
        )
        assert int(best) == best_of(points, int(a), b, clockwise, near)
        doubts += bool(doubtful)
    # Floating point decides random points, and does not decide ties.
    assert (doubts > 0) == (name not in ("random", "needles"))
