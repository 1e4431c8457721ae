"""What is chosen by backend changes the work, never the answer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import Delaunay

from knn_barycentric import backend, locate, triangulate
from tests import meshes

LANES = 3


def _tables(points, queries):
    triangulation = triangulate(points)
    return (*triangulation, locate(triangulation, points, queries))


@pytest.mark.parametrize("platform, number", [("cpu", 397), ("gpu", 398)])
def test_lanes_together_or_one_by_one_are_the_lanes_alone(platform, number, monkeypatch):
    """Meshes of their own size, because a program that is compiled already is not traced again."""
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    points = jnp.asarray(np.stack([meshes._relocated(number), meshes._random(number), meshes._random(number, seed=1)]))
    queries = jnp.asarray(3.0 * np.random.default_rng(2).random((LANES, 5 * number, 2)) - 1.5)
    together = jax.jit(jax.vmap(_tables))(points, queries)
    for lane in range(LANES):
        assert meshes.simplices_of(together[0][lane]) == meshes.simplices_of(Delaunay(points[lane]).simplices)
        alone = _tables(points[lane], queries[lane])
        assert all(np.array_equal(np.asarray(each[lane]), np.asarray(one)) for each, one in zip(together, alone))


def test_a_cpu_compiles_one_loop_over_lanes_and_a_gpu_none(monkeypatch):
    loops = {}
    for platform in ("cpu", "gpu"):
        monkeypatch.setattr(jax, "default_backend", lambda: platform)
        double = backend.lane_by_lane(lambda x: 2.0 * x)
        loops[platform] = str(jax.make_jaxpr(jax.vmap(double))(jnp.ones((LANES, 4)))).count("scan[")
    assert loops == {"cpu": 1, "gpu": 0}
