"""The contract of lockstep loops: a step leaves finished lanes unchanged.

Lanes of a batch take steps until the last lane is finished. If a step changes finished lanes, batches get wrong results, or
the loop never ends. Here, every loop takes more steps than one lane needs.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from delaunax import locate, triangulate
from delaunax.platform import gpu

import point_sets
from programs import compiled

NUMBER = 61
"""A number of points of its own: loops that are traced already are not replaced."""

MORE_STEPS = 9
"""How many steps a loop takes after its lane is finished."""

SETS = {
    "random": point_sets.random(NUMBER),
    "grid": point_sets.shuffled(point_sets.grid(8))[:NUMBER],
    "circle": point_sets.circle(NUMBER),
    "rounded line": point_sets.rotated(point_sets.line(NUMBER)),
    "integers with duplicates": point_sets.integers(NUMBER, 6, 0),
    "line": point_sets.line(NUMBER),
}


def overrunning(resumed):
    """`gpu.lockstep_while` with more steps. Loops that a finished lane enters again are added to `resumed`, by name."""

    def lockstep_while(condition, body, carry, unroll=1, rolled=False):
        def unfinished(state):
            return jnp.any(condition(*state[:2]))

        def goes_on(state):
            _, _, more, again = state
            return ~again & (unfinished(state) | (more < MORE_STEPS))

        def step(state):
            number, carry, more, again = state
            going = unfinished(state)
            more = jnp.where(going, more, more + 1)
            return number + 1, body(number, carry), more, again | (going & (more > 0))

        _, carry, _, again = lax.while_loop(goes_on, step, (np.int32(0), carry, np.int32(0), np.False_))
        jax.debug.callback(lambda again: resumed.add(body.__qualname__) if again else None, again)
        return carry

    return lockstep_while


def tables(points):
    triangulation = triangulate(points)
    queries = 1.4 * (points[:, ::-1] - points.mean(axis=0)) + points.mean(axis=0)
    return triangulation, locate(triangulation, points, queries)


def test_more_steps_leave_finished_lanes_unchanged(monkeypatch):
    resumed = set()
    monkeypatch.setattr(gpu, "lockstep_while", overrunning(resumed))
    found = {name: compiled(tables, "gpu")(points) for name, points in SETS.items()}
    jax.effects_barrier()
    assert resumed == set()
    for name, points in SETS.items():
        triangulation, mappings = found[name]
        expected, expected_mappings = compiled(tables)(points)
        assert triangulation.certified and expected.certified
        assert point_sets.simplices_of(triangulation.simplices) == point_sets.simplices_of(expected.simplices)
        # Of triangles that a query is on the edge of, each algorithm may find another one.
        inside = expected_mappings[:, 1] >= 0
        assert np.array_equal(mappings[:, 1] >= 0, inside)
        assert np.array_equal(mappings[~inside], expected_mappings[~inside])


@pytest.mark.parametrize("step, is_kept", [(lambda _, n: jnp.maximum(n - 1, 0), True), (lambda _, n: n - 1, False)])
def test_a_step_that_changes_finished_lanes_shows(step, is_kept):
    resumed = set()
    loop = overrunning(resumed)
    found = jax.jit(lambda number: loop(lambda _, n: n > 0, step, number))(np.int32(5))
    assert (int(found) == 0) == is_kept


def test_a_loop_that_starts_again_is_named():
    resumed = set()
    loop = overrunning(resumed)
    jax.block_until_ready(
        jax.jit(lambda number: loop(lambda _, n: n > 0, lambda _, n: (n - 1) % 6, number))(np.int32(5))
    )
    jax.effects_barrier()
    assert len(resumed) == 1
