"""A function is traced for the platform that its program is compiled for, which need not be the one that JAX takes by default.

`jax.jit(..., backend="cpu")`, `jax.default_device` and `jax.export` for several platforms settle where a program runs when it
is lowered, after it was traced. So the functions of this package whose work differs by platform are operations of their own to
JAX, which are traced where it lowers them: once for one platform, once for each of several.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import cache, partial, wraps
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

forced: str | None = None
"""The platform to trace for whatever a program is compiled for, to test or to count what is done on another one."""

_current: ContextVar[str | None] = ContextVar("_current", default=None)


def platform() -> str:
    """The platform that is traced for: "cpu", or any other name for one that does rows together."""
    return forced or _current.get() or jax.default_backend()


def by_platform(function: Callable) -> Callable:
    """Trace a function for the platform of its program; `vmap` runs its lanes one after the other on a CPU, together elsewhere.

    A lane alone stays in the cache, and its loops end without waiting for those of the slowest. The function takes and gives
    pytrees of arrays, and may not be differentiated with respect to its arguments: for that there is `differentiable`.
    """

    @wraps(function)
    def run(*arrays: Any) -> Any:
        leaves, structure = jax.tree.flatten(arrays)
        flat = _flat(function, structure)
        found = _operation.bind(*leaves, function=flat)
        return jax.tree.unflatten(flat.found, _varying_as(leaves, found))

    return run


def differentiable(fast: Callable, plain: Callable) -> Callable:
    """`by_platform(fast)`, which is differentiated as `plain`: another way to write the same function of arrays."""
    run = jax.custom_jvp(by_platform(fast))
    run.defjvp(partial(jax.jvp, plain))
    return run


def name_of(function: Any) -> str:
    """What a function is called in a compiled program."""
    while not hasattr(function, "__name__"):
        function = function.func
    return function.__name__.strip("_")


def _varying_as(leaves: list, found: list) -> list:
    """What was found, which differs from device to device where any of the leaves does: `jax.shard_map` has to know."""
    types = [jax.typeof(leaf) for leaf in leaves]
    # JAX before 0.11 has other names.
    axes = frozenset().union(*(each.mat.varying if hasattr(each, "mat") else each.vma for each in types))
    if not axes:
        return found
    if hasattr(lax, "pcast"):
        return [lax.pcast(each, tuple(axes), to="varying") for each in found]
    return [lax.pvary(each, tuple(axes)) for each in found]  # type: ignore[attr-defined]


class _Flat:
    """A function of leaves that gives leaves, and the structure of what it gave when it was traced."""

    def __init__(self, function: Callable, structure: Any):
        self.function, self.structure, self.__name__ = function, structure, name_of(function)
        self.found: Any = None

    def __call__(self, *leaves: Any) -> list:
        found, self.found = jax.tree.flatten(self.function(*jax.tree.unflatten(self.structure, leaves)))
        return found


# One object for the same function, by which JAX tells whether it has traced it.
_flat = cache(_Flat)


@cache
def _lanes(function: Callable, mapped: tuple) -> Callable:
    """The function of a batch: of leaves that are `mapped` along their first axis, and others that all lanes share."""

    def lanes(*leaves: Any) -> Any:
        # As it was traced for its shapes, and not once more.
        traced = _traced(function, platform())
        if platform() != "cpu":
            return jax.vmap(traced, [0 if each else None for each in mapped])(*leaves)

        def lane(rows: list) -> Any:
            own = iter(rows)
            return traced(*(next(own) if each else leaf for each, leaf in zip(mapped, leaves)))

        return lax.map(lane, [leaf for each, leaf in zip(mapped, leaves) if each])

    lanes.__name__ = name_of(function)
    return lanes


@cache
def _traced(function: Callable, platform: str) -> Callable:
    """The function, traced for a platform at most once for each shape of its leaves."""

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
    # One step where `jax.disable_jit` or `jax.debug_nans` has JAX go step by step, as its own operations are. It is not
    # asked for what is not finite, which some of its results are on purpose: the next step is.
    with jax.disable_jit(False), jax.debug_nans(False), jax.debug_infs(False):
        return _alone(function)(*leaves)


@_operation.def_abstract_eval
def _shapes(*leaves: Any, function: Callable) -> list:
    found = jax.eval_shape(
        _traced(function, platform()), *(jax.ShapeDtypeStruct(each.shape, each.dtype) for each in leaves)
    )
    return [jax.core.ShapedArray(each.shape, each.dtype) for each in found]


def _batched(leaves: Any, axes: Any, *, function: Callable) -> tuple:
    mapped = tuple(axis is not None for axis in axes)
    leaves = [jnp.moveaxis(leaf, axis, 0) if each else leaf for leaf, axis, each in zip(leaves, axes, mapped)]
    found = _operation.bind(*leaves, function=_lanes(function, mapped))
    return found, [0] * len(found)


def _lowered(platform: str, context: Any, *leaves: Any, function: Callable) -> Any:
    # On which axes of a mesh the leaves differ is nothing to the function, whose loops would have to be told.
    context = context.replace(avals_in=[jax.core.ShapedArray(each.shape, each.dtype) for each in context.avals_in])
    return mlir.lower_fun(_traced(function, forced or platform), multiple_results=True)(context, *leaves)


batching.primitive_batchers[_operation] = _batched
mlir.register_lowering(_operation, partial(_lowered, "gpu"))
mlir.register_lowering(_operation, partial(_lowered, "cpu"), platform="cpu")
