"""One exact turn is the best of all candidates."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import oracle
from delaunax.platform import dispatch as platforms
from delaunax.stars.star_step import NOBODY, sites_from, star_of
from delaunax.stars.star_step_exact import best_of_all, likely_best

import point_sets


@jax.jit
def turn(points, vertex, current, clockwise, distinct):
    """The best of the vertices that take part, and whether floating point was in doubt."""
    sites = sites_from(points, distinct)
    star = star_of(vertex)._replace(current=current, clockwise=clockwise)
    best, doubtful = likely_best(sites, vertex, star)
    return best_of_all(points, sites, vertex, star, doubtful, best)[0], doubtful[0]


def beats(sites, side, v, c, b, j):
    """Whether a star of v turns from c to j rather than b, by rational arithmetic."""
    inside = side * oracle.in_circle(sites[v], sites[c], sites[b], sites[j])
    first = min(v, c, b, j)
    after = side * oracle.orientation(sites[v], sites[b], sites[j])
    return inside > 0 or (inside == 0 and (first == j or (first == v and after < 0) or (first == c and after > 0)))


def best_of(points, v, c, clockwise, candidates):
    sites, side = oracle.integer_points(points), -1 if clockwise else 1
    if c < 0:
        squared = {
            j: sum(Fraction(p - q) ** 2 for p, q in zip(sites[j], sites[v], strict=True)) for j in candidates if j != v
        }
        return min(squared, key=lambda j: (squared[j], j))
    best = None
    for j in candidates:
        if j not in (v, c) and side * oracle.orientation(sites[v], sites[c], sites[j]) > 0:
            best = j if best is None or beats(sites, side, v, c, best, j) else best
    return NOBODY if best is None else best


SETS = {
    "random": point_sets.random(60),
    "grid": point_sets.grid(8)[:60] / 8.0,
    "grid moved by last bits": point_sets.moved_by_bits(point_sets.grid(8)[:60] / 8.0 + 0.1) - 0.1,
    "circle": 0.5 + 0.45 * point_sets.circle(60),
    "needles": point_sets.random(60) * [1.0, 1.0e-13],
}


@pytest.mark.parametrize("name", SETS)
def test_the_best_is_that_of_rational_arithmetic(name, monkeypatch):
    monkeypatch.setattr(platforms, "forced", "gpu")
    points, rng, doubts = SETS[name], np.random.default_rng(4), 0
    for _ in range(120):
        v, c, *near = rng.permutation(len(points))[:14]
        c, clockwise = int(rng.choice([c, -1])), bool(rng.random() < 0.5)
        best, doubtful = turn(
            jnp.asarray(points),
            jnp.asarray([v], jnp.int32),
            jnp.asarray([c], jnp.int32),
            jnp.asarray([clockwise]),
            np.isin(np.arange(len(points)), [v, c, *near]),
        )
        assert int(best) == best_of(points, int(v), c, clockwise, near)
        doubts += bool(doubtful)
    # What is random is decided by floating point, and what is tied is not.
    assert (doubts > 0) == (name not in ("random", "needles"))
