"""Barycentric weights of query points on the vertices that `location.locate` found."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arithmetic.scaling import largest_exponent, power_of_two
from delaunax.arithmetic.triangle import doubled_areas_from, squared
from delaunax.platform import backend
from delaunax.platform.dispatch import differentiable
from delaunax.platform.indexing import gather
from delaunax.triangulation import coordinates_from


def barycentric_weights(points: Any, query_points: Any, mappings: Any) -> Array:
    """The barycentric weights of every query point, differentiable with respect to queries and vertices.

    Parameters
    ----------
    points
        (N, 2) float, the vertices.
    query_points
        (Q, 2) float, the query points.
    mappings
        (Q, 3) int, the vertices from `location.locate`: a triangle, or [vertex, -1, -1], or [-1, -1, -1].

    Returns
    -------
    (Q, 3) float
        Weights in [0, 1] with rows that sum to 1; [1, 0, 0] for a query outside the hull; NaN for a query without
        any vertex (one that is not finite). In a triangle that is thinner than the square root of the machine epsilon times
        its longest edge they are those of the place along that edge, for areas there are mostly rounding.

    Raises
    ------
    ValueError, TypeError
        If the coordinates are not (M, 2) arrays of a dtype that `triangulate` takes.
    """
    as_numpy = isinstance(query_points, np.ndarray)
    points, query_points = coordinates_from("points", points), coordinates_from("query_points", query_points, least=0)
    weights = _weights(points, query_points, jnp.asarray(mappings))
    return np.asarray(weights) if as_numpy else weights  # type: ignore[return-value]


def _weights_from(points, query_points, mappings):
    factor = _factor_of(lax.stop_gradient(points))
    points, query_points = points * factor, query_points * factor
    a, b, c = (gather(points, mappings[:, k]) for k in range(3))
    # Not `abs`: its derivative is zero at a query on an edge, where the weight still grows to one side.
    doubled = [jnp.where(each < 0.0, -each, each) for each in doubled_areas_from(query_points, a, b, c)]
    total = doubled[0] + doubled[1] + doubled[2]
    inside = mappings[:, 1] >= 0
    lengths = squared(b - c), squared(c - a), squared(a - b)
    longest = jnp.maximum(jnp.maximum(*lengths[:2]), lengths[2])
    triangle = inside & (total > 0.0)
    areas = [each / jnp.where(triangle, total, 1.0) for each in doubled]
    # In a triangle as thin as this, areas say less of where on it a query is than the place along its longest edge does.
    thin = inside & (total < longest * np.sqrt(jnp.finfo(total.dtype).eps))
    weights = [
        jnp.where(thin, on_line, jnp.where(triangle, area, alone))
        for on_line, area, alone in zip(
            _weights_on_line(query_points, (a, b, c), lengths, longest, thin), areas, (1.0, 0.0, 0.0), strict=True
        )
    ]
    return jnp.where(mappings[:, :1] < 0, jnp.nan, jnp.stack(weights, axis=1))


def _weights_on_line(query_points, corners, lengths, longest, thin):
    """Those of triangles that are thin: on the two corners between which a query is, along the longest edge."""
    at_a, at_b = lengths[0] == longest, lengths[1] == longest

    def pick(of_a, of_b, of_c):
        """What belongs to the corner opposite the longest edge."""
        return jnp.where(at_a, of_a, jnp.where(at_b, of_b, of_c))

    (xa, ya), (xb, yb), (xc, yc) = ((each[:, 0], each[:, 1]) for each in corners)
    x, y = pick(xb, xc, xa), pick(yb, yc, ya)
    dx, dy = pick(xc, xa, xb) - x, pick(yc, ya, yb) - y
    unit = jnp.where(thin, pick(*lengths), 1.0)
    between = ((pick(xa, xb, xc) - x) * dx + (pick(ya, yb, yc) - y) * dy) / unit
    along = jnp.clip(((query_points[:, 0] - x) * dx + (query_points[:, 1] - y) * dy) / unit, 0.0, 1.0)
    before, behind = between > 0.0, between < 1.0
    first = jnp.maximum(between - along, 0.0) / jnp.where(before, between, 1.0)
    last = jnp.maximum(along - between, 0.0) / jnp.where(behind, 1.0 - between, 1.0)
    middle = 1.0 - first - last
    return pick(middle, last, first), pick(first, middle, last), pick(last, first, middle)


_weights = differentiable(backend.fused(_weights_from), plain=_weights_from)


def _factor_of(points):
    """() float: a power of two that brings points to order one, so that products of their coordinates stay in range."""
    info = jnp.finfo(points.dtype)
    power = -(largest_exponent(points) + np.int32(info.nmant))
    return power_of_two(jnp.minimum(power, np.int32(info.maxexp - 1)), points.dtype)
