"""Boxes of vertices that a star may leave out of its search, because none of them can be its next neighbour."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from knn_barycentric.turning import edge_of, next_neighbour, out_of_reach, sites_from, star_of, view_from
from tests import meshes

VERTICES, SIDE = 400, 6
"""Of the mesh, and of the square of boxes over it."""


@pytest.fixture(scope="module", params=[0.0, 1.0e-5])
def turn(request):
    """A function of star, start and direction: which boxes are out of reach, and which hold a better neighbour than those near.

    Once without tie weights, and once with the largest ones.
    """
    points = np.asarray(meshes._random(VERTICES))
    squared = ((points[:, None] - points) ** 2).sum(axis=-1) + np.diag(np.full(VERTICES, np.inf))
    lift = request.param * np.random.default_rng(3).random(VERTICES) * squared.min(axis=1)
    sites = sites_from(jnp.asarray(points), jnp.ones(VERTICES, bool), jnp.asarray(lift))
    place = np.floor(SIDE * (points - points.min(axis=0)) / np.ptp(points, axis=0) * (1.0 - 1.0e-9)).astype(int)
    box_of = place[:, 0] * SIDE + place[:, 1]
    members = [np.flatnonzero(box_of == box).astype(np.int32) for box in range(SIDE**2)]
    boxes = np.array([[*points[each].max(axis=0), *(-points[each]).max(axis=0)] for each in members])

    @jax.jit
    def look(vertices, star, near):
        own, edge = sites[vertices], edge_of(sites, vertices, star)
        _, found = next_neighbour(edge, view_from(own, near[:, None], sites[near][:, None]))
        _, offsets = jax.vmap(lambda each: next_neighbour(edge, view_from(own, each[:, None], sites[each][:, None])))(
            jnp.arange(VERTICES, dtype=jnp.int32)[:, None]
        )
        return jax.vmap(lambda box: out_of_reach(edge, own, box, found))(jnp.asarray(boxes)), offsets < found

    def of(vertex, current, clockwise, near):
        star = star_of(jnp.asarray([vertex], jnp.int32))
        star = star._replace(current=jnp.asarray([current], jnp.int32), clockwise=jnp.asarray([clockwise]))
        spared, better = look(jnp.asarray([vertex], jnp.int32), star, jnp.asarray(near, jnp.int32))
        return np.asarray(spared)[:, 0], np.array([np.asarray(better)[each, 0].any() for each in members])

    return of


def test_no_box_out_of_reach_holds_a_better_neighbour_and_most_boxes_are(turn):
    rng = np.random.default_rng(4)
    spared = []
    for _ in range(300):
        vertex, current, *near = rng.permutation(VERTICES)[:12]
        out, better = turn(vertex, rng.choice([current, -1]), bool(rng.random() < 0.5), near)
        assert not (out & better).any()
        spared.append(out.mean())
    assert 0.3 < np.mean(spared) < 0.9


def test_all_boxes_to_the_left_are_within_reach_of_a_star_that_has_found_none(turn):
    out, better = turn(7, 8, False, [7])
    assert better.any() and not (out & better).any() and not out.all()
