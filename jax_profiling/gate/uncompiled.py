"""The log evidence on JAX without `jit`: for what cannot be traced, and for a few vectors with a mesh that is used once."""

import jax
import numpy as np

from jax_profiling.gate.likelihood import Likelihood


class UncompiledLikelihood(Likelihood):
    """A `Likelihood` that runs operation by operation. To compile a likelihood takes as long as ten evaluations of it do."""

    def evidences(self, parameters, batch=1):
        """The `Evidence` of (M, D) parameter vectors, one after the other; `batch` has no effect."""
        if not self.use_jax:
            return super().evidences(parameters, batch)
        found = [self.evidence(vector) for vector in parameters]
        return jax.tree.map(lambda *columns: np.stack(columns), *found)
