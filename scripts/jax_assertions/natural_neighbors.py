"""The check of `NaturalNeighbor`: jit, batch and NumPy agree, without a host callback, and the gradient is finite."""

import jax
import jax.numpy as jnp
import numpy as np

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.patches import patched
from knn_barycentric import NaturalNeighbor


def check_natural_neighbors(case):
    """The log evidence of two lanes equals NumPy's, a lane that is not finite stays alone, and the gradient is finite."""
    with patched(natural_neighbors=True):
        ours = Likelihood(case.lens, NaturalNeighbor)

        def log_evidence(parameters):
            return ours.evidence(parameters).log_evidence

        program = jax.jit(jax.vmap(jax.value_and_grad(log_evidence)))
        lanes = case.batch(2).at[1].set(jnp.nan)
        assert "callback" not in program.lower(lanes).as_text(), "the program has a host callback"
        values, gradients = program(lanes)
        eager = float(ours.evidence(ours.prior_medians, xp=np).log_evidence)
    difference = abs(float(values[0]) / eager - 1.0)
    assert difference <= 1.0e-8, f"the jitted log evidence is {float(values[0])}, NumPy's {eager}"
    assert np.isfinite(gradients[0]).all(), f"the gradient is {gradients[0]}"
    assert np.isnan(values[1]), f"a lane that is not finite has the log evidence {float(values[1])}"
    return f"jit and NumPy differ by {difference:.1e} (relative)"
