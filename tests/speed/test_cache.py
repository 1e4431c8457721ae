"""JAX's persistent compilation cache, which autolens turns on, holds the programs of the mesh."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import jax_profiling
import jax
import numpy as np
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens
from knn_barycentric import KNNBarycentric

hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event.endswith("/cache_hits")))
likelihood = Likelihood(lens.load("small"), KNNBarycentric)
lowered = jax.jit(getattr(likelihood, sys.argv[1])).lower(likelihood.prior_medians)
hits.clear()
program = lowered.compile()
total = sum(np.asarray(each, float).sum() for each in jax.tree.leaves(program(likelihood.prior_medians)))
print("result", any(hits), total)
"""


# The likelihood takes four times as long to compile; only the interpolation is this project's own.
@pytest.mark.parametrize("program", ["interpolation", pytest.param("evidence", marks=pytest.mark.slow)])
def test_second_process_does_not_compile(program, tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    first, second = (run(program) for _ in range(2))
    assert (first[0], second[0]) == ("False", "True")
    assert first[1] == second[1] != "nan"


def run(program):
    """Whether the cache had the program, and the sum of its results."""
    line = [sys.executable, "-c", PROGRAM, program]
    output = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    return output.rpartition("result ")[2].split()
