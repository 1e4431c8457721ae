"""Time triangulation, location and weights as the number of points grows, next to SciPy (Qhull) and Triangle.

    .venv/bin/python -m pytest -o addopts=--import-mode=importlib delaunax/benchmarks/pieces.py

Points are uniform in a disc, clustered, or lensed (a singular map folds the disc onto itself). There are 8 queries per point.
Triangle is Shewchuk's C code, from the package `triangle`. `--benchmark-json FILE` saves the figures.
"""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import triangle
from scipy.spatial import Delaunay

from delaunax import barycentric_weights, locate, triangulate

jax.config.update("jax_enable_x64", True)

SIZES = (1000, 4000, 16000, 32000, 64000)
QUERIES_PER_POINT = 8
LANES = 20


def disc(rng, number, radius=1.0):
    angle, distance = 2.0 * np.pi * rng.random(number), radius * np.sqrt(rng.random(number))
    return np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=1)


def clustered(rng, number):
    return disc(rng, 32)[rng.integers(0, 32, number)] + 0.02 * rng.standard_normal((number, 2))


def lensed(rng, number):
    points = disc(rng, number, 2.2)
    return points * (1.0 - 1.6 / np.linalg.norm(points, axis=1, keepdims=True)) + [0.05, 0.02] * points[:, ::-1]


DISTRIBUTIONS = {"uniform": disc, "clustered": clustered, "lensed": lensed}


@cache
def case_of(distribution, size):
    """Points, queries, triangulation and mappings, as JAX arrays. Some queries are outside the hull."""
    rng = np.random.default_rng(size)
    points = jnp.asarray(DISTRIBUTIONS[distribution](rng, size))
    low, high = points.min(axis=0), points.max(axis=0)
    queries = low + (high - low) * (1.05 * rng.random((QUERIES_PER_POINT * size, 2)) - 0.025)
    triangulation = jax.jit(triangulate)(points)
    assert triangulation.certified
    return points, queries, triangulation, jax.jit(locate)(triangulation, points, queries)


PIECES = {
    "triangulate": lambda points, *_: triangulate(points),
    "locate": lambda points, queries, triangulation, _: locate(triangulation, points, queries),
    "weights": lambda points, queries, _, mappings: barycentric_weights(points, queries, mappings),
}
"""Piece -> a traceable function of the arrays of `case_of`."""

BY_SIZE = [("uniform", size) for size in SIZES] + [(name, 4000) for name in ("clustered", "lensed")]


def measure(benchmark, run, rounds=7):
    benchmark.pedantic(run, rounds=rounds, warmup_rounds=1)


@pytest.mark.parametrize("distribution, size", BY_SIZE)
@pytest.mark.parametrize("piece", PIECES)
def test_piece(benchmark, piece, distribution, size):
    arrays = case_of(distribution, size)
    program = jax.jit(PIECES[piece]).lower(*arrays).compile()
    benchmark.extra_info["peak_bytes"] = program.memory_analysis().temp_size_in_bytes
    measure(benchmark, lambda: jax.block_until_ready(program(*arrays)))


@pytest.mark.parametrize("distribution, size", [("uniform", 1000), ("uniform", 4000)])
def test_lanes(benchmark, distribution, size):
    """`LANES` triangulations under vmap. The figure is the time of the whole batch."""
    points = case_of(distribution, size)[0]
    lanes = points + 0.01 * np.random.default_rng(0).standard_normal((LANES, *points.shape))
    program = jax.jit(jax.vmap(triangulate)).lower(lanes).compile()
    measure(benchmark, lambda: jax.block_until_ready(program(lanes)), rounds=5)


@pytest.mark.parametrize("distribution, size", BY_SIZE)
@pytest.mark.parametrize("piece", ["Qhull", "find_simplex", "Triangle"])
def test_peer(benchmark, piece, distribution, size):
    points, queries = map(np.array, case_of(distribution, size)[:2])
    if piece == "Triangle":
        measure(benchmark, partial(triangle.triangulate, {"vertices": points}))
    elif piece == "Qhull":
        measure(benchmark, partial(Delaunay, points))
    else:
        measure(benchmark, partial(Delaunay(points).find_simplex, queries))
