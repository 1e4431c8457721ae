"""The workspace around `knn_barycentric`: lenses, likelihoods, the gate and its report."""

import importlib.util
import logging
import os
import pkgutil
import sys

# On few cores XLA can hang for ever: its FFT waits for the thread pool that it runs on (PyAutoFit issue 1530).
_FLAG = "--xla_cpu_multi_thread_eigen"
if _FLAG not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAG}=false".strip()

logging.getLogger("jax._src.xla_bridge").setLevel(logging.WARNING)

# autolens enables fp64 and must therefore come before the first import of jax.
import autolens  # noqa: E402, F401

if importlib.util.find_spec("knn_barycentric") is None:
    # An autoarray that has taken the patch brings the mesh along, under a name of its own.
    from autoarray.inversion.mesh import knn_barycentric

    sys.modules["knn_barycentric"] = knn_barycentric
    for _, name, _ in pkgutil.iter_modules(knn_barycentric.__path__):
        sys.modules[f"knn_barycentric.{name}"] = importlib.import_module(f"{knn_barycentric.__name__}.{name}")
