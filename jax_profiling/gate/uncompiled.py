"""The log evidence on JAX without `jit`: for what cannot be traced, and for a few vectors with a mesh that is used once."""

from jax_profiling.gate.likelihood import Likelihood


class UncompiledLikelihood(Likelihood):
    """A `Likelihood` that runs operation by operation. To compile a likelihood takes as long as ten evaluations of it do."""

    @property
    def jitted(self):
        """`evidence`, with NaN where autolens rejects the parameters or the mesh."""
        return self._evidence_or_nan

    def evidences(self, parameters, batch=1):
        """The `Evidence` of (M, D) parameter vectors, one after the other; `batch` has no effect."""
        return super().evidences(parameters, batch=1)
