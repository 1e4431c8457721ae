"""One exact turn is the best of all candidates, and boxes that a star skips hold no better one."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import oracle
from delaunax.exact_turning import best_neighbour, out_of_reach
from delaunax.turning import edge_of, sites_from, star_of

import point_sets

SIDE = 5


@jax.jit
def turn(points, vertex, current, clockwise, candidates):
    """The best candidate, and which of the boxes of a grid over the points are out of reach with it as the best so far."""
    count = len(points)
    sites = sites_from(points, jnp.ones(count, bool))
    star = star_of(vertex)._replace(current=current, clockwise=clockwise)
    edge = edge_of(sites, vertex, star)
    nobody = jnp.full(1, count, jnp.int32)
    best = best_neighbour(points, sites, vertex, current, edge, nobody, candidates[:, None])
    place = jnp.clip(jnp.floor(SIDE * points).astype(jnp.int32), 0, SIDE - 1)
    member = (place[:, 0] * SIDE + place[:, 1])[None] == jnp.arange(SIDE**2)[:, None]
    reach = jnp.concatenate([points, -points], axis=1)
    boxes = jnp.where(member[:, :, None], reach[None], -jnp.inf).max(axis=1)
    return best[0], jax.vmap(lambda box: out_of_reach(sites, vertex, edge, best, box)[0])(boxes), member


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
    return len(points) if best is None else best


SETS = {
    "random": point_sets.random(60),
    "grid": point_sets.grid(8)[:60] / 8.0,
    "grid moved by last bits": point_sets.moved_by_bits(point_sets.grid(8)[:60] / 8.0 + 0.1) - 0.1,
    "circle": 0.5 + 0.45 * point_sets.circle(60),
    "needles": point_sets.random(60) * [1.0, 1.0e-13],
}


@pytest.mark.parametrize("name", SETS)
def test_the_best_is_that_of_rational_arithmetic_and_skipped_boxes_hold_no_better_one(name):
    points, rng = SETS[name], np.random.default_rng(4)
    skipped = []
    for _ in range(120):
        v, c, *near = rng.permutation(len(points))[:14]
        c, clockwise = int(rng.choice([c, -1])), bool(rng.random() < 0.5)
        candidates = np.array(near, np.int32)
        best, out, member = turn(
            jnp.asarray(points),
            jnp.asarray([v], jnp.int32),
            jnp.asarray([c], jnp.int32),
            jnp.asarray([clockwise]),
            candidates,
        )
        assert int(best) == best_of(points, int(v), c, clockwise, candidates.tolist())
        better = best_of(
            points, int(v), c, clockwise, [int(best), *range(len(points))] if best < len(points) else range(len(points))
        )
        if better not in (int(best), len(points)):
            assert not out[int(np.argmax(member[:, better]))]
        skipped.append(out.mean())
    assert np.mean(skipped) > 0.1
