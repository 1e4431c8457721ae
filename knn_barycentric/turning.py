"""One turn of vertex stars: from a neighbour to the next by the empty-circle rule, in coordinates relative to the vertex."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from knn_barycentric import backend
from knn_barycentric.places import at
from knn_barycentric.triangle import flat


def sites_from(points: Array, distinct: Array, lift: Array) -> Array:
    """(N + 1, 3) float: what stars have to know of each vertex, its coordinates and tie weight, in one row.

    A vertex that takes no part lies at infinity, and so does the last row, which empty places name.

    Parameters
    ----------
    points
        (N, 2) float, finite.
    distinct
        (N,) bool, the vertices that take part.
    lift
        (N,) float, the tie weights.
    """
    there = jnp.where(distinct[:, None], points, np.inf)
    return jnp.pad(jnp.concatenate([there, lift[:, None]], axis=1), ((0, 1), (0, 0)), constant_values=np.inf)


class View(NamedTuple):
    """Candidates (C rows) as seen from vertices (V columns): XLA's CPU backend is fast at minima over rows.

    Attributes
    ----------
    vertex
        (C, V) or (C, 1) int32, the candidates.
    dx, dy
        (C, V) float, their offsets.
    squared
        (C, V) float, their squared distances; inf for a vertex itself, and for all that take no part.
    height
        (C, V) float, the right-hand sides of their bisectors.
    """

    vertex: jax.Array
    dx: jax.Array
    dy: jax.Array
    squared: jax.Array
    height: jax.Array


def view_from(own: Array, candidates: Array, theirs: Array) -> View:
    """How `candidates` look from viewers.

    Parameters
    ----------
    own
        (V, 3) float, the `sites_from` of the viewers.
    candidates
        (C, V) or (C, 1) int32.
    theirs
        (C, V, 3) or (C, 1, 3) float, the `sites_from` of the candidates.
    """
    dx, dy = theirs[..., 0] - own[:, 0], theirs[..., 1] - own[:, 1]
    squared = dx**2 + dy**2
    return View(
        candidates, dx, dy, jnp.where(squared > 0.0, squared, np.inf), height=squared + own[:, 2] - theirs[..., 2]
    )


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
    ratio
        (V,) float, the right-hand side of its bisector in units of the squared length.
    side
        (V,) float, 1 where the star turns counter-clockwise and -1 where it turns clockwise.
    """

    begins: jax.Array
    x: jax.Array
    y: jax.Array
    squared: jax.Array
    ratio: jax.Array
    side: jax.Array


def edge_of(sites: Array, vertices: Array, star: Star) -> Edge:
    """The `Edge` that the `Star` of each of the (V,) vertices has reached, on a mesh of `sites` (`sites_from`)."""
    own, theirs = at(sites, vertices), at(sites, star.current)
    x, y = theirs[:, 0] - own[:, 0], theirs[:, 1] - own[:, 1]
    squared = x**2 + y**2
    begins = star.current < 0
    ratio = (squared + own[:, 2] - theirs[:, 2]) / jnp.where(squared > 0.0, squared, 1.0)
    side = jnp.where(star.clockwise, -1.0, 1.0).astype(sites.dtype)
    return Edge(begins, x, y, squared, jnp.where(begins, 0.0, ratio), side)


def next_neighbour(edge: Edge, view: View) -> tuple[Array, Array]:
    """To which candidate stars turn.

    Around vertex v, with d the offset of a neighbour and h = |d|^2 + lift_v - lift the right-hand side of its
    bisector, the star begins at the neighbour of smallest h / |d|. From neighbour c it turns to the candidate
    strictly to the left of c whose circumcentre comes first along c's bisector.

    Parameters
    ----------
    edge
        The `Edge` that V stars have reached.
    view
        The `View` of their candidates.

    Returns
    -------
    following
        (V,) int32, the candidate.
    offset
        (V,) float, what it is the smallest of; inf if there is none, and then `following` means nothing.
    """
    dot = edge.x * view.dx + edge.y * view.dy
    area = (edge.side * edge.x) * view.dy - (edge.side * edge.y) * view.dx
    left = ~flat(area, 2.0 * (edge.squared + view.squared - dot))
    offset = (view.height - edge.ratio * dot) / jnp.where(edge.begins, jnp.sqrt(view.squared), area)
    # Two plain minima are vectorised where one argmin is not. Without the barrier the compiler may evaluate the
    # values once for each, and round them differently.
    offset = lax.optimization_barrier(jnp.where((view.squared < np.inf) & (edge.begins | left), offset, np.inf))
    smallest = backend.least(offset)
    return backend.least(jnp.where(offset == smallest, view.vertex, np.int32(np.iinfo(np.int32).max))), smallest


MARGIN = 1.0e-4
"""By how much of its squared radius a circle is taken larger than it is before a box counts as `out_of_reach`.

Above what rounding can do, and the largest tie weight: that is 1e-5 of the squared distance to a vertex's nearest neighbour, by
which the squared distance from the centre counts for less, and that is four times as much of the squared radius at most.
"""


def out_of_reach(edge: Edge, own: Array, box: Array, offset: Array) -> Array:
    """(V,) bool: whether no vertex in a box can be the `next_neighbour` of a star by an offset below the one it has found.

    So it is where the box lies to the right of the edge, or outside the circle whose centre is that far along the bisector.

    Parameters
    ----------
    edge
        The `Edge` that V stars have reached.
    own
        (V, 3) float, the `sites_from` of their vertices.
    box
        (4,) float, the largest x, y, -x and -y in it.
    offset
        (V,) float, the smallest offset so far; inf if there is none.
    """
    right, left = box[0] - own[:, 0], -box[2] - own[:, 0]
    top, bottom = box[1] - own[:, 1], -box[3] - own[:, 1]
    x, y = edge.side * edge.x, edge.side * edge.y
    # Rounding is monotonic: no vertex in the box has an area larger than its leftmost corner, and `flat` is above zero.
    area = jnp.maximum(x * bottom, x * top) + jnp.maximum(-y * left, -y * right)

    # A star begins at its nearest neighbour: the circle is around the vertex.
    along, across = jnp.where(edge.begins, 0.0, 0.5 * edge.ratio), jnp.where(edge.begins, 0.0, 0.5 * offset)
    centre_x, centre_y = along * edge.x - across * y, along * edge.y + across * x
    gap_x = jnp.maximum(jnp.maximum(left - centre_x, centre_x - right), 0.0)
    gap_y = jnp.maximum(jnp.maximum(bottom - centre_y, centre_y - top), 0.0)
    squared_radius = jnp.where(edge.begins, offset**2, centre_x**2 + centre_y**2)
    return (~edge.begins & (area < 0.0)) | (gap_x**2 + gap_y**2 > (1.0 + MARGIN) * squared_radius)


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
