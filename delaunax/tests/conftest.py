"""fp64 for every test that does not say otherwise, set before any array is made."""

import os

# On few cores, XLA's thread pool can wait for itself forever.
if "--xla_cpu_multi_thread_eigen" not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()

import jax  # noqa: E402
import pytest  # noqa: E402

from delaunax.platform.dispatch import platform_override  # noqa: E402

jax.config.update("jax_enable_x64", True)


@pytest.fixture(autouse=True)
def _no_dtype_promoted_by_accident():
    """An int32 mixed with an int64, or a bool with a number, would be converted at every step of a compiled loop."""
    with jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture(params=["cpu", "gpu"])
def on_platform(request):
    """Trace for one platform, then for the other. Compiled programs keep their platform: use functions of the test's own,
    or `programs.compiled`."""
    with platform_override(request.param):
        yield request.param
