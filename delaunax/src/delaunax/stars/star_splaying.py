"""The triangles of a mesh from the stars of its vertices.

What is fastest on a GPU, and what is done wherever a CPU cannot insert vertices one by one (`insertion`).

The star of a vertex is the fan of Delaunay triangles around it. Every star is found on its own, by turning from neighbour to
neighbour (`turning`), many of them in lockstep: first all, among the vertices that a k-d tree puts near them and in floating
point; then among all vertices and exactly (`exact_turning`) those that met a hull there which others do not know, and those
around what the certificate does not accept.

Building a triangulation from independent stars follows star splaying (Shewchuk 2005, Proc. 21st Symp. Comp. Geom., 237).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax.platform import backend
from delaunax.platform.indexing import DROP, NONE, gather
from delaunax.stars.star_step import NOBODY, Sites, edge_of, next_neighbour, sites_from, star_of, turned, view_from
from delaunax.stars.star_step_exact import best_of_all, likely_best
from delaunax.tables.kd_tree import KDTree

TURNS = 32
"""How often stars turn before their triangles are written, a multiple of `AT_ONCE`. A star of more triangles is not found among
near vertices."""

AT_ONCE = 4
"""How often stars turn before it is asked whether all are done."""

TOGETHER = 64
"""How many stars are sought among all vertices at once."""


class Vertices(NamedTuple):
    """The vertices of a mesh as its stars read them.

    Attributes
    ----------
    points
        (N, 2) float, finite and of order one.
    unscaled
        (N, 2) float, the same as they are stored, by which they are decided exactly.
    distinct
        (N,) bool, those that take part: the first of every set of coincident ones.
    rank
        (N,) int32, their place in the order of x and then y.
    leaves
        (2^L, S) int32, all of them leaf by leaf (`kd_tree.KDTree`).
    """

    points: jax.Array
    unscaled: jax.Array
    distinct: jax.Array
    rank: jax.Array
    leaves: jax.Array


def vertices_from(points: Array, tree: KDTree) -> Vertices:
    """The `Vertices` at (N, 2) points, as they are stored, by their tree."""
    return Vertices(tree.points, points, tree.first, tree.rank, tree.leaves)


def written(simplices: Array, vertices: Array, others: Array) -> Array:
    """(2N, 3) int32: the triangles that stars have turned through, and behind them the rows in use of (2N, 3) others.

    Parameters
    ----------
    simplices
        The others; -1 in unused rows.
    vertices
        (V,) int32, whose stars they are.
    others
        (TURNS, 2, V) int32, the `turning.turned` of each turn.
    """
    # Where the table is full the last are left out: those found among near vertices, too many of which are wrong. The
    # certificate finds their vertices. What stars find exactly always has room.
    of_stars = jnp.stack([jnp.broadcast_to(vertices, others[:, 0].shape), others[:, 0], others[:, 1]], axis=-1)
    of_stars = jnp.where(others[:, :1].swapaxes(1, 2) < 0, NONE, of_stars)
    rows = jnp.concatenate([of_stars.reshape(-1, 3), simplices])
    used = rows[:, 0] >= 0
    places = jnp.where(used, backend.running_sums(used), NONE)
    return jnp.full_like(simplices, NONE).at[places].set(rows, **DROP)


@jax.named_scope("among_near_vertices")
def among_near_vertices(vertices: Vertices, near: Array, which: Array) -> tuple[Array, Array]:
    """The stars of the (N,) bool `which`, each among those near its leaf (`kd_tree.near_vertices`), in floating point.

    Who sees the hull in what is near may not see what lies beyond. Such a star counts as complete where its neighbours along
    the hull have met the hull at this vertex, too.

    Returns
    -------
    simplices
        (2N, 3) int32, the triangles of those that are complete.
    complete
        (N,) bool, which these are.
    """
    n, sites = which.shape[0], sites_from(vertices.points, vertices.distinct)
    viewers, candidates = vertices.leaves, near[:, None]
    theirs = Sites(*(gather(jnp.append(each, np.inf), candidates) for each in sites))
    wanted = (viewers < n) & gather(which, viewers)
    sides = np.array([False, True]).reshape(2, 1, 1)

    def step(turn, carry):
        star, at_hull, others = carry
        view = view_from(sites, viewers, candidates, theirs)
        following = next_neighbour(viewers, star, edge_of(sites, viewers, star), view)
        meets = star.turning & (following == NOBODY) & (star.clockwise == sides)
        at_hull = jnp.where(meets, star.current, at_hull)
        star, these = turned(viewers, star, following)
        return star, at_hull, backend.put_row(others, turn, these)

    def turns_on(turn, carry):
        return carry[0].turning & (turn < TURNS)

    nobody = jnp.full((2, *viewers.shape), NONE)
    begun = star_of(jnp.where(wanted, viewers, NONE)), nobody, jnp.full((TURNS, *nobody.shape), NONE)
    star, at_hull, others = backend.while_any(turns_on, step, begun, AT_ONCE)

    # By vertex, the one before it along the hull and the one behind it; inside the hull itself.
    at_hull = jnp.where(star.clockwise, at_hull, viewers)
    before, behind = jnp.full((2, n), NONE).at[:, viewers].set(jnp.where(wanted & ~star.turning, at_hull, NONE), **DROP)
    own = np.arange(n, dtype=np.int32)
    complete = (before >= 0) & (backend.pick(behind, before) == own) & (backend.pick(before, behind) == own)
    others = jnp.where(backend.pick(complete, viewers) & wanted, others, NONE).reshape(TURNS, 2, -1)
    return written(jnp.full((2 * n, 3), NONE), viewers.reshape(-1), others), complete


@jax.named_scope("among_all_vertices")
def among_all_vertices(vertices: Vertices, simplices: Array, which: Array) -> Array:
    """The (2N, 3) triangles with the stars of the (N,) bool `which` sought anew, each among all vertices, exactly.

    `TOGETHER` stars turn until all are complete or in doubt. What is in doubt is decided, and they turn on; then the next take
    their places.
    """
    n, sites = which.shape[0], sites_from(vertices.points, vertices.distinct)
    order, number = backend.nonzero(which)
    nobody = jnp.zeros(TOGETHER, bool)

    def viewers_from(begun):
        places = begun + np.arange(TOGETHER, dtype=np.int32)
        return jnp.where(places < number, gather(order, places), NONE)

    def seek(_, carry):
        begun, star, best, settled, simplices = carry
        viewers = viewers_from(begun)

        def step(turn, carry):
            star, best, settled, _, others = carry
            likely, doubtful = likely_best(sites, viewers, star)
            best, doubtful = jnp.where(settled, best, likely), doubtful & ~settled
            after, these = turned(viewers, star, best)
            others = backend.put_row(others, turn, jnp.where(doubtful, NONE, these))
            return jax.tree.map(partial(jnp.where, doubtful), star, after), best, nobody, doubtful, others

        def turns_on(turn, carry):
            star, _, _, doubtful, _ = carry
            return star.turning & ~doubtful & (turn < TURNS)

        others = jnp.full((TURNS, 2, TOGETHER), NONE)
        turned_so_far = star, best, settled, nobody, others
        star, best, _, doubtful, others = backend.while_any(turns_on, step, turned_so_far, AT_ONCE, rolled=True)
        simplices = written(simplices, viewers, others)
        best = best_of_all(vertices.unscaled, sites, viewers, star, doubtful, best)
        complete = ~star.turning.any()
        begun = jnp.where(complete, begun + TOGETHER, begun)
        star = jax.tree.map(partial(jnp.where, complete), star_of(viewers_from(begun)), star)
        return begun, star, best, doubtful, simplices

    def unfinished(turn, carry):
        # A planar triangulation has fewer than 6N corners, and every star begins, ends, and may turn around.
        return (carry[0] < number) & (turn <= 9 * n)

    simplices = jnp.where(gather(which, simplices[:, :1]), NONE, simplices)
    begun = np.int32(0), star_of(viewers_from(np.int32(0))), jnp.zeros(TOGETHER, jnp.int32), nobody, simplices
    return backend.while_any(unfinished, seek, begun)[4]
