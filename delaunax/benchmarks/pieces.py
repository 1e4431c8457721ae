"""What do the pieces of the triangulation cost, and how do they grow with the mesh?

    .venv/bin/python -m pytest -o addopts=--import-mode=importlib benchmarks/pieces.py

Stars, certificate, location (8 queries per vertex) and weights, on random vertices inside a disc as a source plane has them, and
SciPy's Qhull and `find_simplex` beside them. `--benchmark-json FILE` keeps the figures, `make bench` puts them in the README.
"""

from functools import cache, partial

import jax_profiling  # noqa: F401  isort: skip  (imports autolens before jax)

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import Delaunay

from delaunax.certificate import certificate
from delaunax.kd_tree import build_kd_tree
from delaunax.location import locate
from delaunax.stars import triangulate
from knn_barycentric.rungs import barycentric_weights_from

SIZES = (1000, 4000, 16000, 32000, 64000)
QUERIES = 8


@cache
def mesh_of(size):
    """Vertices, queries (a tenth of them outside the hull), triangulation and mappings, as JAX arrays."""
    rng = np.random.default_rng(size)

    def disc(number, radius):
        angle, distance = 2.0 * np.pi * rng.random(number), radius * np.sqrt(rng.random(number))
        return jnp.asarray(np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=1))

    points, queries = disc(size, 1.0), disc(QUERIES * size, 1.05)
    triangulation = jax.jit(triangulate)(points)
    assert triangulation.certified
    return points, queries, triangulation, jax.jit(locate)(triangulation, points, queries)


def check(points, queries, triangulation, mappings):
    """The certificate alone, without tie weights."""
    lift, distinct = jnp.zeros(len(points)), jnp.ones(len(points), bool)
    return certificate(points, distinct, lift, *triangulation[:3])


def sort_and_locate(points, queries, triangulation, mappings):
    return locate(triangulation, points, queries, sort=build_kd_tree(points))


PIECES = {
    "stars": lambda points, *_: triangulate(points),
    "certificate": check,
    "locate": sort_and_locate,
    "weights": lambda points, queries, _, mappings: barycentric_weights_from(queries, points, mappings, xp=jnp),
}
"""Piece -> a traceable function of what `mesh_of` gives."""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", PIECES)
def test_piece(benchmark, piece, size):
    arrays = mesh_of(size)
    program = jax.jit(PIECES[piece]).lower(*arrays).compile()
    benchmark.extra_info["peak_bytes"] = program.memory_analysis().temp_size_in_bytes
    benchmark.pedantic(lambda: jax.block_until_ready(program(*arrays)), rounds=7, warmup_rounds=1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", ["Qhull", "find_simplex"])
def test_scipy(benchmark, piece, size):
    points, queries = map(np.asarray, mesh_of(size)[:2])
    triangulation = Delaunay(points)
    run = partial(Delaunay, points) if piece == "Qhull" else partial(triangulation.find_simplex, queries)
    benchmark.pedantic(run, rounds=7, warmup_rounds=1)
