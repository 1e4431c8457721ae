"""JAX's persistent compilation cache, which autolens turns on, holds the likelihood."""

import subprocess
import sys

PROGRAM = """
import jax_profiling
import jax
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens
from knn_barycentric import KNNBarycentric

hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event.endswith("/cache_hits")))
likelihood = Likelihood(lens.load("small"), KNNBarycentric)
lowered = jax.jit(likelihood.evidence).lower(likelihood.prior_medians)
hits.clear()
program = lowered.compile()
print("result", any(hits), program(likelihood.prior_medians).log_evidence)
"""


def test_second_process_does_not_compile(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    first, second = (_run() for _ in range(2))
    assert (first[0], second[0]) == ("False", "True")
    assert first[1] == second[1]


def _run():
    """Whether the cache had the likelihood, and the log evidence."""
    output = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    return output.rpartition("result ")[2].split()
