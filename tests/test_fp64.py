"""`jax_profiling` gives fp64, whatever was imported before."""

import os
import subprocess
import sys
from pathlib import Path


def test_a_caller_may_import_jax_first():
    environment = {name: value for name, value in os.environ.items() if name != "JAX_ENABLE_X64"}
    code = "import jax, jax_profiling; print(jax.numpy.zeros(1).dtype)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1], env=environment
    )
    assert ran.stdout.split() == ["float64"], ran.stderr
