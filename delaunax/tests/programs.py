"""Programs that tests share: a function is compiled once per platform and shape, a set is triangulated once per platform."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np

from delaunax import Triangulation, locate, triangulate
from delaunax.platform.dispatch import platform_override

import point_sets

PLATFORMS = ("cpu", "gpu")


@cache
def compiled(function: Callable, platform: str = "cpu") -> Callable:
    """A function of arrays, compiled for a platform, with NumPy arrays as results."""

    # JAX recognises a program by its function, so every platform needs one of its own.
    def of_platform(*arrays: Any) -> Any:
        return function(*arrays)

    program = jax.jit(of_platform)

    def run(*arrays: Any) -> Any:
        with platform_override(platform):
            return jax.tree.map(np.asarray, program(*arrays))

    return run


@cache
def triangulation_of(name: str, platform: str = "cpu", dtype: Any = np.float64) -> Triangulation:
    """The `Triangulation` of the point set of this name."""
    return compiled(triangulate, platform)(point_sets.EVERY[name].astype(dtype))


def located(name: str, queries: np.ndarray, platform: str = "cpu") -> np.ndarray:
    """The mappings of queries in the point set of this name."""
    points, triangulation = point_sets.EVERY[name], triangulation_of(name, platform)
    return compiled(locate, platform)(triangulation, points, queries)
