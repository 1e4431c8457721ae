"""Triangulate by finding the star of every vertex independently: the fastest method on a GPU.

CPUs use it too before JAX 0.11, where vertices cannot be inserted in one compiled loop (`insertion`).

The star of a vertex is the fan of Delaunay triangles around it. Every star is found on its own, from neighbour to neighbour
(`star_step`), many stars in lockstep. First, all stars are found in floating point, among the vertices that a k-d tree puts
near them. Then some are recomputed exactly, among all vertices (`star_step_exact`): stars that end at the hull while their
neighbours do not, and stars around a fault of the table.

Building a triangulation from independent stars follows star splaying (Shewchuk 2005, Proc. 21st Symp. Comp. Geom., 237).
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.error_bounds import orientation
from delaunax.arithmetic.triangle import squared
from delaunax.certificate import DOUBTFUL, Checks, checks_of
from delaunax.platform.indexing import DROP, NONE, gather
from delaunax.platform.rows import nonzero
from delaunax.stars.faulty_vertices import faulty_vertices
from delaunax.stars.star_step import (
    NO_CANDIDATE,
    Positions,
    advance,
    initial_star,
    next_neighbour,
    offsets_from,
    positions_from,
    star_edge_of,
)
from delaunax.stars.star_step_exact import best_of_all, likely_best
from delaunax.tables.kd_tree import KDTree, near_vertices
from delaunax.tables.simplices import neighbors_from, vertex_simplex_from

MAX_STAR_STEPS = 32
"""How many steps stars take before their triangles are written, a multiple of `UNROLL`.

Stars that need more steps are not found among near vertices.
"""

UNROLL = 4
"""How many steps stars take before the loop checks whether all are complete."""

STARS_PER_BATCH = 64
"""How many stars are recomputed together."""


class _Round(NamedTuple):
    """The state after a round.

    Attributes
    ----------
    number
        () int32, how many rounds there were.
    checks
        The `certificate.Checks` of the tables.
    exact
        (N,) bool, which stars were computed exactly.
    to_recompute
        (N,) bool, which stars the next round recomputes.
    continues
        () bool, whether there is another round.
    """

    number: Any
    checks: Checks
    exact: jax.Array
    to_recompute: jax.Array
    continues: Any


def triangulate_by_stars(tree: KDTree) -> tuple[Checks, Array]:
    """The triangulation of the vertices of a k-d tree.

    Returns
    -------
    checks
        Its tables, with the `certificate.Checks` of the last round.
    exact
        () int32, how many stars were computed exactly.
    """
    n, distinct = len(tree.points), tree.distinct
    # If no vertex is certainly off a line, the exact star of the first vertex decides whether all are on it.
    flat = ~_certainly_off_a_line(tree.points)
    simplices, complete = stars_among_near_vertices(tree, near_vertices(tree), distinct & ~flat)
    to_recompute = jnp.where(flat, np.arange(n) == 0, distinct & ~complete)
    count = len(tree.leaves)
    leaf = platform.scatter("set", jnp.zeros(n, jnp.int32), tree.leaves, np.arange(count)[:, None])
    initial = _Round(np.int32(0), _no_checks(simplices), jnp.zeros(n, bool), to_recompute, np.True_)

    def recompute(_, last):
        exact = last.exact | last.to_recompute
        simplices = with_exact_stars(tree, last.checks.simplices, last.to_recompute)
        neighbors = neighbors_from(simplices)
        checks = checks_of(tree, simplices, neighbors, vertex_simplex_from(simplices, neighbors))
        accepted, faulty = faulty_vertices(checks, exact)
        # All vertices in the tree node of a faulty one are recomputed. Nodes double in every round, so there are few rounds.
        # If the stars of these nodes are exact already, all others are recomputed, and then none are left.
        node, left = leaf >> last.number, distinct & ~exact
        to_recompute = left & gather(platform.scatter("max", jnp.zeros(count, bool), node, faulty), node)
        to_recompute = jnp.where(to_recompute.any(), to_recompute, left) & ~accepted
        number = last.number + last.continues.astype(jnp.int32)
        return _Round(number, checks, exact, to_recompute, to_recompute.any())

    # A finished lane has no star to recompute, so another round leaves it unchanged.
    last = platform.lockstep_while(lambda _, last: last.continues, recompute, initial)
    return last.checks, last.exact.sum(dtype=jnp.int32)


def _no_checks(simplices):
    """The `Checks` of a table that is not checked yet."""
    n, none = len(simplices) // 2, jnp.full_like(simplices, NONE)
    vertices = none[:n, 0]
    doubtful = jnp.full(6 * n, DOUBTFUL)
    return Checks(simplices, none, vertices, doubtful, doubtful[:n], vertices, jnp.zeros(n, bool), jnp.zeros(n, bool))


def _certainly_off_a_line(points: Array) -> Array:
    """() bool: whether (N, 2) points of order one are certainly off the line of the first and the one farthest from it."""
    offsets = points - points[0]
    farthest = offsets[lax.argmax(squared(offsets), 0, np.int32)]
    area = orientation((farthest[0], farthest[1]), (offsets[:, 0], offsets[:, 1]))
    return (area.positive | area.negative).any()


def with_triangles(simplices: Array, vertices: Array, others: Array) -> Array:
    """(2N, 3) int32: the triangles that stars have found, then the rows in use of an older table.

    Parameters
    ----------
    simplices
        (2N, 3) int32, the older table; -1 in unused rows.
    vertices
        (V,) int32, the vertices of the stars.
    others
        (MAX_STAR_STEPS, 2, V) int32, the other vertices of the triangle of each step, from `star_step.advance`.
    """
    # If the table is full, the last rows are left out: wrong triangles of stars among near vertices. The certificate finds
    # their vertices. The triangles of exact stars always have room.
    of_stars = jnp.stack([jnp.broadcast_to(vertices, others[:, 0].shape), others[:, 0], others[:, 1]], axis=-1)
    of_stars = jnp.where(others[:, :1].swapaxes(1, 2) < 0, NONE, of_stars)
    rows = jnp.concatenate([of_stars.reshape(-1, 3), simplices])
    used = rows[:, 0] >= 0
    places = jnp.where(used, platform.running_sums(used), NONE)
    return jnp.full_like(simplices, NONE).at[places].set(rows, **DROP)


@jax.named_scope("stars_among_near_vertices")
def stars_among_near_vertices(tree: KDTree, near: Array, which: Array) -> tuple[Array, Array]:
    """The stars of the (N,) bool `which`, each among the vertices near its leaf (`kd_tree.near_vertices`), in floating point.

    A star that ends at the hull of its candidates may miss vertices beyond. It counts as complete if its neighbours along the
    hull end at the hull at this vertex, too.

    Returns
    -------
    simplices
        (2N, 3) int32, the triangles of the complete stars.
    complete
        (N,) bool, which stars are complete.
    """
    n, positions = which.shape[0], positions_from(tree.points, tree.distinct)
    vertices, candidates = tree.leaves, near[:, None]
    theirs = Positions(*(gather(jnp.append(each, np.inf), candidates) for each in positions))
    wanted = (vertices < n) & gather(which, vertices)
    sides = np.array([False, True]).reshape(2, 1, 1)

    def step(number, carry):
        star, at_hull, others = carry
        offsets = offsets_from(positions, vertices, candidates, theirs)
        following = next_neighbour(vertices, star, star_edge_of(positions, vertices, star), offsets)
        meets_hull = star.unfinished & (following == NO_CANDIDATE) & (star.clockwise == sides)
        at_hull = jnp.where(meets_hull, star.current, at_hull)
        star, these = advance(vertices, star, following)
        return star, at_hull, platform.scatter_row(others, number, these)

    def unfinished(number, carry):
        return carry[0].unfinished & (number < MAX_STAR_STEPS)

    none = jnp.full((2, *vertices.shape), NONE)
    stars = initial_star(jnp.where(wanted, vertices, NONE))
    initial = stars, none, jnp.full((MAX_STAR_STEPS, *none.shape), NONE)
    star, at_hull, others = platform.lockstep_while(unfinished, step, initial, UNROLL)

    # For every vertex, the vertices before and behind it along the hull; inside the hull, the vertex itself.
    at_hull = jnp.where(star.clockwise, at_hull, vertices)
    done = jnp.where(wanted & ~star.unfinished, at_hull, NONE)
    before, behind = jnp.full((2, n), NONE).at[:, vertices].set(done, **DROP)
    own = np.arange(n, dtype=np.int32)
    agrees = (platform.gather_lanes(behind, before) == own) & (platform.gather_lanes(before, behind) == own)
    complete = (before >= 0) & agrees
    others = jnp.where(platform.gather_lanes(complete, vertices) & wanted, others, NONE)
    others = others.reshape(MAX_STAR_STEPS, 2, -1)
    return with_triangles(jnp.full((2 * n, 3), NONE), vertices.reshape(-1), others), complete


@jax.named_scope("exact_stars")
def with_exact_stars(tree: KDTree, simplices: Array, which: Array) -> Array:
    """The (2N, 3) triangles with the stars of the (N,) bool `which` recomputed, each among all vertices, exactly.

    `STARS_PER_BATCH` stars advance until all are complete or in doubt. Doubtful signs are decided exactly; then the stars
    continue. When all are complete, the next batch starts.
    """
    n, positions = which.shape[0], positions_from(tree.points, tree.distinct)
    order, count = nonzero(which)
    none_selected = jnp.zeros(STARS_PER_BATCH, bool)

    def vertices_from(first):
        places = first + np.arange(STARS_PER_BATCH, dtype=np.int32)
        return jnp.where(places < count, gather(order, places), NONE)

    def advance_batch(_, carry):
        first, star, best, decided, simplices = carry
        vertices = vertices_from(first)

        def step(number, carry):
            star, best, decided, _, others = carry
            likely, doubtful = likely_best(positions, vertices, star)
            best, doubtful = jnp.where(decided, best, likely), doubtful & ~decided
            after, these = advance(vertices, star, best)
            others = platform.scatter_row(others, number, jnp.where(doubtful, NONE, these))
            return jax.tree.map(partial(jnp.where, doubtful), star, after), best, none_selected, doubtful, others

        def can_advance(number, carry):
            star, _, _, doubtful, _ = carry
            return star.unfinished & ~doubtful & (number < MAX_STAR_STEPS)

        others = jnp.full((MAX_STAR_STEPS, 2, STARS_PER_BATCH), NONE)
        initial = star, best, decided, none_selected, others
        star, best, _, doubtful, others = platform.lockstep_while(can_advance, step, initial, UNROLL, rolled=True)
        simplices = with_triangles(simplices, vertices, others)
        best = best_of_all(tree.unscaled, positions, vertices, star, doubtful, best)
        complete = ~star.unfinished.any()
        first = jnp.where(complete, first + STARS_PER_BATCH, first)
        star = jax.tree.map(partial(jnp.where, complete), initial_star(vertices_from(first)), star)
        return first, star, best, doubtful, simplices

    def unfinished(number, carry):
        # A planar triangulation has fewer than 6N corners. Every star begins, ends, and may reverse once.
        return (carry[0] < count) & (number <= 9 * n)

    simplices = jnp.where(gather(which, simplices[:, :1]), NONE, simplices)
    stars = initial_star(vertices_from(np.int32(0)))
    initial = np.int32(0), stars, jnp.zeros(STARS_PER_BATCH, jnp.int32), none_selected, simplices
    return platform.lockstep_while(unfinished, advance_batch, initial)[4]
