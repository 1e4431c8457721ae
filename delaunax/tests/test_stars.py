"""Triangles of stars become a table."""

import jax.numpy as jnp
import numpy as np

from delaunax.stars.star_splaying import TURNS, written


def test_what_is_found_later_has_room_in_a_full_table():
    full = jnp.tile(jnp.array([[0, 1, 2]], jnp.int32), (8, 1))
    others = np.full((TURNS, 2, 1), -1, np.int32)
    others[5] = [[2], [3]]
    found = written(full, jnp.array([1], jnp.int32), jnp.asarray(others)).tolist()
    assert found == [[1, 2, 3], *[[0, 1, 2]] * 7]
