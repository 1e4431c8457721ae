"""Barycentric weights of query points on the vertices that `location.locate` found."""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arguments import array_from, as_given, points_and_queries
from delaunax.arithmetic import double_double
from delaunax.arithmetic.scaling import factor_to_order_one, largest_exponent, scaled_differentiably, times_power_of_two
from delaunax.arithmetic.triangle import dot, doubled_areas_from, squared
from delaunax.platform.dispatch import differentiable
from delaunax.platform.indexing import gather


def barycentric_weights(points: Any, query_points: Any, mappings: Any) -> Array:
    """The barycentric weights of every query point, differentiable with respect to queries and vertices.

    The weights of a query inside its triangle are right to a few machine epsilons times the conditioning of the triangle. Where
    that exceeds one over the square root of an epsilon, they are right to a few machine epsilons. In triangles thinner than an
    epsilon, the error grows to the square root of an epsilon. Two cases have the weights of the nearest place on the triangle's
    edges: triangles thinner than an epsilon to the power of 3/2, and queries that rounding has put just outside their triangle.

    Parameters
    ----------
    points
        (N, 2) float, the vertices.
    query_points
        (..., 2) float, the query points, or a tuple (x, y) of arrays that broadcast to shape (...).
    mappings
        (..., 3) int, the vertices from `location.locate`: a triangle, or [vertex, -1, -1], or [-1, -1, -1].

    Returns
    -------
    (..., 3) float
        Weights in [0, 1] with rows that sum to 1; [1, 0, 0] for a query outside the hull; NaN for a query without
        any vertex (one that is not finite).

    Raises
    ------
    ValueError, TypeError
        If an argument has a wrong shape, or a dtype that `triangulate` does not take.
    """
    points, queries, shape = points_and_queries(points, query_points)
    mappings = array_from("mappings", mappings)
    if mappings.shape != (*shape, 3):
        raise ValueError(
            f"`mappings` has shape {mappings.shape}, but `query_points` has shape {(*shape, 2)}; "
            "give what `locate` returned for the same queries."
        )
    if not jnp.issubdtype(mappings.dtype, jnp.integer):
        raise TypeError(f"`mappings` has dtype {mappings.dtype}; give the integers that `locate` returned.")
    if len(queries) == 0:
        return as_given(query_points, jnp.zeros((*shape, 3), points.dtype))
    weights = _weights(points, queries, jnp.asarray(mappings).reshape(-1, 3))
    return as_given(query_points, weights.reshape(*shape, 3))


def _weights_from(primitives, points, query_points, mappings):
    inside = mappings[:, 1] >= 0
    points, query_points = _scaled_along_axes(primitives, points, query_points)
    a, b, c = (gather(points, mappings[:, k]) for k in range(3))
    # Where there is no triangle, the query counts as its vertex: far away or not finite, it must not reach any derivative.
    query_points = jnp.where(inside[:, None], query_points, a)
    # Rounding can put a query on an edge just outside. Its areas are positive there, but change as the signed ones do.
    signed = doubled_areas_from(query_points, a, b, c)
    doubled = [jnp.where(each < 0.0, each - 2.0 * lax.stop_gradient(each), each) for each in signed]
    total = doubled[0] + doubled[1] + doubled[2]
    longest = jnp.maximum(jnp.maximum(squared(b - c), squared(c - a)), squared(a - b))
    # In a triangle as thin as this, rounding of the areas shows. In one as small as its products' underflow, both are zero.
    thin = inside & (total <= longest * np.sqrt(jnp.finfo(total.dtype).eps))
    plain = inside & ~thin
    # The derivative of a division squares the divisor, which would underflow in a triangle far smaller than the mesh.
    safe = jnp.where(plain, total, 1.0)
    unit = factor_to_order_one(lax.stop_gradient(safe))
    weights = [
        jnp.where(plain, each * unit / (safe * unit), alone)
        for each, alone in zip(doubled, (1.0, 0.0, 0.0), strict=True)
    ]
    # In other rows, the corners of any triangle keep derivatives finite.
    corners = [jnp.where(thin[:, None], each, other) for each, other in zip((a, b, c), np.eye(3, 2, dtype=a.dtype))]
    weights = primitives.replace_rows(thin, partial(_weights_in_thin, primitives), (query_points, *corners), weights)
    return jnp.where(mappings[:, :1] < 0, jnp.nan, jnp.stack(weights, axis=1))


def _weights_in_thin(primitives, row):
    """Three () weights of a (2,) query in a triangle of three (2,) corners, in double-double arithmetic."""
    _, a, b, c = row
    factor = factor_to_order_one(*(a - b), *(b - c), *(c - a))
    query_point, a, b, c = (each * factor for each in row)

    def along_edge(edge):
        """Twice the area of the query and an edge, the place nearest to the query along it, the squared distance there, and
        the squared length of the edge."""
        start, end = edge
        length = squared(end - start)
        # The ends of a shorter edge are one place; derivatives divide by the square of its squared length.
        shortest = 2.0 ** (int(jnp.finfo(length.dtype).minexp) // 2 + 2)
        along = dot(query_point - start, end - start) / jnp.where(length > shortest, length, 1.0)
        along = jnp.clip(along, 0.0, 1.0)
        away = squared(query_point - start - along * (end - start))
        return double_double.cross_between(query_point, start, end), along, away, length

    # In a loop over the edges on a CPU, which is compiled once.
    doubled, along, away, lengths = primitives.map_rows(along_edge, (jnp.stack([b, c, a]), jnp.stack([c, a, b])))
    total = doubled[0] + doubled[1] + doubled[2]
    of_a, of_b, of_c = doubled
    # In double-double arithmetic, areas are wrong by a squared epsilon of the longest edge: here by the root of one at most.
    least = float(jnp.finfo(total.dtype).eps) ** 1.5 * jnp.maximum(jnp.maximum(lengths[0], lengths[1]), lengths[2])
    holds = (of_a >= 0.0) & (of_b >= 0.0) & (of_c >= 0.0) & (total > least)
    # Otherwise, the query lies outside by less than rounding, or the areas are rounding: the nearest place on the edges counts.
    nearest = jnp.minimum(jnp.minimum(away[0], away[1]), away[2])
    at_a, at_b = away[0] == nearest, away[1] == nearest
    place = jnp.where(at_a, along[0], jnp.where(at_b, along[1], along[2]))
    on_edge = [jnp.zeros_like(place), 1.0 - place, place]
    others = [jnp.where(at_a, on_edge[k], jnp.where(at_b, on_edge[k - 1], on_edge[k - 2])) for k in range(3)]
    return [jnp.where(holds, each / jnp.where(holds, total, 1.0), other) for each, other in zip(doubled, others)]


def _scaled_along_axes(primitives, points, query_points):
    """Points and queries times a power of two along each axis, so that products of their coordinates stay in range."""
    exponent = largest_exponent(lax.stop_gradient(points), axis=0)
    # XLA reads subnormal numbers as zero, so where they matter, coordinates are scaled by their bits.
    arrays = [points, query_points]
    return primitives.select_lazily(
        exponent.min() < np.int32(jnp.finfo(points.dtype).minexp + 2),
        lambda: [scaled_differentiably(each, exponent) for each in arrays],
        [times_power_of_two(each, -exponent) for each in arrays],
    )


# For derivatives, JAX needs a function without loops that run an unknown number of times: the one for GPUs.
_weights = differentiable(platform.fused(partial(_weights_from, platform)), plain=partial(_weights_from, platform.gpu))
