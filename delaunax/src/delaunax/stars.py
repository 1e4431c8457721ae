"""The triangles of a mesh from the stars of its vertices.

The star of a vertex is the fan of Delaunay triangles around it. A GPU finds every star on its own, by turning from neighbour
to neighbour (`turning`): first all among the vertices that a k-d tree puts near them, in lockstep and in floating point. A CPU
takes them from the triangles of `insertion`. Those that meet the hull among near vertices, that do not agree with others
or are in doubt are sought again among all vertices, of which the tree rules out whole blocks, and exactly (`exact_turning`).
There is no host callback.

Building a triangulation from independent stars follows star splaying (Shewchuk 2005, Proc. 21st Symp. Comp. Geom., 237).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import backend
from delaunax.exact_turning import best_neighbour, out_of_reach
from delaunax.indexing import DROP, NONE, gather
from delaunax.kd_tree import KDTree, Near, blocks_of
from delaunax.turning import edge_of, next_neighbour, sites_from, star_of, turned, view_from


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
    blocks, boxes
        All of them in blocks, and the boxes around these (`kd_tree.blocks_of`).
    """

    points: jax.Array
    unscaled: jax.Array
    distinct: jax.Array
    rank: jax.Array
    blocks: jax.Array
    boxes: jax.Array


def vertices_from(points: Array, tree: KDTree) -> Vertices:
    """The `Vertices` at (N, 2) points, as they are stored, by their tree."""
    return Vertices(tree.points, points, tree.first, tree.rank, *blocks_of(tree))


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
        stars = among_all_vertices(vertices, without(stars, doubtful), doubtful)
        doubtful = ~agreement(stars) & ~stars.exact
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

    in_table = backend.scan_rows(add_keys, jnp.zeros((n, 2), jnp.uint32), np.arange(len(simplices), dtype=np.int32))
    return stars.complete & (in_table == jnp.stack([stars.keys, stars.exact_keys], axis=-1)).all(axis=-1)


def among_near_vertices(vertices: Vertices, near: Near, which: Array) -> Stars:
    """The `Stars` of the (N,) bool `which`, each among those near it, in floating point."""
    step = partial(_turn_among_near, sites_from(vertices.points, vertices.distinct), which, near)
    return backend.scan_rows(step, no_stars(vertices), vertices.blocks.reshape(-1))


def _turn_among_near(sites, which, near, stars, vertices):
    n = which.shape[0]
    wanted = (vertices < n) & gather(which, vertices)
    candidates = near.to(vertices)
    view = view_from(gather(sites, vertices), candidates, gather(sites, candidates))

    def step(carry):
        turns, star, keys, stars = carry
        following, found = next_neighbour(vertices, star.current, edge_of(sites, vertices, star), view)
        star, corners, new = turned(vertices, star, following, found)
        keys = keys + jnp.where(new, keys_from(corners, n)[:, 0], np.uint32(0))
        return turns + 1, star, keys, appended(stars, corners, new)

    def unfinished(carry):
        turns, star, _, _ = carry
        # A star that is right has fewer triangles than candidates.
        return star.turning.any() & (turns <= len(candidates) + 2)

    star = star_of(jnp.where(wanted, vertices, NONE))
    begun = np.int32(0), star, gather(stars.keys, vertices), stars
    _, star, keys, stars = backend.while_any(unfinished, step, begun, at_once=2)
    # Who sees the hull in what is near may not see what lies beyond.
    complete = gather(stars.complete, vertices) | (wanted & ~star.turning & ~star.clockwise)
    return stars._replace(
        complete=stars.complete.at[vertices].set(complete, **DROP), keys=stars.keys.at[vertices].set(keys, **DROP)
    )


def among_all_vertices(vertices: Vertices, stars: Stars, which: Array) -> Stars:
    """Add the stars of the (N,) bool `which`, each among all vertices, exactly.

    So many are turned at once as `backend.stars_at_once` says. They look at the block of the first of them, then at the others,
    most of which a CPU skips.
    """
    n, (count, width) = which.shape[0], vertices.blocks.shape
    sites = sites_from(vertices.points, vertices.distinct)
    order = vertices.blocks.reshape(-1)
    places, number = backend.nonzero((order < n) & gather(which, order))

    def vertex_of(place):
        return jnp.where(place < number, gather(order, gather(places, place)), NONE)

    def best_of(viewers, star, home):
        edge = edge_of(sites, viewers, star)
        better = partial(best_neighbour, vertices.unscaled, sites, viewers, star.current, edge)

        if count == 1:
            return better(None, candidates=vertices.blocks[0][:, None])

        def look(k, best):
            block = lax.rem(home + k, np.int32(count))
            skipped = out_of_reach(sites, viewers, edge, best, gather(vertices.boxes, block))
            candidates = gather(vertices.blocks, block)[:, None]
            return backend.skip_if(skipped, partial(better, candidates=candidates), best)

        return lax.fori_loop(np.int32(0), np.int32(count), look, jnp.full_like(viewers, n))

    def step(carry):
        turns, place, star, stars, keys = carry
        viewers = jnp.maximum(vertex_of(place), 0)
        following = best_of(viewers, star, home=lax.div(gather(places, place[0]), np.int32(width)))
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

    place = jnp.arange(min(n, backend.stars_at_once()), dtype=jnp.int32)
    begun = np.int32(0), place, star_of(vertex_of(place)), stars, jnp.zeros(2 * n, jnp.uint32)
    _, place, _, stars, keys = backend.while_any(unfinished, step, begun)
    return stars._replace(
        complete=stars.complete | (which & (place.min() >= number)),
        exact=stars.exact | which,
        keys=jnp.where(which, keys[:n], stars.keys),
        exact_keys=stars.exact_keys + keys[n:],
    )
