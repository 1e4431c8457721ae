"""The Delaunay triangulation of a source-plane mesh, in pure JAX, from the star of every vertex.

The star of a vertex is the fan of Delaunay triangles around it. Every star is found on its own: start at the
neighbour whose bisector lies nearest, then turn from neighbour to neighbour by the empty-circle rule. All stars are
first sought among the few dozen vertices that a spatial sort puts near them, one by one on a CPU and in lockstep on a GPU.
Those that meet the hull, or do not agree with others, are sought again among all vertices, of which the spatial sort rules
out whole blocks. There is no host callback.

Stars that agree with each other are a Delaunay triangulation, and agreement is cheap to check: that check is the
certificate. Co-circular vertices, which have no unique triangulation, are settled by lifting each vertex by a tiny
fixed weight, in the spirit of simulation of simplicity (Edelsbrunner & Muecke 1990, ACM Trans. Graph. 9, 66); the
result is a regular triangulation of the unmoved vertices. Building a triangulation from independent stars follows
star splaying (Shewchuk 2005, Proc. 21st Symp. Comp. Geom., 237).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from knn_barycentric import backend
from knn_barycentric.certificate import certificate
from knn_barycentric.places import NONE, SKIP, at
from knn_barycentric.spatial_sort import Near, SpatialSort, near_vertices, spatial_sort
from knn_barycentric.table import dual_areas_from, edges_of, neighbors_across, sorted_edges, vertex_simplex_from
from knn_barycentric.triangle import FLAT
from knn_barycentric.turning import edge_of, next_neighbour, out_of_reach, sites_from, star_of, turned, view_from

TIE_WEIGHT = 1.0e-9
"""First weight that settles ties, as a fraction of the squared distance to a vertex's nearest neighbour."""

TIE_ROUNDS = 5
"""How many tie weights, each ten times the one before, are tried before a mesh is refused."""


COINCIDENT = 2.0 * FLAT
"""Vertices nearer to each other than so many machine epsilons of the mesh's extent count as coincident."""


class Triangulation(NamedTuple):
    """A Delaunay triangulation of N vertices in arrays of fixed shape, so that it can be traced.

    The tables have the meaning and padding of those that autoarray's JAX Delaunay path takes from Qhull
    (`autoarray.inversion.mesh.interpolator.delaunay.scipy_delaunay_tri_only`). T = 2N - 2 - H rows are in use,
    where H is the number of hull edges.

    Attributes
    ----------
    simplices
        (2N, 3) int32, the vertices of every triangle, counter-clockwise in the order of the input's columns;
        -1 in unused rows.
    neighbors
        (2N, 3) int32, column k holds the triangle opposite vertex k; -1 at the hull and in unused rows.
    vertex_simplex
        (N,) int32, a triangle that contains each vertex, from which one can turn counter-clockwise through all that do; -1 for
        a vertex without one (a duplicate).
    dual_areas
        (N,) float, a third of the area of each vertex's triangles (arcsec^2 for vertices in arcsec); NaN if not certified.
    certified
        () bool, whether the tables passed every level of the certificate. Where it is false the tables must not
        be used; `interpolator.InterpolatorKNNBarycentric` turns it into NaN weights.
    """

    simplices: jax.Array
    neighbors: jax.Array
    vertex_simplex: jax.Array
    dual_areas: jax.Array
    certified: jax.Array


def triangulate(points: Array, sort: SpatialSort | None = None) -> Triangulation:
    """The Delaunay triangulation of a mesh; works under `jit`, `vmap` and `grad`, and on NumPy arrays.

    The integer tables are piecewise constant in the vertex positions, so gradients stop there; the dual areas are
    computed from the traced vertices, which makes `jax.grad` the exact almost-everywhere derivative.

    Coincident vertices (to `COINCIDENT`): the first keeps the place, the others own no triangle and no area. Fewer than
    three distinct vertices, or all on one line: no triangle at all, which is certified.

    Parameters
    ----------
    points
        (N, 2) float, the mesh vertices (arcsec).
    sort
        Their `SpatialSort`, if it is at hand already.

    Returns
    -------
    Triangulation
        With NumPy arrays where `points` is one.

    Raises
    ------
    ValueError
        If `points` is not of shape (N, 2) with N >= 1.
    TypeError
        If `points` is not floating point, or is fp64 while JAX runs in fp32.
    """
    check_coordinates("points", points)

    triangulation, _ = _triangulate(points, spatial_sort(points) if sort is None else sort)
    return Triangulation(*map(np.asarray, triangulation)) if isinstance(points, np.ndarray) else triangulation


class Effort(NamedTuple):
    """What a triangulation took.

    Attributes
    ----------
    tie_rounds
        () int32, how many tie weights were tried, at least 1 and at most `TIE_ROUNDS`.
    sought_again
        () int32, how many stars of the last round were sought again, beyond the vertices near them.
    """

    tie_rounds: jax.Array
    sought_again: jax.Array


def effort_of(points: Array) -> Effort:
    """What the triangulation of (N, 2) `points` takes; works under `jit` and `vmap`."""
    check_coordinates("points", points)
    return _triangulate(points, spatial_sort(points))[1]


def check_coordinates(name: str, coordinates):
    """Raise a `ValueError` or `TypeError` that names the argument unless `coordinates` is (M, 2) floating point."""
    shape = jnp.shape(coordinates)
    if len(shape) != 2 or shape[1] != 2 or shape[0] == 0:
        raise ValueError(f"`{name}` has shape {shape}; give coordinates of shape (number, 2).")
    dtype = coordinates.dtype
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"`{name}` has dtype {dtype}; give floating point coordinates.")
    if dtype == np.float64 and not jax.config.jax_enable_x64:
        raise TypeError(
            f"`{name}` is fp64 but JAX runs in fp32; import autolens (or autoarray) before jax, which enables fp64."
        )


@jax.jit
def _triangulate(points, sort):
    simplices, neighbors, vertex_simplex, certified, effort = _certified_tables(lax.stop_gradient(points), sort)
    triangulation = Triangulation(
        simplices=simplices,
        neighbors=neighbors,
        vertex_simplex=vertex_simplex,
        dual_areas=jnp.where(certified, dual_areas_from(points, simplices), jnp.nan),
        certified=certified,
    )
    return triangulation, effort


@backend.lane_by_lane
def _certified_tables(points, sort):
    # In as few kernels as the sort of the edges lets be: each takes its time to compile, whatever is in it.
    points, finite, distinct, nearest, near, begun = backend.one_kernel(_begun)(points, sort)

    def seek(carry):
        rounds, *_ = carry
        lift, simplices, edges, agree, sought_again = backend.one_kernel(_sought)(
            points, distinct, nearest, near, rounds
        )
        return backend.one_kernel(_checked)(
            points, distinct, lift, simplices, sorted_edges(edges), agree, rounds, sought_again
        )

    def refused(carry):
        rounds, _, _, certified = carry
        return ~certified & (rounds < TIE_ROUNDS + 1)

    rounds, sought_again, tables, certified = lax.while_loop(refused, seek, begun)
    return *tables, certified & finite, Effort(jnp.maximum(rounds - 1, 1), sought_again)


def _begun(points, sort):
    """What every round has to know of a mesh; and what the first begins with."""
    finite = jnp.isfinite(sort.extent)
    points = jnp.where(finite, points, 0.0)
    near = near_vertices(sort)
    n, none = len(points), np.int32(0)
    empty = jnp.full((2 * n, 3), NONE), jnp.full((2 * n, 3), NONE), jnp.full(n, NONE)
    return points, finite, *neighbourhoods(points, sort, near), near, (none, none, empty, np.False_)


def _sought(points, distinct, nearest, near, rounds):
    """The tie weights of a round, the triangles that it finds and their edges; and whether its stars agree."""
    # A second round among all vertices settles whether it was the candidates or the ties; then the weights grow.
    lift = tie_weights(nearest, at(jnp.asarray(TIE_WEIGHT * 10.0 ** np.arange(TIE_ROUNDS), points.dtype), rounds - 1))
    simplices, agree, sought_again = simplices_from_stars(points, distinct, lift, near, rounds == 0)
    return lift, simplices, edges_of(simplices), agree, sought_again


def _checked(points, distinct, lift, simplices, edges, agree, rounds, sought_again):
    """What a round ends with: how many there were, the stars that it sought again, its tables, whether they are certified."""
    neighbors = neighbors_across(edges)
    tables = simplices, neighbors, vertex_simplex_from(simplices, neighbors)
    return rounds + 1, sought_again, tables, agree & certificate(points, distinct, lift, *tables)


@backend.one_kernel
def neighbourhoods(points: Array, sort: SpatialSort, near: Near) -> tuple[Array, Array]:
    """Which vertices take part in the triangulation, and how near their nearest neighbours are.

    A vertex within `COINCIDENT` of an earlier one is left out like an exact duplicate: any triangle on both of them and
    a third vertex a mesh's extent away is collinear to rounding. Qhull does the same on its own scale.

    Parameters
    ----------
    points
        (N, 2) float, finite.
    sort, near
        Their `SpatialSort`, and its `near_vertices`.

    Returns
    -------
    distinct
        (N,) bool, those that take part.
    nearest
        (N,) float, the squared distance of each vertex to the nearest of those near it that is none of its duplicates (inf if
        there is none).
    """
    sites = sites_from(points, sort.first, jnp.zeros_like(points[:, 0]))
    bound = (COINCIDENT * jnp.finfo(points.dtype).eps * sort.extent) ** 2

    def repeats_and_nearest(vertex):
        vertices = vertex[None]
        candidates = near.to(vertices)
        view = view_from(at(sites, vertices), candidates, at(sites, candidates))
        same = view.squared <= bound
        (earliest,) = backend.least(jnp.where(same, candidates, vertex))
        (nearest,) = backend.least(jnp.where(same, np.inf, view.squared))
        return earliest < vertex, nearest

    repeats, nearest = backend.each(repeats_and_nearest, jnp.arange(len(points), dtype=jnp.int32))
    return sort.first & ~repeats, nearest


def tie_weights(nearest: Array, fraction: Array) -> Array:
    """(N,) float: the weight by which each vertex is lifted, up to `fraction` of `nearest`.

    The pseudo-random factors are fixed, so the same mesh always settles its ties the same way.
    """
    factors = np.random.default_rng(0).random(nearest.shape[0])
    return jnp.where(jnp.isfinite(nearest), nearest, 0.0) * fraction * jnp.asarray(factors, nearest.dtype)


class Triangles(NamedTuple):
    """The triangles that the stars of N vertices have found.

    Attributes
    ----------
    simplices
        (2N + V, 3) int32, each triangle once, written by the star of its smallest vertex; -1 in unused rows. V is how many stars
        are turned at once, some of which may have none to write.
    count
        () int32, the number of rows in use.
    complete
        (N,) bool, whether the star of each vertex is complete.
    keys
        (N,) uint32, the sum of the `keys_from` of its triangles.
    """

    simplices: jax.Array
    count: jax.Array
    complete: jax.Array
    keys: jax.Array


def keys_from(simplices: Array, number: int) -> Array:
    """(V, 3) uint32: what each triangle is to each of its vertices, by a key of the edge on its other side.

    Fixed and pseudo-random, so that of a vertex of a mesh of `number` two sets of triangles with equal sums are equal, all but
    surely.
    """
    of_vertex = jnp.asarray(np.random.default_rng(1).integers(2**32, size=number, dtype=np.uint32) | 1)
    a, b, c = at(of_vertex, simplices).T
    return jnp.stack([b * c, c * a, a * b], axis=1)


def written(triangles: Triangles, corners: Array, new: Array) -> Triangles:
    """`triangles` with those of the (V, 3) `corners` that are new and begin with their smallest vertex."""
    mine = new & (corners[:, 0] < corners[:, 1]) & (corners[:, 0] < corners[:, 2])
    rows, number = in_front(corners, mine)
    # Rows past the end of the table, if there are any, are overwritten: such stars do not agree.
    simplices = lax.dynamic_update_slice_in_dim(triangles.simplices, rows, triangles.count, axis=0)
    return triangles._replace(simplices=simplices, count=triangles.count + number)


def without(triangles: Triangles, vertices: Array) -> Triangles:
    """`triangles` without the stars of the (N,) bool `vertices`."""
    simplices = triangles.simplices
    rows, number = in_front(simplices, (simplices[:, 0] >= 0) & ~at(vertices, simplices[:, 0]))
    return triangles._replace(simplices=rows, count=number, complete=triangles.complete & ~vertices)


def in_front(rows: Array, which: Array) -> tuple[Array, Array]:
    """Those of the (V, 3) rows that the (V,) bool `which` says in front of rows of -1; and () int32, how many they are."""
    if len(rows) == 1:
        # A line of one needs no sort.
        return jnp.where(which[0], rows, NONE), which[0].astype(jnp.int32)
    line, number = backend.line_of(which)
    used = line < len(rows)
    return jnp.where(used[:, None], at(rows, line), NONE), number


@backend.one_kernel
def simplices_from_stars(
    points: Array, distinct: Array, lift: Array, near: Near | None = None, trusted: bool | Array = np.True_
) -> tuple[Array, Array, Array]:
    """The triangles of all vertex stars: sought among near vertices, and again wherever stars disagree.

    Those in doubt are sought among all vertices, which puts them beyond doubt, and those that do not agree with them are next.

    Parameters
    ----------
    points
        (N, 2) float, finite.
    distinct
        (N,) bool, the vertices that take part.
    lift
        (N,) float, the tie weights.
    near
        The vertices near each vertex. If omitted all stars are sought among all vertices, which is
        always right and O(N^2): the reference implementation.
    trusted
        () bool; if false, all stars are sought among all vertices although `near` is given.

    Returns
    -------
    simplices
        (2N, 3) int32, as in `Triangles`.
    agree
        () bool, whether the stars of all vertices are complete, and have the triangles that the table has there.
    sought_again
        () int32, how many stars were sought beyond the vertices near them.
    """
    n = points.shape[0]
    nobody, no_keys = jnp.zeros(n, bool), jnp.zeros(n, jnp.uint32)
    spare = backend.rows_at_once(n if near is None else near.blocks.size)
    triangles = Triangles(jnp.full((2 * n + spare, 3), -1, jnp.int32), np.int32(0), ~distinct, no_keys)
    sites = sites_from(points, distinct, lift)
    if near is not None:
        triangles = among_near_vertices(sites, distinct & trusted, triangles, near)

    def seek_again(carry):
        triangles, exact, named, _, _, sought = carry
        agree = agreement(triangles, exact, named)
        doubtful = ~agree & ~exact
        disagree, number = backend.sums(~agree, doubtful)
        triangles, by_these = among_all_vertices(sites, without(triangles, doubtful), doubtful, near)
        return triangles, exact | doubtful, named + by_these, disagree, number, sought + number

    # The last time around, nobody is in doubt and nothing is sought.
    begun = (triangles, nobody, no_keys, np.int32(0), np.int32(1), np.int32(0))
    triangles, _, _, disagree, _, sought = lax.while_loop(lambda carry: carry[4] > 0, seek_again, begun)
    return triangles.simplices[: 2 * n], disagree == 0, sought


def agreement(triangles: Triangles, exact: Array, named: Array) -> Array:
    """(N,) bool: the vertices whose stars are complete, and agree with the table and with the stars that are beyond doubt.

    Parameters
    ----------
    triangles
        The `Triangles`.
    exact
        (N,) bool, whose stars were sought among all vertices.
    named
        (N,) uint32, the sum of the `keys_from` of the triangles that exact stars have in common with each vertex.
    """
    simplices, n = triangles.simplices, exact.shape[0]
    # Of each vertex the keys of its triangles, and the keys of those again for each other vertex whose star is exact.
    in_table = jnp.zeros((n, 2), jnp.uint32)

    def tell(in_table, rows):
        corners = at(simplices, rows)
        by_exact = at(exact, corners).astype(jnp.uint32)
        keys = keys_from(corners, n)
        for k in range(3):
            others = by_exact[:, (k + 1) % 3] + by_exact[:, (k + 2) % 3]
            told = jnp.stack([keys[:, k], others * keys[:, k]], axis=1)
            in_table = in_table.at[corners[:, k]].add(told, **SKIP)
        return in_table

    in_table = backend.in_turn(tell, in_table, np.arange(len(simplices), dtype=np.int32))
    return triangles.complete & (in_table == jnp.stack([triangles.keys, named], axis=-1)).all(axis=-1)


def among_near_vertices(sites: Array, which: Array, triangles: Triangles, near: Near) -> Triangles:
    """Add the stars of the (N,) bool `which` to what is known, each among those near it.

    `sites` are those of `turning.sites_from`.
    """
    return backend.in_turn(partial(_turn_among_near, sites, which, near), triangles, near.blocks.reshape(-1))


def _turn_among_near(sites, which, near, triangles, vertices):
    n = which.shape[0]
    sought = (vertices < n) & at(which, vertices)
    candidates = near.to(vertices)
    view = view_from(at(sites, vertices), candidates, at(sites, candidates))

    def step(carry):
        turns, star, keys, triangles = carry
        following, offset = next_neighbour(edge_of(sites, vertices, star), view)
        star, corners, new = turned(vertices, star, following, offset < jnp.inf)
        keys = keys + jnp.where(new, keys_from(corners, n)[:, 0], np.uint32(0))
        return turns + 1, star, keys, written(triangles, corners, new)

    def unfinished(carry):
        turns, star, _, _ = carry
        # A star that is right has fewer triangles than candidates.
        return star.turning.any() & (turns <= len(candidates) + 2)

    begun = (
        jnp.zeros((), jnp.int32),
        star_of(jnp.where(sought, vertices, NONE)),
        at(triangles.keys, vertices),
        triangles,
    )
    _, star, keys, triangles = lax.while_loop(unfinished, step, begun)
    # Who sees the hull in what is near may not see what lies beyond.
    complete = at(triangles.complete, vertices) | (sought & ~star.turning & ~star.clockwise)
    return triangles._replace(
        complete=triangles.complete.at[vertices].set(complete, **SKIP),
        keys=triangles.keys.at[vertices].set(keys, **SKIP),
    )


def among_all_vertices(sites: Array, triangles: Triangles, which: Array, near: Near | None) -> tuple[Triangles, Array]:
    """Add the stars of the (N,) bool `which` to what is known, each among all vertices.

    `sites` are those of `turning.sites_from`. So many are turned at once as `backend.stars_at_once` says. Those near a vertex
    are looked at first, then block by block the others, which a CPU mostly spares: a block is a few leaves of the sort.

    Returns
    -------
    triangles
        The `Triangles`.
    named
        (N,) uint32, the sum of the `keys_from` of the triangles that these stars have in common with each vertex.
    """
    n = which.shape[0]
    if near is None:
        blocks, boxes = jnp.arange(n, dtype=jnp.int32)[None], jnp.full((1, 4), np.inf)
    else:
        blocks, boxes = near.blocks, near.boxes
    of_blocks, order = at(sites, blocks), blocks.reshape(-1)
    line, sought = backend.line_of((order < n) & at(which, order))

    def vertex_of(place):
        return jnp.where(place < sought, at(order, at(line, place)), NONE)

    def best_of(vertices, edge):
        own = at(sites, vertices)

        def best_of_block(k, found):
            best, smallest = found
            view = view_from(own, at(blocks, k)[:, None], at(of_blocks, k)[:, None])
            following, offset = next_neighbour(edge, view)
            return jnp.where(offset < smallest, following, best), jnp.minimum(offset, smallest)

        def look(k, found):
            return backend.unless(out_of_reach(edge, own, at(boxes, k), found[1]), partial(best_of_block, k), found)

        found = jnp.zeros_like(vertices), jnp.full(vertices.shape, np.inf, sites.dtype)
        if near is not None:
            close = near.to(vertices)
            found = next_neighbour(edge, view_from(own, close, at(sites, close)))
        return lax.fori_loop(np.int32(0), np.int32(len(blocks)), look, found)

    def step(carry):
        turns, place, star, triangles, told = carry
        vertices = jnp.maximum(vertex_of(place), 0)
        following, offset = best_of(vertices, edge_of(sites, vertices, star))
        star, corners, new = turned(vertices, star, following, offset < jnp.inf)
        # What its own star tells of a vertex, and N places further what the stars of others do.
        here = jnp.where(new[:, None], corners + np.asarray([0, n, n], np.int32), NONE)
        keys = keys_from(corners, n)
        for k in range(3):
            told = told.at[here[:, k]].add(keys[:, k], **SKIP)
        # Who is done makes room for the next in line.
        ended = ~star.turning
        place = jnp.where(ended, jnp.minimum(place.max() + jnp.cumsum(ended, dtype=jnp.int32), n), place)
        star = jax.tree.map(partial(jnp.where, ended), star_of(vertex_of(place)), star)
        return turns + 1, place, star, written(triangles, corners, new), told

    def unfinished(carry):
        # A planar triangulation has fewer than 6N corners: stars that find more can never agree.
        turns, place, _, _, _ = carry
        return (place.min() < sought) & (turns <= 9 * n)

    place = jnp.arange(min(n, backend.stars_at_once()), dtype=jnp.int32)
    begun = (jnp.zeros((), jnp.int32), place, star_of(vertex_of(place)), triangles, jnp.zeros(2 * n, jnp.uint32))
    _, place, _, triangles, told = lax.while_loop(unfinished, step, begun)
    ended = place.min() >= sought
    triangles = triangles._replace(
        complete=triangles.complete | (which & ended), keys=jnp.where(which, told[:n], triangles.keys)
    )
    return triangles, told[n:]
