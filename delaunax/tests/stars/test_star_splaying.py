"""Triangles of stars become a table."""

import jax.numpy as jnp
import numpy as np

from delaunax.stars.star_splaying import MAX_STAR_STEPS, UNROLL, with_triangles


def steps_with(step, triangle):
    """The others of one star that finds one triangle, at a step."""
    others = np.full((MAX_STAR_STEPS, 2, 1), -1, np.int32)
    others[step, :, 0] = triangle
    return jnp.asarray(others)


def test_new_triangles_come_before_older_ones():
    older = jnp.full((8, 3), -1, jnp.int32).at[3].set(jnp.array([0, 1, 2], jnp.int32))
    found = with_triangles(older, jnp.array([1], jnp.int32), steps_with(5, (2, 3))).tolist()
    assert found == [[1, 2, 3], [0, 1, 2], *[[-1, -1, -1]] * 6]


def test_new_triangles_have_room_in_a_full_table():
    full = jnp.tile(jnp.array([[0, 1, 2]], jnp.int32), (8, 1))
    found = with_triangles(full, jnp.array([1], jnp.int32), steps_with(5, (2, 3))).tolist()
    assert found == [[1, 2, 3], *[[0, 1, 2]] * 7]


def test_stars_unroll_whole_steps():
    assert MAX_STAR_STEPS % UNROLL == 0
