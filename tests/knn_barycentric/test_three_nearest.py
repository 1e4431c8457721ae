"""Weights on three vertices, against hand-built cases and against autoarray's own."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from autoarray.inversion.mesh.interpolator.delaunay import pixel_weights_delaunay_from
from scipy.spatial import Delaunay, cKDTree

from knn_barycentric import barycentric_weights_from_3_nearest

import point_sets

TRIANGLE = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])

HAND_BUILT = {
    "vertex": ([4.0, 0.0], [0.0, 1.0, 0.0]),
    "edge": ([1.0, 0.0], [0.75, 0.25, 0.0]),
    "centroid": ([4.0 / 3.0, 2.0 / 3.0], [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]),
    "inside": ([1.0, 0.5], [0.5, 0.25, 0.25]),
    "outside beyond an edge": ([2.0, -1.0], [1.0 / 1.5, 0.5 / 1.5, 0.0]),
    "outside beyond a vertex": ([6.0, -0.5], [0.0, 1.0, 0.0]),
    "far outside": ([-4.0e9, 0.0], [1.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("xp", [np, jnp])
@pytest.mark.parametrize("name", HAND_BUILT)
def test_weights_of_hand_built_cases(name, xp):
    query, expected = HAND_BUILT[name]
    weights = barycentric_weights_from_3_nearest(xp.asarray([query]), xp.asarray(TRIANGLE), xp.asarray([[0, 1, 2]]), xp)
    assert np.allclose(weights[0], expected, rtol=0.0, atol=4.0 * np.finfo(float).eps)


@pytest.mark.parametrize(
    "triple",
    [
        [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]],
        [[0.1, 0.3], [0.1, 0.3], [2.0, 2.0]],
        [[0.1, 0.3], [0.1, 0.3], [0.1, 0.3]],
        [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]],
    ],
)
def test_collinear_vertices_give_the_nearest_one(triple):
    arguments = (jnp.array([[0.3, 0.2]]), jnp.asarray(triple), jnp.array([[0, 1, 2]]))
    assert barycentric_weights_from_3_nearest(*arguments, jnp).tolist() == [[1.0, 0.0, 0.0]]
    for argument in (0, 1):
        gradient = jax.jacobian(partial(barycentric_weights_from_3_nearest, xp=jnp), argument)
        assert np.isfinite(gradient(*arguments)).all()


def test_weights_equal_autoarrays_in_the_right_triangle():
    points, queries = point_sets.UNIQUE["random"], 0.1 + 0.8 * point_sets.random(3000, 5)
    qhull = Delaunay(points)
    nearest = cKDTree(points).query(queries, k=3)[1]
    triangle = qhull.simplices[qhull.find_simplex(queries)]
    same = (np.sort(nearest, axis=1) == np.sort(triangle, axis=1)).all(axis=1)
    assert same.sum() > 300
    ours = barycentric_weights_from_3_nearest(queries[same], points, nearest[same])
    theirs = pixel_weights_delaunay_from(queries[same], points, nearest[same])
    # autoarray's areas are accurate to some epsilons of the squared edges, in triangles thinner than that.
    assert np.allclose(ours, theirs, rtol=0.0, atol=1.0e-13)
