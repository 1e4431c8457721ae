"""The triangles of a mesh from the stars of its vertices.

What is fastest on a GPU, and what is done wherever a CPU cannot insert vertices one by one (`insertion`).

The star of a vertex is the fan of Delaunay triangles around it. Every star is found on its own, by turning from neighbour to
neighbour (`turning`): first all of them among the vertices that a k-d tree puts near them, in lockstep and in floating point.
Those that meet the hull there, do not agree with others, or are in doubt are sought again among all vertices, and exactly
(`exact_turning`).

Building a triangulation from independent stars follows star splaying (Shewchuk 2005, Proc. 21st Symp. Comp. Geom., 237).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import backend
from delaunax.exact_turning import best_neighbour
from delaunax.indexing import DROP, NONE, gather
from delaunax.kd_tree import KDTree, Near
from delaunax.turning import edge_of, next_neighbour, sites_from, star_of, turned, view_from

TOGETHER = 64
"""How many stars are sought again at once."""

BLOCK = 4096
"""Among how many vertices each of them looks for its next triangle at once: few enough for the memory of a GPU's batch."""


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


class Stars(NamedTuple):
    """What is known of the stars of N vertices, and the triangles that they have found.

    Attributes
    ----------
    simplices
        (2N, 3) int32, each triangle once, written by the star of its smallest vertex; -1 in unused rows.
    number
        () int32, how many rows are in use.
    complete
        (N,) bool, whether the star of each vertex is complete.
    exact
        (N,) bool, whose stars were sought among all vertices, exactly.
    keys
        (N,) uint32, the sum of the `keys_from` of the triangles of each vertex's own star.
    exact_keys
        (N,) uint32, the sum of the `keys_from` of the triangles that exact stars of others have in common with each vertex.
    """

    simplices: jax.Array
    number: jax.Array
    complete: jax.Array
    exact: jax.Array
    keys: jax.Array
    exact_keys: jax.Array


def no_stars(vertices: Vertices) -> Stars:
    """The `Stars` before any is sought; those of vertices that take no part are complete."""
    n = len(vertices.points)
    nobody, no_keys = jnp.zeros(n, bool), jnp.zeros(n, jnp.uint32)
    return Stars(jnp.full((2 * n, 3), NONE), jnp.int32(0), ~vertices.distinct, nobody, no_keys, no_keys)


def keys_from(simplices: Array, number: int) -> Array:
    """(V, 3) uint32: what each triangle is to each of its vertices, by a key of the edge on its other side.

    Fixed and pseudo-random, so that of a vertex of a mesh of `number` two sets of triangles with equal sums are equal, all but
    surely. The certificate does not rely on that.
    """
    of_vertex = jnp.asarray(np.random.default_rng(1).integers(2**32, size=number, dtype=np.uint32) | 1)
    a, b, c = gather(of_vertex, simplices).T
    return jnp.stack([b * c, c * a, a * b], axis=1)


def appended(stars: Stars, corners: Array, new: Array) -> Stars:
    """`stars` with those of the (V, 3) triangles that are new and begin with their smallest vertex."""
    mine = new & (corners[:, 0] < corners[:, 1]) & (corners[:, 0] < corners[:, 2])
    # Where the table is full a triangle is left out: its star does not agree.
    places = jnp.where(mine, stars.number + backend.running_sums(mine), NONE)
    (number,) = backend.sums(mine)
    simplices = stars.simplices.at[places].set(corners, **DROP)
    return stars._replace(simplices=simplices, number=stars.number + number)


def without(stars: Stars, vertices: Array) -> Stars:
    """`stars` without those of the (N,) bool `vertices`."""
    simplices = stars.simplices
    places, number = backend.nonzero((simplices[:, 0] >= 0) & ~gather(vertices, simplices[:, 0]))
    rows = jnp.where((places < len(simplices))[:, None], gather(simplices, places), NONE)
    return stars._replace(simplices=rows, number=number, complete=stars.complete & ~vertices)


def in_agreement(vertices: Vertices, stars: Stars, doubtful: Array) -> Stars:
    """Seek stars exactly: the (N,) bool `doubtful`, then those that do not agree, until all agree or are exact."""

    def seek(carry):
        stars, doubtful, _ = carry
        stars = backend.fused(among_all_vertices)(vertices, backend.fused(without)(stars, doubtful), doubtful)
        doubtful = ~backend.fused(agreement)(stars) & ~stars.exact
        return stars, doubtful, doubtful.any()

    return backend.while_any(lambda carry: carry[2], seek, (stars, doubtful, doubtful.any()))[0]


def agreement(stars: Stars) -> Array:
    """(N,) bool: the vertices whose stars are complete, and agree with the table and with the stars that are exact."""
    simplices, n = stars.simplices, stars.exact.shape[0]

    def add_keys(in_table, rows):
        # Of each vertex the keys of its triangles, and the keys of those again for each other vertex whose star is exact.
        corners = gather(simplices, rows)
        by_exact = gather(stars.exact, corners).astype(jnp.uint32)
        keys = keys_from(corners, n)
        for k in range(3):
            others = by_exact[:, (k + 1) % 3] + by_exact[:, (k + 2) % 3]
            both = jnp.stack([keys[:, k], others * keys[:, k]], axis=1)
            in_table = in_table.at[corners[:, k]].add(both, **DROP)
        return in_table

    in_table = backend.scan_rows(add_keys, jnp.zeros((n, 2), jnp.uint32), len(simplices))
    return stars.complete & (in_table == jnp.stack([stars.keys, stars.exact_keys], axis=-1)).all(axis=-1)


def among_near_vertices(vertices: Vertices, near: Near, which: Array) -> Stars:
    """The `Stars` of the (N,) bool `which`, each among those near it, in floating point."""
    n, sites = which.shape[0], sites_from(vertices.points, vertices.distinct)
    viewers = vertices.leaves.reshape(-1)
    wanted = (viewers < n) & gather(which, viewers)
    candidates = near.to(viewers)
    view = view_from(gather(sites, viewers), candidates, gather(sites, candidates))

    def step(carry):
        turns, star, keys, stars = carry
        following, found = next_neighbour(viewers, star.current, edge_of(sites, viewers, star), view)
        star, corners, new = turned(viewers, star, following, found)
        keys = keys + jnp.where(new, keys_from(corners, n)[:, 0], np.uint32(0))
        return turns + 1, star, keys, appended(stars, corners, new)

    def unfinished(carry):
        turns, star, _, _ = carry
        # A star that is right has fewer triangles than candidates.
        return star.turning.any() & (turns <= len(candidates) + 2)

    stars, star = no_stars(vertices), star_of(jnp.where(wanted, viewers, NONE))
    begun = np.int32(0), star, gather(stars.keys, viewers), stars
    _, star, keys, stars = backend.while_any(unfinished, step, begun, at_once=2)
    # Who sees the hull in what is near may not see what lies beyond.
    complete = gather(stars.complete, viewers) | (wanted & ~star.turning & ~star.clockwise)
    return stars._replace(
        complete=stars.complete.at[viewers].set(complete, **DROP), keys=stars.keys.at[viewers].set(keys, **DROP)
    )


def among_all_vertices(vertices: Vertices, stars: Stars, which: Array) -> Stars:
    """Add the stars of the (N,) bool `which`, each among all vertices, exactly: `TOGETHER` stars at once, block by block."""
    n, sites = which.shape[0], sites_from(vertices.points, vertices.distinct)
    order, leaf = vertices.leaves.reshape(-1), vertices.leaves.shape[1]
    # Of leaves as many as have room in a block, and a power of two of them.
    blocks = order.reshape(-(-len(vertices.leaves) // 2 ** ((BLOCK // leaf).bit_length() - 1)), -1)
    places, number = backend.nonzero((order < n) & gather(which, order))

    def vertex_of(place):
        return jnp.where(place < number, gather(order, gather(places, place)), NONE)

    def best_of(viewers, star):
        edge = edge_of(sites, viewers, star)
        better = partial(best_neighbour, vertices.unscaled, sites, viewers, star.current, edge)

        if len(blocks) == 1:
            return better(None, candidates=blocks[0][:, None])

        def look(k, best):
            return better(best, candidates=gather(blocks, k)[:, None])

        return lax.fori_loop(np.int32(0), np.int32(len(blocks)), look, jnp.full_like(viewers, n))

    def step(carry):
        turns, place, star, stars, keys = carry
        viewers = jnp.maximum(vertex_of(place), 0)
        following = best_of(viewers, star)
        star, corners, new = turned(viewers, star, following, following < n)
        # A vertex's own keys, and N places further those that the stars of others have for it.
        here = jnp.where(new[:, None], corners + np.asarray([0, n, n], np.int32), NONE)
        of_corners = keys_from(corners, n)
        for k in range(3):
            keys = keys.at[here[:, k]].add(of_corners[:, k], **DROP)
        # Who is done makes room for the next.
        ended = ~star.turning
        place = jnp.where(ended, jnp.minimum(place.max() + 1 + backend.running_sums(ended), n), place)
        star = jax.tree.map(partial(jnp.where, ended), star_of(vertex_of(place)), star)
        return turns + 1, place, star, appended(stars, corners, new), keys

    def unfinished(carry):
        # A planar triangulation has fewer than 6N corners, and every star begins, ends, and may turn around.
        turns, place, _, _, _ = carry
        return (place.min() < number) & (turns <= 9 * n)

    place = jnp.arange(min(n, TOGETHER), dtype=jnp.int32)
    begun = np.int32(0), place, star_of(vertex_of(place)), stars, jnp.zeros(2 * n, jnp.uint32)
    _, place, _, stars, keys = backend.while_any(unfinished, step, begun)
    return stars._replace(
        complete=stars.complete | (which & (place.min() >= number)),
        exact=stars.exact | which,
        keys=jnp.where(which, keys[:n], stars.keys),
        exact_keys=stars.exact_keys + keys[n:],
    )
