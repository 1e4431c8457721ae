"""The workspace around `knn_barycentric`: lenses, likelihoods, the gate and its report."""

import logging
import os

# On few cores XLA can hang for ever: its FFT waits for the thread pool that it runs on (PyAutoFit issue 1530).
_FLAG = "--xla_cpu_multi_thread_eigen"
if _FLAG not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAG}=false".strip()

logging.getLogger("jax._src.xla_bridge").setLevel(logging.WARNING)

# autolens enables fp64 and must therefore come before the first import of jax.
import autolens  # noqa: E402, F401
