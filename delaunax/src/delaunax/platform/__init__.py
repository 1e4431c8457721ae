"""The code that depends on the platform: everything that a CPU does in another way than a GPU.

`cpu` and `gpu` have the same functions and constants. A CPU does rows one after the other, in few loops of machine code. A
GPU does rows in lockstep, in few launches. `platform.scatter` is `cpu.scatter` or `gpu.scatter`: attributes of this package
are looked up in the module of the platform that is traced for (`dispatch`).
"""

import warnings
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

import jax

from delaunax.platform import cpu, gpu
from delaunax.platform.dispatch import current_platform


def selected() -> ModuleType:
    """`cpu` or `gpu`. Before JAX 0.11, CPUs use `gpu` too, since XLA cannot compile all loops to one function there."""
    if current_platform() != "cpu":
        return gpu
    if not cpu.can_fuse():
        warnings.warn(
            f"JAX {jax.__version__} runs delaunax on CPUs by the algorithm for GPUs, which takes about ten times as long; "
            "install JAX 0.11.2 or newer.",
            stacklevel=2,
        )
        return gpu
    return cpu


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(selected(), name)


def choose(sequential: Any, lockstep: Any) -> Any:
    """The first on a CPU, the second on a GPU: for algorithms that differ as a whole."""
    return sequential if selected() is cpu else lockstep


def fused(function: Callable) -> Callable:
    """Make a function of arrays one function of machine code on a CPU, with all its loops in it (`cpu.call_fused`)."""

    @wraps(function)
    def run(*arrays: Any) -> Any:
        return selected().call_fused(function, arrays)

    return run
