"""What all interpolators of scattered data share: arguments, queries, other values, and the ways through JAX and pickle."""

from typing import Any, Self

import jax
import numpy as np
from jax import Array

from delaunax.arguments import (
    as_given,
    check_triangulation,
    coordinates_from,
    fill_value_from,
    points_and_queries,
    promoted,
    values_from,
)
from delaunax.interpolation.unit_box import UnitBox, unit_box_of
from delaunax.triangulation import Triangulation, triangulate


class Interpolator:
    """Values at points, to be interpolated at query points. A subclass is a pytree, and interpolates.

    Attributes
    ----------
    points, values, fill_value, triangulation
        The arrays in use: `points` are scaled to the unit square if `rescale` is true.
    kind
        Which of several interpolations, or None if there is one.
    """

    points: Array
    values: Array
    fill_value: Array | np.ndarray
    triangulation: Triangulation
    kind: str | None = None
    _box: UnitBox | None

    def __init__(self, points: Any, values: Any, fill_value: Any, rescale: bool, triangulation: Triangulation | None):
        if rescale and triangulation is not None:
            raise ValueError("`rescale` changes the triangulation; give either `rescale=True` or `triangulation`.")
        points = coordinates_from("points", points)
        if triangulation is not None:
            check_triangulation(triangulation, points)
        self.values = values_from(values, points)
        self.fill_value = fill_value_from(fill_value, self.values)
        self._box = unit_box_of(points) if rescale else None
        self.points = points if self._box is None else self._box.scaled(points)
        self.triangulation = triangulate(self.points) if triangulation is None else triangulation

    def __call__(self, query_points: Any, y: Any = None) -> Array:
        """The interpolated values at query points.

        Parameters
        ----------
        query_points
            (..., 2) float, or a tuple (x, y) of arrays that broadcast to shape (...).
        y
            Alternatively, give x and y as two arguments.

        Returns
        -------
        (..., ...) float or complex
            The axes of the queries, then the axes of one value. It is `fill_value` outside the hull, NaN where a query is not
            finite, and NaN everywhere if a point is not finite. A NumPy array if `query_points` is one.

        Raises
        ------
        ValueError, TypeError
            If the queries do not have shape (..., 2), or have a dtype that cannot be used.
        """
        given = query_points if y is None else (query_points, y)
        points, queries, shape = points_and_queries(self.points, given, self.triangulation)
        if self._box is not None:
            # Rounded as the points were, or a query at a vertex would miss it.
            queries = self._box.scaled(queries.astype(self.points.dtype)).astype(points.dtype)
        values = promoted(self.values, points.dtype)
        found = self._interpolated(points, values, self.fill_value.astype(values.dtype), queries)
        return as_given(given, found.reshape(shape + found.shape[1:]))

    def _interpolated(self, points: Array, values: Array, fill_value: Array | np.ndarray, queries: Array) -> Array:
        """The (Q, ...) values at (Q, 2) queries; all in the widest of their dtypes."""
        raise NotImplementedError

    def with_values(self, values: Any, fill_value: Any = None) -> Self:
        """The interpolator of other (N, ...) values at the same points, without a new triangulation.

        `fill_value` stays the same by default; give another one if one value has another shape.
        """
        new = self.tree_unflatten(*reversed(self.tree_flatten()))
        new.values = values_from(values, self.points)
        new.fill_value = fill_value_from(self.fill_value if fill_value is None else fill_value, new.values)
        return new

    def __repr__(self) -> str:
        """Shapes and dtypes: values are too many to read, and traced ones have none."""
        points, values = (
            f"{each.dtype}{list(each.shape)}" if hasattr(each, "dtype") else repr(each)
            for each in (self.points, self.values)
        )
        kind = "" if self.kind is None else f", kind={self.kind!r}"
        box = "" if self._box is None else ", rescale=True"
        return f"{type(self).__name__}(points={points}, values={values}{kind}, fill_value={self.fill_value}{box})"

    def __getstate__(self) -> dict[str, Any]:
        """NumPy arrays for `pickle`: JAX would load float64 arrays as float32 where it runs in float32."""
        return jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, vars(self))

    def tree_flatten(self) -> tuple[tuple[Any, ...], str | None]:
        """The arrays, for JAX."""
        return (self.points, self.values, self.fill_value, self.triangulation, self._box), self.kind

    @classmethod
    def tree_unflatten(cls, kind: str | None, children: Any) -> Self:
        """An interpolator of the arrays, or of what JAX puts in their places."""
        new = object.__new__(cls)
        new.points, new.values, new.fill_value, new.triangulation, new._box = children
        if kind is not None:
            new.kind = kind
        return new
