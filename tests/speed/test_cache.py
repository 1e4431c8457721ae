"""A second process takes the likelihood from JAX's persistent compilation cache, which autolens turns on."""

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
lowered.compile()
found = any(hits)
print("found", found, likelihood.jitted(likelihood.prior_medians).log_evidence)
"""


def test_a_second_process_does_not_compile_again(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    first, second = (_run() for _ in range(2))
    assert (first[0], second[0]) == ("False", "True")
    assert first[1] == second[1]


def _run():
    """Whether the likelihood was in the cache, and its log evidence."""
    output = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    return output.rpartition("found ")[2].split()
