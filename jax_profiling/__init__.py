"""The workspace around `knn_barycentric`: lenses, the gate, proofs, speed probes and sweeps.

Importing this package sets up JAX: fp64, the compilation cache, and a workaround on CPUs.
"""

import importlib.util
import logging
import os
import pkgutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The root of the repository."""

# On few cores XLA can hang: its FFT waits for the thread pool that it runs on (PyAutoFit issue 1530).
_FLAG = "--xla_cpu_multi_thread_eigen"
if _FLAG not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAG}=false".strip()

logging.getLogger("jax._src.xla_bridge").setLevel(logging.WARNING)

# autolens enables fp64, so it must come before the first import of jax.
import autolens  # noqa: E402, F401

if "jax" in sys.modules:
    # A caller that imported jax first, such as a plugin of pytest, would get fp32 and a verdict on it.
    sys.modules["jax"].config.update("jax_enable_x64", True)

if importlib.util.find_spec("knn_barycentric") is None:
    # A patched autoarray contains the mesh under another name.
    from autoarray.inversion.mesh import knn_barycentric

    sys.modules["knn_barycentric"] = knn_barycentric
    for _, name, _ in pkgutil.iter_modules(knn_barycentric.__path__):
        sys.modules[f"knn_barycentric.{name}"] = importlib.import_module(f"{knn_barycentric.__name__}.{name}")
