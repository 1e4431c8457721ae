"""A linear function that is given together with its transpose.

JAX derives the transpose of a function from its operations. It cannot do that for loops that run until they are done, or for
functions that are traced for their platform (`dispatch.by_platform`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir


def linear_map(forward: Callable, transpose: Callable, fixed: Any, vectors: Any, depends_on: Any = ()) -> Any:
    """`forward(fixed, vectors)`, which JAX can differentiate with respect to `vectors`, forwards and in reverse.

    Parameters
    ----------
    forward
        A function of two pytrees of arrays, linear in the second one.
    transpose
        `transpose(fixed, covectors)` is its transpose: from a pytree like the result to one like `vectors`.
    fixed, vectors
        The pytrees. Derivatives with respect to `fixed` are not known, which is a NotImplementedError.
    depends_on
        Arrays that `fixed` depends on although gradients stop there: the same error, not a second derivative without them.
    """
    forward, transpose = _first_of_two(forward), _first_of_two(transpose)
    fixed_tree: Any
    vectors_tree: Any
    fixed, fixed_tree = jax.tree.flatten((fixed, depends_on))
    vectors, vectors_tree = jax.tree.flatten(vectors)
    result_tree: Any = jax.tree.structure(
        jax.eval_shape(forward, fixed_tree.unflatten(fixed), vectors_tree.unflatten(vectors))
    )

    number = len(fixed)  # `run` lives as long as the program, so it must not hold traced arrays.

    def flat(function, tree):
        def run(*leaves):
            result = function(fixed_tree.unflatten(leaves[:number]), tree.unflatten(leaves[number:]))
            return jax.tree.leaves(result)

        return run

    found = _linear_map.bind(
        *fixed,
        *vectors,
        forward=flat(forward, vectors_tree),
        transpose=flat(transpose, result_tree),
        number=number,
    )
    return result_tree.unflatten(found)


def _first_of_two(function):
    return lambda fixed, vectors: function(fixed[0], vectors)


_linear_map = Primitive("linear_map")
_linear_map.multiple_results = True


@_linear_map.def_impl
def _evaluated(*leaves, forward, transpose, number):
    return forward(*leaves)


@_linear_map.def_abstract_eval
def _shapes(*leaves, forward, transpose, number):
    found = jax.eval_shape(forward, *(jax.ShapeDtypeStruct(each.shape, each.dtype) for each in leaves))
    return [jax.core.ShapedArray(each.shape, each.dtype) for each in found]


def _with_tangents(primals, tangents, *, forward, transpose, number):
    if any(type(tangent) is not ad.Zero for tangent in tangents[:number]):
        raise NotImplementedError("Second derivatives of natural neighbour weights are not implemented.")
    moved = [ad.instantiate_zeros(each) for each in tangents[number:]]
    parameters = {"forward": forward, "transpose": transpose, "number": number}
    return _linear_map.bind(*primals, **parameters), _linear_map.bind(*primals[:number], *moved, **parameters)


def _transposed(covectors, *leaves, forward, transpose, number):
    covectors = [ad.instantiate_zeros(each) for each in covectors]
    found = _linear_map.bind(*leaves[:number], *covectors, forward=transpose, transpose=forward, number=number)
    return [None] * number + found


def _batched(leaves, axes, *, forward, transpose, number):
    (size,) = {leaf.shape[axis] for leaf, axis in zip(leaves, axes, strict=True) if axis is not None}
    leaves = [leaf if axis is None else jnp.moveaxis(leaf, axis, 0) for leaf, axis in zip(leaves, axes, strict=True)]
    # Each lane gets its own vectors. With shared vectors, the transpose would have to add up all lanes.
    own = [
        jnp.broadcast_to(leaf, (size, *leaf.shape)) if axis is None else leaf
        for leaf, axis in zip(leaves[number:], axes[number:], strict=True)
    ]
    fixed_axes = [None if axis is None else 0 for axis in axes[:number]]

    def lanes(function):
        return lambda *leaves: jax.vmap(function, [*fixed_axes, *(0 for _ in leaves[number:])])(*leaves)

    found = _linear_map.bind(*leaves[:number], *own, forward=lanes(forward), transpose=lanes(transpose), number=number)
    return found, [0] * len(found)


ad.primitive_jvps[_linear_map] = _with_tangents
ad.primitive_transposes[_linear_map] = _transposed
batching.primitive_batchers[_linear_map] = _batched
mlir.register_lowering(
    _linear_map, mlir.lower_fun(lambda *leaves, forward, **_: forward(*leaves), multiple_results=True)
)
