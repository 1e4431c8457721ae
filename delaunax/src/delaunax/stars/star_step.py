"""One step of vertex stars: from a neighbour to the next by the empty-circle rule, in floating point.

The star of vertex a is the fan of triangles around it. The star starts at the nearest neighbour of a. From neighbour b it
goes on to a candidate strictly to the left of the line from a to b: the one with the first circumcentre (of a, b and the
candidate) along the bisector of a and b. If there is no such candidate, a is on the hull, and the star goes on clockwise from
its start.

`next_neighbour` decides this in floating point and may err by rounding. `star_step_exact` never errs.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.platform.indexing import NONE


class Positions(NamedTuple):
    """Where the N vertices are that can become neighbours. Duplicates are at infinity.

    Attributes
    ----------
    x, y
        (N,) float. One array of both would be split at every step on a GPU.
    """

    x: jax.Array
    y: jax.Array


def positions_from(points: Array, distinct: Array) -> Positions:
    """The `Positions` of (N, 2) finite points; the (N,) bool `distinct` excludes duplicates."""
    return Positions(*jnp.where(distinct, points.T, np.inf))


class Offsets(NamedTuple):
    """Candidates (along the last axis) relative to the vertices of the stars.

    Attributes
    ----------
    vertex
        (..., C) int32, the candidates.
    dx, dy
        (..., C) float, their offsets.
    squared
        (..., C) float, their squared distances; inf for duplicates.
    """

    vertex: jax.Array
    dx: jax.Array
    dy: jax.Array
    squared: jax.Array


def offsets_from(positions: Positions, vertices: Array, candidates: Array, theirs: Positions) -> Offsets:
    """The `Offsets` from (...,) int32 vertices of (..., C) int32 candidates at the (..., C) positions `theirs`."""
    dx, dy = (there - platform.gather_lanes(here, vertices)[..., None] for here, there in zip(positions, theirs))
    return Offsets(candidates, dx, dy, dx**2 + dy**2)


class Star(NamedTuple):
    """How far stars have come.

    Attributes
    ----------
    current, start
        (...,) int32, the neighbour b that the star has reached, and its first neighbour; -1 before the first step.
    clockwise
        (...,) bool, whether the star has met the hull and now goes clockwise from its start.
    unfinished
        (...,) bool, whether the star is not complete.
    """

    current: jax.Array
    start: jax.Array
    clockwise: jax.Array
    unfinished: jax.Array


def initial_star(vertices: Array) -> Star:
    """The `Star` of (...,) int32 vertices before the first step; complete at once where a vertex is negative."""
    none = jnp.full_like(vertices, NONE)
    return Star(none, none, clockwise=jnp.zeros_like(vertices, bool), unfinished=vertices >= 0)


class StarEdge(NamedTuple):
    """The edges from a to b that stars have reached.

    Attributes
    ----------
    is_first
        (...,) bool, whether there is no edge yet: the star looks for its first neighbour.
    x, y, squared
        (...,) float, the offset and the squared length of the edge.
    side
        (...,) float, 1 where the star goes counter-clockwise and -1 where it goes clockwise.
    """

    is_first: jax.Array
    x: jax.Array
    y: jax.Array
    squared: jax.Array
    side: jax.Array

    def with_candidate_axis(self) -> "StarEdge":
        """The same with a last axis of one, for the candidates of `Offsets`."""
        return StarEdge(*(each[..., None] for each in self))


def star_edge_of(positions: Positions, vertices: Array, star: Star) -> StarEdge:
    """The `StarEdge` that the `Star` of each of the (...,) vertices has reached."""
    x, y = (platform.gather_lanes(each, star.current) - platform.gather_lanes(each, vertices) for each in positions)
    side = jnp.where(star.clockwise, -1.0, 1.0).astype(x.dtype)
    return StarEdge(star.current < 0, x, y, x**2 + y**2, side)


def areas_and_centres(edge: StarEdge, offsets: Offsets) -> tuple[Array, Array]:
    """(..., C) float each: b x d, positive on the side to which a star goes; and what the next neighbour minimises.

    The second is twice how far along the bisector the circumcentre lies, in units of the length of the edge. For the first
    neighbour, it is the squared distance. The edges come from `with_candidate_axis`.
    """
    dot = edge.x * offsets.dx + edge.y * offsets.dy
    area = (edge.side * edge.x) * offsets.dy - (edge.side * edge.y) * offsets.dx
    return area, jnp.where(edge.is_first, offsets.squared, (offsets.squared - dot) / area)


NO_CANDIDATE = np.int32(np.iinfo(np.int32).max)
"""An index above the index of every vertex."""


def argmin_of(candidates: Array, which: Array, values: Array) -> Array:
    """(...,) int32: the candidate with the smallest value; ties go to the lowest index; `NO_CANDIDATE` if there is none.

    Parameters
    ----------
    candidates
        (..., C) int32, or (C,) for all rows.
    which
        (..., C) bool, which candidates count.
    values
        (..., C) float, not NaN where `which` is true. A GPU computes and reads them in one launch.
    """

    def better(one, other):
        smaller = (one[0] < other[0]) | ((one[0] == other[0]) & (one[1] < other[1]))
        return tuple(map(partial(jnp.where, smaller), one, other))

    infinite = np.asarray(np.inf, values.dtype)
    indices = jnp.where(which, jnp.broadcast_to(candidates, values.shape), NO_CANDIDATE)
    columns = jnp.where(which, values, infinite), indices
    return lax.reduce(columns, (infinite, NO_CANDIDATE), better, (values.ndim - 1,))[1]


def next_neighbour(vertices: Array, star: Star, edge: StarEdge, offsets: Offsets) -> Array:
    """(...,) int32: the candidate to which each star goes, by floating point; `NO_CANDIDATE` if there is none.

    Parameters
    ----------
    vertices
        (...,) int32, the vertices of the stars.
    star, edge
        Their `Star` and the `StarEdge` that it has reached.
    offsets
        The `Offsets` of their candidates.
    """
    edge = edge.with_candidate_axis()
    area, centre = areas_and_centres(edge, offsets)
    is_other = (offsets.vertex != vertices[..., None]) & (offsets.vertex != star.current[..., None])
    return argmin_of(offsets.vertex, (offsets.squared < np.inf) & is_other & (edge.is_first | (area > 0.0)), centre)


def advance(vertices: Array, star: Star, following: Array) -> tuple[Star, Array]:
    """Extend stars by one triangle.

    A star is complete when it returns to its start. If there is no candidate, the vertex is on the hull, and the star goes on
    clockwise from its start.

    Parameters
    ----------
    vertices
        (...,) int32, the vertices of the stars.
    star
        Their `Star`.
    following
        (...,) int32, the candidate to which each star goes, or `NO_CANDIDATE`.

    Returns
    -------
    star
        The `Star` after the step.
    others
        (2, ...) int32, the other two vertices of the new triangle, counter-clockwise; -1 if there is none, or if the vertex
        of the star is not the lowest of the triangle. So each triangle is written by one star.
    """
    is_first = star.current < 0
    found = (following < NO_CANDIDATE) & star.unfinished
    is_lowest = found & ~is_first & (vertices < star.current) & (vertices < following)
    # A stack of both would be a launch of its own.
    ahead = np.array([True, False]).reshape(2, *[1] * vertices.ndim) == star.clockwise
    others = jnp.where(is_lowest, jnp.where(ahead, following, star.current), NONE)

    start = jnp.where(is_first, following, star.start)
    continues = jnp.where(found, is_first | (following != start), ~is_first & ~star.clockwise)
    after = Star(
        current=jnp.where(found, following, start),
        start=start,
        clockwise=star.clockwise | (star.unfinished & ~found),
        unfinished=star.unfinished & continues,
    )
    return after, others
