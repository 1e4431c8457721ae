"""JAX's persistent compilation cache, which autolens turns on, holds the programs of the mesh."""

import subprocess
import sys

import numpy as np
import pytest

from jax_profiling.gate.likelihood import Likelihood
from knn_barycentric import KNNBarycentric

COMPILE = """
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event.endswith("/cache_hits")))
lowered = jax.jit(function).lower(*arrays)
hits.clear()
program = lowered.compile()
total = sum(np.asarray(each, float).sum() for each in jax.tree.leaves(program(*arrays)))
print("result", any(hits), total)
"""

INTERPOLATION = """
import sys
import jax
import numpy as np
import delaunax

arrays = [np.load(path) for path in sys.argv[1:]]

def function(points, queries):
    mappings = delaunax.locate(delaunax.triangulate(points), points, queries)
    return mappings, delaunax.barycentric_weights(points, queries, mappings)
"""
"""What the mesh computes. This program does not import autolens, which would take longer than the rest."""

LIKELIHOOD = """
import jax_profiling
import jax
import numpy as np
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens
from knn_barycentric import KNNBarycentric

likelihood = Likelihood(lens.load("small"), KNNBarycentric)
function, arrays = likelihood.evidence, [likelihood.prior_medians]
"""


def test_second_process_does_not_compile_the_interpolation(small, tmp_path, monkeypatch):
    interpolator = Likelihood(small, KNNBarycentric).mapper(small.model.physical_values_from_prior_medians).interpolator
    points, queries = tmp_path / "points.npy", tmp_path / "queries.npy"
    np.save(points, interpolator.mesh_grid_xy)
    np.save(queries, interpolator.data_grid.over_sampled.array)
    # As autolens sets them.
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "1")
    compiles_once(INTERPOLATION, tmp_path / "cache", monkeypatch, points, queries)


@pytest.mark.slow(reason="compiles a likelihood")
def test_second_process_does_not_compile_the_likelihood(tmp_path, monkeypatch):
    compiles_once(LIKELIHOOD, tmp_path / "cache", monkeypatch)


def compiles_once(code, cache, monkeypatch, *arguments):
    """Check that a second process finds the program of a first one, and has its results."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(cache))
    line = [sys.executable, "-c", code + COMPILE, *map(str, arguments)]
    first, second = (
        subprocess.run(line, capture_output=True, text=True, check=True).stdout.rpartition("result ")[2].split()
        for _ in range(2)
    )
    assert (first[0], second[0]) == ("False", "True")
    assert first[1] == second[1] != "nan"
