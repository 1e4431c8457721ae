"""What is given as a triangulation is one, of the points that are given with it."""

import jax
import numpy as np
import pytest

from delaunax import (
    LinearInterpolator,
    convex_hull,
    find_simplex,
    is_delaunay,
    triangulate,
    vertex_neighbor_vertices,
)

import point_sets

POINTS = point_sets.random(40)
VALUES = np.sin(5.0 * POINTS[:, 0])


@pytest.mark.parametrize("function", [convex_hull, vertex_neighbor_vertices])
def test_points_are_no_triangulation(function):
    with pytest.raises(TypeError, match="`triangulation` is of type ndarray; give what `triangulate` returned"):
        function(POINTS)
    batch = jax.vmap(triangulate)(np.stack([POINTS, POINTS]))
    with pytest.raises(
        ValueError, match="`triangulation` is a batch of 2; give one, or call the function under jax.vmap"
    ):
        function(batch)
    with pytest.raises(ValueError, match="and call the function under jax.vmap for a batch"):
        triangulate(np.stack([POINTS, POINTS]))


def test_a_triangulation_is_no_table_of_triangles():
    with pytest.raises(TypeError, match="`simplices` is a Triangulation; give its `.simplices`"):
        is_delaunay(POINTS, triangulate(POINTS))


def test_as_many_other_points_are_rejected():
    triangulation = triangulate(POINTS)
    single = POINTS.astype(np.float32)
    assert (find_simplex(triangulate(single), single.astype(float), POINTS[:5]) >= -1).all()
    for call in (
        lambda: find_simplex(triangulation, POINTS + 0.5, POINTS),
        lambda: find_simplex(triangulation, single, POINTS),
        lambda: LinearInterpolator(POINTS[::-1], VALUES, triangulation=triangulation),
    ):
        with pytest.raises(ValueError, match="`points` are not those of `triangulation`"):
            call()
