"""Programs that tests share: a function is compiled once per platform and shape, a set is triangulated once per platform."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np

from delaunax import Triangulation, barycentric_weights, locate
from delaunax.platform.dispatch import platform_override
from delaunax.triangulation import triangulate_and_count

import point_sets

PLATFORMS = ("cpu", "gpu")

EDGE_QUERIES = 120
"""How many of the last queries of a set are on edges, or within one ulp of edges."""

QUERIES = point_sets.SIZE + 920
"""How many queries `queries_for` gives for a set of `point_sets.SIZE` points."""

# JAX before 0.8 has it elsewhere.
enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64


@cache
def compiled(function: Callable, platform: str = "cpu", runs_once: bool = False) -> Callable:
    """A function of arrays, compiled for a platform, with NumPy arrays as results.

    On a CPU, programs for GPUs are optimised less: they compile in 0.8 of the time, and in 0.6 of it if they run once.
    """
    options = {"xla_backend_optimization_level": 0 if runs_once else 1} if platform == "gpu" else None

    # JAX recognises a program by its function, so every platform needs one of its own.
    def of_platform(*arrays: Any) -> Any:
        return function(*arrays)

    program = jax.jit(of_platform, compiler_options=options)

    def run(*arrays: Any) -> Any:
        with platform_override(platform):
            return jax.tree.map(np.asarray, program(*arrays))

    return run


def triangulated(points: np.ndarray, platform: str = "cpu") -> Triangulation:
    """The `Triangulation` of points."""
    return compiled(triangulate_and_count, platform)(points)[0]


def exact_count(points: np.ndarray, platform: str = "cpu") -> int:
    """How many signs a CPU decides in integers, or how many stars a GPU recomputes exactly."""
    return int(compiled(triangulate_and_count, platform)(points)[1])


@cache
def triangulation_of(name: str, platform: str = "cpu", dtype: Any = np.float64) -> Triangulation:
    """The `Triangulation` of the point set of this name."""
    return triangulated(point_sets.EVERY[name].astype(dtype), platform)


def located(name: str, queries: np.ndarray, platform: str = "cpu") -> np.ndarray:
    """(Q, 3): the mappings of queries in the point set of this name."""
    return compiled(locate, platform)(triangulation_of(name, platform), point_sets.EVERY[name], queries)


def weights_of(points: np.ndarray, queries: np.ndarray, mappings: np.ndarray, platform: str = "cpu") -> np.ndarray:
    """(Q, 3): the weights of queries on the vertices of their mappings."""
    return compiled(barycentric_weights, platform)(points, queries, mappings)


def interpolation_in(points: np.ndarray, queries: np.ndarray, platform: str = "cpu") -> tuple[np.ndarray, np.ndarray]:
    """(Q, 3) mappings and weights, by the programs of most sets: points and queries are repeated up to their sizes."""
    number = len(queries)
    points = point_sets.repeated(points, max(point_sets.SIZE, len(points)))
    queries = point_sets.repeated(queries, max(QUERIES, number))
    triangulation = triangulated(points, platform)
    assert triangulation.certified
    mappings = compiled(locate, platform)(triangulation, points, queries)
    return mappings[:number], weights_of(points, queries, mappings, platform)[:number]


@cache
def queries_for(name: str) -> np.ndarray:
    """(Q, 2): all vertices, then places everywhere in and around a set, on edges, and within one ulp of edges and the hull."""
    points, simplices = point_sets.EVERY[name], triangulation_of(name).simplices
    rng, edges = np.random.default_rng(6), simplices[simplices[:, 0] >= 0][:, :2]
    if len(edges) == 0:
        edges = np.zeros((1, 2), int)
    one, other = points[edges[rng.integers(0, len(edges), EDGE_QUERIES // 2)]].swapaxes(0, 1)
    on = one + rng.choice([0.5, 0.25, 1.0 / 3.0], (len(one), 1)) * (other - one)
    ulp = np.where(rng.random(on.shape) < 0.5, np.inf, -np.inf)
    with np.errstate(under="ignore"):
        around = point_sets.queries_of(points, 150)
    return np.concatenate([points, around, on, np.nextafter(on, ulp)])
