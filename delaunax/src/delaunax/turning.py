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

from delaunax.indexing import gather


def sites_from(points: Array, distinct: Array) -> Array:
    """(N + 1, 2) float: where candidates are. Vertices that take no part are at infinity, and so is the last row, which empty
    places of lists of candidates name.

    Parameters
    ----------
    points
        (N, 2) float, finite.
    distinct
        (N,) bool, the vertices that take part.
    """
    return jnp.pad(jnp.where(distinct[:, None], points, np.inf), ((0, 1), (0, 0)), constant_values=np.inf)


class View(NamedTuple):
    """Candidates (C rows) as seen from vertices (V columns).

    Attributes
    ----------
    vertex
        (C, V) or (C, 1) int32, the candidates.
    dx, dy
        (C, V) float, their offsets.
    squared
        (C, V) float, their squared distances; inf for all that take no part.
    """

    vertex: jax.Array
    dx: jax.Array
    dy: jax.Array
    squared: jax.Array


def view_from(own: Array, candidates: Array, theirs: Array) -> View:
    """How (C, V) or (C, 1) int32 candidates at `theirs` (..., 2) look from viewers at (V, 2) `own`."""
    dx, dy = theirs[..., 0] - own[:, 0], theirs[..., 1] - own[:, 1]
    return View(candidates, dx, dy, dx**2 + dy**2)


class Star(NamedTuple):
    """How far the stars of V vertices have been turned.

    Attributes
    ----------
    current, start
        (V,) int32, the neighbour that the turn has reached, and the one where it began; -1 before it began.
    clockwise
        (V,) bool, whether the hull was met, and the star now turns the other way from its start.
    turning
        (V,) bool, whether the star is not complete.
    """

    current: jax.Array
    start: jax.Array
    clockwise: jax.Array
    turning: jax.Array


def star_of(vertices: Array) -> Star:
    """The `Star` of (V,) vertices before its first turn; empty where they are negative."""
    nobody = jnp.full_like(vertices, -1)
    return Star(nobody, nobody, clockwise=jnp.zeros_like(vertices, bool), turning=vertices >= 0)


class Edge(NamedTuple):
    """The edges that V stars have reached, from which they turn on.

    Attributes
    ----------
    begins
        (V,) bool, whether there is no edge yet.
    x, y, squared
        (V,) float, its offset and squared length.
    side
        (V,) float, 1 where the star turns counter-clockwise and -1 where it turns clockwise.
    """

    begins: jax.Array
    x: jax.Array
    y: jax.Array
    squared: jax.Array
    side: jax.Array


def edge_of(sites: Array, vertices: Array, star: Star) -> Edge:
    """The `Edge` that the `Star` of each of the (V,) vertices has reached, on a mesh of `sites` (`sites_from`)."""
    own, theirs = gather(sites, vertices), gather(sites, star.current)
    x, y = theirs[:, 0] - own[:, 0], theirs[:, 1] - own[:, 1]
    side = jnp.where(star.clockwise, -1.0, 1.0).astype(sites.dtype)
    return Edge(star.current < 0, x, y, x**2 + y**2, side)


def areas_and_offsets(edge: Edge, view: View) -> tuple[Array, Array]:
    """(C, V) float: c x d, positive on the side to which a star turns; and what the next neighbour has the smallest of.

    That is twice how far along c's bisector the circumcentre lies, in units of |c|; where a star begins, the squared
    distance.
    """
    dot = edge.x * view.dx + edge.y * view.dy
    area = (edge.side * edge.x) * view.dy - (edge.side * edge.y) * view.dx
    return area, jnp.where(edge.begins, view.squared, (view.squared - dot) / area)


def column_first(values: Array, names: Array) -> tuple[Array, Array]:
    """(V,) float and int32: the smallest of (C, V) values in each column, none of them NaN; of as small ones the smallest name.

    Names are (C, V) or (C, 1) int32.
    """

    def better(one, other):
        smaller = (one[0] < other[0]) | ((one[0] == other[0]) & (one[1] < other[1]))
        return tuple(map(partial(jnp.where, smaller), one, other))

    nothing = np.asarray(np.inf, values.dtype), np.int32(np.iinfo(np.int32).max)
    return lax.reduce((values, jnp.broadcast_to(names, values.shape)), nothing, better, (0,))


def next_neighbour(vertices: Array, current: Array, edge: Edge, view: View) -> tuple[Array, Array]:
    """To which candidate stars turn, by floating point.

    Parameters
    ----------
    vertices, current
        (V,) int32, whose stars they are, and the neighbours that they have reached.
    edge
        The `Edge` to those.
    view
        The `View` of their candidates.

    Returns
    -------
    following
        (V,) int32, the candidate; it means nothing where there is none.
    found
        (V,) bool, whether there is any.
    """
    area, offset = areas_and_offsets(edge, view)
    there = (view.squared < np.inf) & (view.vertex != vertices) & (view.vertex != current)
    there = there & (edge.begins | (area > 0.0))
    smallest, following = column_first(jnp.where(there, offset, np.inf), view.vertex)
    return following, smallest < np.inf


def turned(vertices: Array, star: Star, following: Array, found: Array) -> tuple[Star, Array, Array]:
    """Turn stars by one triangle.

    A star is complete on return to its start; if nothing lies left, its vertex is on the hull and it turns the other way
    from its start.

    Parameters
    ----------
    vertices
        (V,) int32, whose stars they are.
    star
        Their `Star`.
    following, found
        (V,) int32 and bool, to which candidate each turns, and whether there is any.

    Returns
    -------
    star
        The `Star` after the turn.
    triangles
        (V, 3) int32, counter-clockwise from the vertex on.
    new
        (V,) bool, whether there is such a triangle.
    """
    begins = star.current < 0
    found = found & star.turning
    following = jnp.where(found, following, np.int32(0))
    new = found & ~begins
    first = jnp.where(star.clockwise, following, star.current)
    second = jnp.where(star.clockwise, star.current, following)
    triangles = jnp.stack([vertices, first, second], axis=1)

    start = jnp.where(begins, following, star.start)
    goes_on = jnp.where(found, begins | (following != start), ~begins & ~star.clockwise)
    after = Star(
        current=jnp.where(found, following, start),
        start=start,
        clockwise=star.clockwise | (star.turning & ~found),
        turning=star.turning & goes_on,
    )
    return after, triangles, new
