"""Trace a function for the platform that its program is compiled for.

That platform need not be JAX's default. `jax.jit(..., backend="cpu")`, `jax.default_device` and `jax.export` for several
platforms decide where a program runs when it is lowered, which is after tracing. So functions of this package that differ by
platform are JAX primitives. JAX traces them when it lowers them: once for one platform, once for each of several.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial, wraps
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

_override: ContextVar[str | None] = ContextVar("_override", default=None)
_current: ContextVar[str | None] = ContextVar("_current", default=None)


@contextmanager
def platform_override(platform: str) -> Iterator[None]:
    """Trace for this platform ("cpu" or "gpu"), whatever a program is compiled for: for tests, and to count launches.

    Programs that are compiled already are not traced again.
    """
    token = _override.set(platform)
    try:
        yield
    finally:
        _override.reset(token)


def current_platform() -> str:
    """The platform that is traced for: "cpu", or another name for one that does rows in lockstep."""
    return _override.get() or _current.get() or jax.default_backend()


def by_platform(function: Callable) -> Callable:
    """Trace a function for the platform of its program; `vmap` runs lanes in sequence on a CPU, in lockstep elsewhere.

    On a CPU, one lane fits into the cache, and its loops do not wait for the slowest lane. The function takes and returns
    pytrees of arrays. It cannot be differentiated; use `differentiable` for that.
    """

    @wraps(function)
    def run(*arrays: Any) -> Any:
        leaves, structure = jax.tree.flatten(arrays)
        flat = _flat(function, structure)
        found = _operation.bind(*leaves, function=flat)
        return jax.tree.unflatten(flat.found, varying_as(leaves, found))

    return run


def differentiable(fast: Callable, plain: Callable) -> Callable:
    """`by_platform(fast)`, differentiated as `plain`, which is the same function of arrays written for JAX's derivatives."""
    run = jax.custom_jvp(by_platform(fast))
    run.defjvp(partial(jax.jvp, plain))
    return run


def name_of(function: Any) -> str:
    """The name of a function in a compiled program."""
    while not hasattr(function, "__name__"):
        function = function.func
    return function.__name__.strip("_")


def varying_as(leaves: list, found: list) -> list:
    """Mark the results as varying over the devices over which any leaf varies, for `jax.shard_map`."""
    types = [jax.typeof(leaf) for leaf in leaves]
    # JAX before 0.11 has other names.
    axes = frozenset().union(*(each.mat.varying if hasattr(each, "mat") else each.vma for each in types))
    if not axes:
        return found
    if hasattr(lax, "pcast"):
        return [lax.pcast(each, tuple(axes), to="varying") for each in found]
    return [lax.pvary(each, tuple(axes)) for each in found]  # type: ignore[attr-defined]


class _Flat:
    """A function from leaves to leaves, and the structure of its result when it was traced."""

    def __init__(self, function: Callable, structure: Any):
        self.function, self.structure, self.__name__ = function, structure, name_of(function)
        self.found: Any = None

    def __call__(self, *leaves: Any) -> list:
        found, self.found = jax.tree.flatten(self.function(*jax.tree.unflatten(self.structure, leaves)))
        return found


# One object per function: JAX recognises by it what it has traced before.
_flat = cache(_Flat)


@cache
def _lanes(function: Callable, mapped: tuple) -> Callable:
    """The function of a batch: leaves that are `mapped` have an axis of lanes in front, the others are shared by all
    lanes."""

    def lanes(*leaves: Any) -> Any:
        # Traced for these shapes already.
        traced = _traced(function, current_platform())
        if current_platform() != "cpu":
            return jax.vmap(traced, [0 if each else None for each in mapped])(*leaves)

        def lane(rows: list) -> Any:
            own = iter(rows)
            return traced(*(next(own) if each else leaf for each, leaf in zip(mapped, leaves)))

        return lax.map(lane, [leaf for each, leaf in zip(mapped, leaves) if each])

    lanes.__name__ = name_of(function)
    return lanes


@cache
def _traced(function: Callable, platform: str) -> Callable:
    """The function for a platform, traced at most once for each shape of its leaves."""

    def traced(*leaves: Any) -> Any:
        token = _current.set(platform)
        try:
            return function(*leaves)
        finally:
            _current.reset(token)

    traced.__name__ = name_of(function)
    return jax.jit(traced)


@cache
def _alone(function: Callable) -> Callable:
    """The operation as a program of its own."""
    return jax.jit(partial(_operation.bind, function=function))


_operation = Primitive("by_platform")
_operation.multiple_results = True


@_operation.def_impl
def _evaluated(*leaves: Any, function: Callable) -> Any:
    # One step under `jax.disable_jit`, `jax.debug_nans` and `jax.debug_infs`, as JAX's own operations are. Some of its
    # results are NaN or infinite on purpose, so it is not checked; the next operation is.
    with jax.disable_jit(False), jax.debug_nans(False), jax.debug_infs(False):
        return _alone(function)(*leaves)


@_operation.def_abstract_eval
def _shapes(*leaves: Any, function: Callable) -> list:
    found = jax.eval_shape(
        _traced(function, current_platform()), *(jax.ShapeDtypeStruct(each.shape, each.dtype) for each in leaves)
    )
    return [jax.core.ShapedArray(each.shape, each.dtype) for each in found]


def _batched(leaves: Any, axes: Any, *, function: Callable) -> tuple:
    mapped = tuple(axis is not None for axis in axes)
    leaves = [jnp.moveaxis(leaf, axis, 0) if each else leaf for leaf, axis, each in zip(leaves, axes, mapped)]
    found = _operation.bind(*leaves, function=_lanes(function, mapped))
    return found, [0] * len(found)


def _lowered(platform: str, context: Any, *leaves: Any, function: Callable) -> Any:
    # The function's loops would need to know along which mesh axes the leaves vary, so that is dropped here.
    context = context.replace(avals_in=[jax.core.ShapedArray(each.shape, each.dtype) for each in context.avals_in])
    return mlir.lower_fun(_traced(function, _override.get() or platform), multiple_results=True)(context, *leaves)


batching.primitive_batchers[_operation] = _batched
mlir.register_lowering(_operation, partial(_lowered, "gpu"))
mlir.register_lowering(_operation, partial(_lowered, "cpu"), platform="cpu")
