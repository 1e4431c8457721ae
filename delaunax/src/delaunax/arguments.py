"""A caller's arguments become arrays, or an error that names the argument and the fix."""

from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax.arithmetic.scaling import in_dtype


def coordinates_from(name: str, coordinates: Any, least: int = 1) -> Array:
    """(M, 2) floating-point coordinates.

    Parameters
    ----------
    name
        The argument's name, for error messages.
    coordinates
        An array or list of shape (M, 2), or a tuple (x, y) of arrays that broadcast to shape (M,). Float32 and float64 keep
        their dtype, in either byte order. Lists and integers become JAX's default float.
    least
        The smallest M that is allowed.

    Raises
    ------
    ValueError
        If the shape is another one, the array is masked, or an integer has no exact float. A traced integer without an exact
        float becomes NaN instead.
    TypeError
        If the dtype is neither float32 nor float64 nor an integer, or is float64 while JAX runs in float32.
    """
    array = _floats_from(name, coordinates)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < least:
        batch = ", and call the function under jax.vmap for a batch" if array.ndim == 3 and array.shape[-1] == 2 else ""
        raise ValueError(
            f"`{name}` has shape {array.shape}; give coordinates of shape (number, 2){_AT_LEAST[least]}{batch}."
        )
    return array


_AT_LEAST = {0: "", 1: ", with at least one row"}


def points_and_queries(points: Any, query_points: Any, *triangulation: Any) -> tuple[Array, Array, tuple[int, ...]]:
    """(N, 2) points and (Q, 2) query points in the wider of their dtypes, and the shape (...) of (..., 2) query points.

    Float32 values are exact in float64, so the wider points have the same triangulation. If a triangulation is given, it must
    have as many vertices as there are points.

    Raises
    ------
    ValueError, TypeError
        As `coordinates_from`, `queries_from` and `check_triangulation`.
    """
    for each in triangulation:
        check_triangulation(each)
    points = coordinates_from("points", points)
    for each in triangulation:
        check_triangulation(each, points)
    queries = queries_from("query_points", query_points)
    dtype = _widest_dtype(points, queries, *(each.tree.points for each in triangulation))
    return in_dtype(points, dtype), in_dtype(queries, dtype).reshape(-1, 2), queries.shape[:-1]


def queries_from(name: str, query_points: Any) -> Array:
    """(..., 2) floating-point coordinates, from what `coordinates_from` takes, with any number of axes in front."""
    queries = _floats_from(name, query_points)
    if queries.ndim == 0 or queries.shape[-1] != 2:
        raise ValueError(
            f"`{name}` has shape {queries.shape}; give coordinates of shape (..., 2), or a tuple (x, y) of arrays."
        )
    return queries


def values_from(values: Any, points: Array) -> Array:
    """(N, ...) values at (N, 2) points: complex, or floats at least as wide as the points (integers: as JAX's default)."""
    array = array_from("values", values)
    if not (_is_number(array) or array.dtype == bool):
        raise TypeError(f"`values` has dtype {array.dtype}; give real or complex numbers in double precision at most.")
    if array.ndim == 0 or len(array) != len(points):
        raise ValueError(
            f"`values` has shape {array.shape}, but there are {len(points)} points; give one value per point."
        )
    if not jnp.issubdtype(array.dtype, jnp.inexact):
        array = promoted(array, jnp.result_type(float))
    return promoted(array, points.dtype)


def fill_value_from(fill_value: Any, values: Array) -> Array | np.ndarray:
    """A float or complex number, or an array of the shape of one of the (N, ...) values."""
    shape = values.shape[1:]
    fix = "give a number" + (f", or an array of shape {shape}" if shape else "")
    try:
        array = array_from("fill_value", fill_value)
    except ValueError:
        array = np.asarray(None)
    if not _is_number(array):
        raise TypeError(f"`fill_value` is {fill_value!r}; {fix}.")
    if jnp.iscomplexobj(array) and not jnp.iscomplexobj(values):
        raise TypeError("`fill_value` is complex but `values` are real; give a real `fill_value`, or complex values.")
    if array.shape not in ((), shape):
        raise ValueError(f"`fill_value` has shape {array.shape}, and one value has shape {shape}; {fix}.")
    # A NumPy array stays one: as a JAX array, a NaN would be an error under `jax.debug_nans`.
    return promoted(array, jnp.result_type(float), np if isinstance(array, np.ndarray) else jnp)


def _is_number(array):
    largest = 16 if jnp.iscomplexobj(array) else 8
    return jnp.issubdtype(array.dtype, jnp.number) and array.dtype.itemsize <= largest


def promoted(array: Any, dtype: Any, xp: Any = jnp) -> Array:
    """An array of NumPy's or JAX's in the dtype that holds both its own numbers and floats of `dtype`."""
    with jax.numpy_dtype_promotion("standard"):
        # By NumPy if it is NumPy's: JAX would cut large integers first, and read subnormal numbers as zero.
        return xp.asarray(array.astype(jnp.result_type(array, dtype)))


def check_triangulation(triangulation: Any, points: Array | None = None) -> None:
    """Raise an error unless an argument is one `Triangulation`, of these (N, 2) points if they are given.

    Points are compared if the triangulation has NumPy arrays and nothing is traced; a comparison of JAX arrays would wait for
    the device. Otherwise only their number is.
    """
    if not hasattr(triangulation, "vertex_simplex"):
        raise TypeError(
            f"`triangulation` is of type {type(triangulation).__name__}; "
            "give what `triangulate` returned, before any points."
        )
    if np.ndim(triangulation.simplices) == 3:
        raise ValueError(
            f"`triangulation` is a batch of {len(triangulation.simplices)}; give one, or call the function under jax.vmap."
        )
    _check_precision("triangulation", triangulation.tree.points.dtype)
    shape = triangulation.vertex_simplex.shape
    if points is not None and shape != (len(points),):
        vertices = shape[-1] if len(shape) == 1 else shape
        raise ValueError(
            f"`points` has {len(points)} rows but `triangulation` has {vertices} vertices; "
            "give the points that were triangulated."
        )
    vertices = triangulation.tree.unscaled
    if points is None or not isinstance(vertices, np.ndarray) or _is_traced(points):
        return
    # NumPy compares float32 and float64 exactly, so the same points may be given in the other precision.
    if not np.array_equal(np.asarray(points), vertices, equal_nan=True):
        raise ValueError("`points` are not those of `triangulation`; give the points that were triangulated.")


def as_given(argument: Any, result: Any) -> Any:
    """A pytree of results, as NumPy arrays if the argument was given as NumPy arrays and nothing is traced."""
    parts = argument if type(argument) is tuple else (argument,)
    from_numpy = any(isinstance(part, np.ndarray | np.generic) for part in parts)
    from_jax = any(isinstance(part, jax.Array) for part in parts)
    if from_jax or not from_numpy or any(map(_is_traced, jax.tree.leaves(result))):
        return result
    return jax.tree.map(np.asarray, result)


def _floats_from(name, given):
    """A JAX array of floats; a tuple (x, y) is stacked along a new last axis."""
    if isinstance(given, tuple):
        return _stacked(name, given)
    array = array_from(name, given)
    if jnp.issubdtype(array.dtype, jnp.integer):
        return _floats_from_integers(name, array)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"`{name}` has dtype {array.dtype}; give float32 or float64 coordinates.")
    if isinstance(given, list | float):
        return jnp.asarray(array, jnp.result_type(float))
    _check_precision(name, array.dtype)
    return jnp.asarray(array)


def _check_precision(name, dtype):
    if dtype == np.float64 and not jax.config.jax_enable_x64:
        raise TypeError(
            f"`{name}` is float64 but JAX runs in float32; "
            "set jax.config.update('jax_enable_x64', True) before anything else, or cast to float32."
        )


def _stacked(name, given):
    if len(given) != 2:
        raise ValueError(f"`{name}` is a tuple of {len(given)}; give a tuple (x, y), or an array of shape (number, 2).")
    columns = [_floats_from(name, each) for each in given]
    try:
        dtype = _widest_dtype(*columns)
        return jnp.stack(jnp.broadcast_arrays(*(each.astype(dtype) for each in columns)), axis=-1)
    except ValueError:
        x, y = (each.shape for each in columns)
        raise ValueError(f"`{name}` is a tuple of shapes {x} and {y}; give (x, y) whose shapes broadcast.") from None


def array_from(name, given):
    """A NumPy or JAX array of whatever is given, in the byte order of the machine."""
    if isinstance(given, np.ma.MaskedArray):
        raise ValueError(f"`{name}` is a masked array; give an array of the rows that are not masked.")
    if isinstance(given, jax.Array):
        return given
    try:
        array = np.asarray(given)
    except jax.errors.TracerArrayConversionError:
        return jnp.asarray(given)
    except ValueError:
        _raise_ragged(name)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _raise_ragged(name) -> NoReturn:
    raise ValueError(f"`{name}` has rows of different lengths; give an array.") from None


def _floats_from_integers(name, integers):
    dtype = jnp.result_type(float)
    # A concrete array is compared by NumPy, also inside `jit`.
    xp, integers = (jnp, integers) if _is_traced(integers) else (np, np.asarray(integers))
    floats = integers.astype(dtype)
    # The largest integers round up to a power of two that their own dtype cannot hold.
    in_range = floats < 2.0 ** (jnp.iinfo(integers.dtype).bits - int(jnp.issubdtype(integers.dtype, jnp.signedinteger)))
    exact = in_range & (xp.where(in_range, floats, xp.zeros_like(floats)).astype(integers.dtype) == integers)
    if _is_traced(integers):
        return jnp.where(exact, floats, jnp.nan)
    if not exact.all():
        raise ValueError(
            f"`{name}` has the integer {integers[~exact][0]}, which {dtype} cannot hold; subtract an offset, or give floats."
        )
    return jnp.asarray(floats)


def _widest_dtype(*arrays):
    return max((each.dtype for each in arrays), key=lambda dtype: dtype.itemsize)


def _is_traced(array):
    return isinstance(array, jax.core.Tracer)
