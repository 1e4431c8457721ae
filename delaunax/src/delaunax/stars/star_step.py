"""One turn of vertex stars: from a neighbour to the next by the empty-circle rule, in coordinates relative to the vertex.

Around vertex v, let d be the offset of a candidate and |d|^2 its squared distance. A star starts at the nearest neighbour. From
neighbour c it turns to the candidate strictly to the left of c whose circumcentre comes first along c's bisector. Where nothing
lies to the left, v is on the hull, and the star turns the other way from its start.

`next_neighbour` decides so in floating point and may err by rounding; `exact_turning` does not.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.platform.backend import pick
from delaunax.platform.indexing import NONE


class Sites(NamedTuple):
    """Where the N vertices of a mesh are: at infinity those that take no part, as coincident ones.

    Attributes
    ----------
    x, y
        (N,) float; apart, since a GPU would take them apart at every turn.
    """

    x: jax.Array
    y: jax.Array


def sites_from(points: Array, distinct: Array) -> Sites:
    """The `Sites` of (N, 2) finite points, of which the (N,) bool `distinct` take part."""
    return Sites(*jnp.where(distinct, points.T, np.inf))


class View(NamedTuple):
    """Candidates (along the last axis) as seen from vertices.

    Attributes
    ----------
    vertex
        (..., C) int32, the candidates.
    dx, dy
        (..., C) float, their offsets.
    squared
        (..., C) float, their squared distances; inf for all that take no part.
    """

    vertex: jax.Array
    dx: jax.Array
    dy: jax.Array
    squared: jax.Array


def view_from(sites: Sites, vertices: Array, candidates: Array, theirs: Sites) -> View:
    """How (..., C) int32 candidates, which are at (..., C) `theirs`, look from (...,) int32 vertices."""
    dx, dy = (there - pick(here, vertices)[..., None] for here, there in zip(sites, theirs))
    return View(candidates, dx, dy, dx**2 + dy**2)


class Star(NamedTuple):
    """How far the stars of vertices have been turned.

    Attributes
    ----------
    current, start
        (...,) int32, the neighbour that the turn has reached, and the one where it began; -1 before it began.
    clockwise
        (...,) bool, whether the hull was met, and the star now turns the other way from its start.
    turning
        (...,) bool, whether the star is not complete.
    """

    current: jax.Array
    start: jax.Array
    clockwise: jax.Array
    turning: jax.Array


def star_of(vertices: Array) -> Star:
    """The `Star` of (...,) vertices before its first turn; empty where they are negative."""
    nobody = jnp.full_like(vertices, NONE)
    return Star(nobody, nobody, clockwise=jnp.zeros_like(vertices, bool), turning=vertices >= 0)


class Edge(NamedTuple):
    """The edges that stars have reached, from which they turn on.

    Attributes
    ----------
    begins
        (...,) bool, whether there is no edge yet.
    x, y, squared
        (...,) float, its offset and squared length.
    side
        (...,) float, 1 where the star turns counter-clockwise and -1 where it turns clockwise.
    """

    begins: jax.Array
    x: jax.Array
    y: jax.Array
    squared: jax.Array
    side: jax.Array

    def beside_candidates(self) -> "Edge":
        """The same with an axis of one behind, for those of a `View`."""
        return Edge(*(each[..., None] for each in self))


def edge_of(sites: Sites, vertices: Array, star: Star) -> Edge:
    """The `Edge` that the `Star` of each of the (...,) vertices has reached."""
    x, y = (pick(each, star.current) - pick(each, vertices) for each in sites)
    side = jnp.where(star.clockwise, -1.0, 1.0).astype(x.dtype)
    return Edge(star.current < 0, x, y, x**2 + y**2, side)


def areas_and_offsets(edge: Edge, view: View) -> tuple[Array, Array]:
    """(..., C) float: c x d, positive on the side to which a star turns; and what the next neighbour has the smallest of.

    That is twice how far along c's bisector the circumcentre lies, in units of |c|; where a star begins, the squared
    distance. The edges are those `beside_candidates`.
    """
    dot = edge.x * view.dx + edge.y * view.dy
    area = (edge.side * edge.x) * view.dy - (edge.side * edge.y) * view.dx
    return area, jnp.where(edge.begins, view.squared, (view.squared - dot) / area)


NOBODY = np.int32(np.iinfo(np.int32).max)
"""No candidate: a number above those of all vertices."""


def first_of(candidates: Array, which: Array | bool, values: Array) -> Array:
    """(...,) int32: of (..., C) candidates, or (C,) for all, those `which` are true, the one of the smallest value; of as small
    ones that of the smallest number; `NOBODY` where there is none.

    None of the values that count is NaN. A GPU reads what is in a row, and computes it on the way, in one launch.
    """

    def better(one, other):
        smaller = (one[0] < other[0]) | ((one[0] == other[0]) & (one[1] < other[1]))
        return tuple(map(partial(jnp.where, smaller), one, other))

    infinite = np.asarray(np.inf, values.dtype)
    columns = jnp.where(which, values, infinite), jnp.where(which, jnp.broadcast_to(candidates, values.shape), NOBODY)
    return lax.reduce(columns, (infinite, NOBODY), better, (values.ndim - 1,))[1]


def next_neighbour(vertices: Array, star: Star, edge: Edge, view: View) -> Array:
    """(...,) int32: to which candidate stars turn, by floating point; `NOBODY` where there is none.

    Parameters
    ----------
    vertices
        (...,) int32, whose stars they are.
    star, edge
        Their `Star` and the `Edge` that it has reached.
    view
        The `View` of their candidates.
    """
    edge = edge.beside_candidates()
    area, offset = areas_and_offsets(edge, view)
    there = (view.squared < np.inf) & (view.vertex != vertices[..., None]) & (view.vertex != star.current[..., None])
    return first_of(view.vertex, there & (edge.begins | (area > 0.0)), offset)


def turned(vertices: Array, star: Star, following: Array) -> tuple[Star, Array]:
    """Turn stars by one triangle.

    A star is complete on return to its start; if nothing lies left, its vertex is on the hull and it turns the other way
    from its start.

    Parameters
    ----------
    vertices
        (...,) int32, whose stars they are.
    star
        Their `Star`.
    following
        (...,) int32, to which candidate each turns; `NOBODY` where there is none.

    Returns
    -------
    star
        The `Star` after the turn.
    others
        (2, ...) int32, the other two vertices of the triangle, counter-clockwise, where there is one that begins with its
        smallest vertex: each triangle is written by one star. Elsewhere -1.
    """
    begins = star.current < 0
    found = (following < NOBODY) & star.turning
    mine = found & ~begins & (vertices < star.current) & (vertices < following)
    # Not a stack of both: that is a launch of its own.
    ahead = np.array([True, False]).reshape(2, *[1] * vertices.ndim) == star.clockwise
    others = jnp.where(mine, jnp.where(ahead, following, star.current), NONE)

    start = jnp.where(begins, following, star.start)
    goes_on = jnp.where(found, begins | (following != start), ~begins & ~star.clockwise)
    after = Star(
        current=jnp.where(found, following, start),
        start=start,
        clockwise=star.clockwise | (star.turning & ~found),
        turning=star.turning & goes_on,
    )
    return after, others
