"""The Delaunay triangulation of a source-plane mesh, in pure JAX, from the star of every vertex.

The star of a vertex is the fan of Delaunay triangles around it. Every star is found on its own: start at the
neighbour whose bisector lies nearest, then turn from neighbour to neighbour by the empty-circle rule. All stars are
first sought in lockstep among the few dozen vertices that a spatial sort puts near them; those that meet the hull, or do
not agree with others, are sought again among all vertices. There is no host callback and no loop over vmap lanes.

Stars that agree with each other are a Delaunay triangulation, and agreement is cheap to check: that check is the
certificate. Co-circular vertices, which have no unique triangulation, are settled by lifting each vertex by a tiny
fixed weight, in the spirit of simulation of simplicity (Edelsbrunner & Muecke 1990, ACM Trans. Graph. 9, 66); the
result is a regular triangulation of the unmoved vertices. Building a triangulation from independent stars follows
star splaying (Shewchuk 2005, Proc. 21st Symp. Comp. Geom., 237).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from knn_barycentric import backend
from knn_barycentric.certificate import certificate
from knn_barycentric.spatial_sort import SpatialSort, spatial_sort, vertices_near_leaves
from knn_barycentric.table import at_vertices, degree_from, dual_areas_from, neighbors_from, vertex_simplex_from
from knn_barycentric.triangle import FLAT, flat

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
        (N,) int32, a triangle that contains each vertex; -1 for a vertex without one (a duplicate).
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
        () int32, how many stars of the last round were sought among all vertices.
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
    frozen = lax.stop_gradient(points)
    finite = jnp.isfinite(frozen).all()
    frozen = jnp.where(finite, frozen, 0.0)
    distinct = first_of_coincident(frozen)
    distinct, near = without_repeats(frozen, distinct, near_view_from(frozen, distinct, sort))
    nearest = nearest_neighbour_distance_squared(near)

    def seek(carry):
        rounds, _, _, _ = carry
        # A second round among all vertices settles whether it was the candidates or the ties; then the weights grow.
        lift = tie_weights(nearest, TIE_WEIGHT * 10.0 ** jnp.maximum(rounds - 1, 0).astype(points.dtype))
        simplices, agree, sought_again = simplices_from_stars(frozen, distinct, lift, near, rounds == 0)
        neighbors, paired = neighbors_from(simplices)
        certified = agree & paired & certificate(frozen, distinct, lift, simplices, neighbors)
        return rounds + 1, sought_again, (simplices, neighbors), certified

    def refused(carry):
        rounds, _, _, certified = carry
        return ~certified & (rounds < TIE_ROUNDS + 1)

    empty, none = jnp.full((2 * points.shape[0], 3), -1, jnp.int32), jnp.zeros((), jnp.int32)
    rounds, sought_again, (simplices, neighbors), certified = lax.while_loop(
        refused, seek, (none, none, (empty, empty), jnp.zeros((), bool))
    )
    certified = certified & finite
    triangulation = Triangulation(
        simplices=simplices,
        neighbors=neighbors,
        vertex_simplex=vertex_simplex_from(simplices),
        dual_areas=jnp.where(certified, dual_areas_from(points, simplices), jnp.nan),
        certified=certified,
    )
    return triangulation, Effort(jnp.maximum(rounds - 1, 1), sought_again)


def first_of_coincident(points: Array) -> Array:
    """(N,) bool: true for the first vertex of every set of coincident ones, false for its duplicates."""
    index = jnp.arange(points.shape[0], dtype=jnp.int32)
    x, y, order = lax.sort((points[:, 0] + 0.0, points[:, 1] + 0.0, index), num_keys=3)
    repeats = jnp.concatenate([jnp.zeros(1, bool), (x[1:] == x[:-1]) & (y[1:] == y[:-1])])
    return jnp.zeros_like(repeats).at[order].set(~repeats)


def without_repeats(points: Array, distinct: Array, near: "View") -> tuple[Array, "View"]:
    """Those of the `distinct` vertices that take part in the triangulation, and the `View` of what is near without others.

    A vertex within `COINCIDENT` of an earlier one is left out like an exact duplicate: any triangle on both of them and
    a third vertex a mesh's extent away is collinear to rounding. Qhull does the same on its own scale.
    """
    vertex = jnp.arange(points.shape[0], dtype=jnp.int32)
    bound = COINCIDENT * jnp.finfo(points.dtype).eps * jnp.ptp(points, axis=0).max()
    repeats = (near.valid & (near.vertex < vertex) & (near.squared <= bound**2)).any(axis=0)
    distinct = distinct & ~repeats
    there = jnp.minimum(near.vertex, points.shape[0] - 1)
    return distinct, near._replace(valid=near.valid & distinct & distinct[there])


def nearest_neighbour_distance_squared(view: "View") -> Array:
    """(N,) float: the squared distance of every vertex to the nearest of its candidates (inf if it has none)."""
    return jnp.where(view.valid, view.squared, jnp.inf).min(axis=0)


def tie_weights(nearest: Array, fraction: Array) -> Array:
    """(N,) float: the weight by which each vertex is lifted, up to `fraction` of `nearest`.

    The pseudo-random factors are fixed, so the same mesh always settles its ties the same way.
    """
    factors = np.random.default_rng(0).random(nearest.shape[0])
    return jnp.where(jnp.isfinite(nearest), nearest, 0.0) * fraction * jnp.asarray(factors, nearest.dtype)


class View(NamedTuple):
    """Candidates (C rows) as seen from vertices (V columns): XLA's CPU backend is fast at minima over rows.

    Attributes
    ----------
    vertex
        (C, V) or (C, 1) int32, the candidates.
    dx, dy, squared
        (C, V) float, their offsets and squared distances.
    valid
        (C, V) bool, false for a vertex itself, for duplicates and for empty places.
    """

    vertex: jax.Array
    dx: jax.Array
    dy: jax.Array
    squared: jax.Array
    valid: jax.Array


def view_from(points: Array, distinct: Array, viewers: Array, candidates: Array) -> View:
    """How `candidates` (C, V) or (C, 1) look from `viewers` (V,), both int32; N marks an empty place in the former."""
    n = points.shape[0]
    there = jnp.minimum(candidates, n - 1)
    dx, dy = (points[there, k] - points[viewers, k] for k in range(2))
    valid = distinct[viewers] & distinct[there] & (candidates < n) & (candidates != viewers)
    return View(candidates, dx, dy, dx**2 + dy**2, valid)


def near_view_from(points: Array, distinct: Array, sort: SpatialSort) -> View:
    """How the vertices of the nearest leaves of a spatial sort look from every vertex."""
    n = points.shape[0]
    of_leaf = vertices_near_leaves(points, sort)
    near = jnp.zeros((n, of_leaf.shape[1]), jnp.int32).at[sort.leaves].set(of_leaf[:, None, :], mode="drop")
    return view_from(points, distinct, jnp.arange(n, dtype=jnp.int32), near.T)


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
    degree
        (V,) int32, the number of its triangles so far.
    """

    current: jax.Array
    start: jax.Array
    clockwise: jax.Array
    turning: jax.Array
    degree: jax.Array


def turned(points: Array, lift: Array, vertices: Array, star: Star, view: View) -> tuple[Star, Array, Array]:
    """Turn stars by one triangle.

    Around vertex v, with d the offset of a neighbour and h = |d|^2 + lift_v - lift the right-hand side of its
    bisector, the star begins at the neighbour of smallest h / |d|. From neighbour c it turns to the candidate
    strictly to the left of c whose circumcentre comes first along c's bisector. It is complete on return to its
    start; if nothing lies left, v is on the hull and the star turns the other way from its start.

    Parameters
    ----------
    points, lift
        (N, 2) and (N,) float, the vertices and their tie weights.
    vertices
        (V,) int32, whose stars they are.
    star
        Their `Star`.
    view
        Their `View`.

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
    c = jnp.maximum(star.current, 0)
    cx, cy = (points[c, k] - points[vertices, k] for k in range(2))
    c_squared = cx**2 + cy**2
    ratio = jnp.where(begins, 0.0, (c_squared + lift[vertices] - lift[c]) / jnp.where(c_squared > 0.0, c_squared, 1.0))
    side = jnp.where(star.clockwise, -1.0, 1.0).astype(points.dtype)
    dot = cx * view.dx + cy * view.dy
    area = (side * cx) * view.dy - (side * cy) * view.dx
    left = view.valid & ~flat(area, 2.0 * (c_squared + view.squared - dot))
    eligible = jnp.where(begins, view.valid, left)
    h = view.squared + lift[vertices] - lift[view.vertex]
    offset = (h - ratio * dot) / jnp.where(begins, jnp.sqrt(view.squared), area)
    row, found = _first_smallest(jnp.where(eligible, offset, jnp.inf))
    found = found & star.turning
    following = jnp.take_along_axis(jnp.broadcast_to(view.vertex, view.dx.shape), row[None], axis=0)[0]

    start = jnp.where(begins, following, star.start)
    new = found & ~begins
    goes_on = jnp.where(found, begins | (following != start), ~begins & ~star.clockwise)
    after = Star(
        current=jnp.where(found, following, start),
        start=start,
        clockwise=star.clockwise | (star.turning & ~found),
        turning=star.turning & goes_on,
        degree=star.degree + new,
    )
    first = jnp.where(star.clockwise, following, star.current)
    second = jnp.where(star.clockwise, star.current, following)
    return after, jnp.stack([vertices, first, second], axis=1), new


def _first_smallest(values):
    """The row of the smallest of (C, V) values in each column, the first of equals; and whether it is finite."""
    # Two plain minima are vectorised where one argmin is not. Without the barrier the compiler may evaluate the
    # values once for each, and round them differently.
    values = lax.optimization_barrier(values)
    smallest = values.min(axis=0)
    rows = jnp.arange(values.shape[0], dtype=jnp.int32)[:, None]
    row = jnp.where(values == smallest, rows, values.shape[0] - 1).min(axis=0)
    return row, smallest < jnp.inf


class Triangles(NamedTuple):
    """The triangles that the stars of N vertices have found.

    Attributes
    ----------
    simplices
        (2N, 3) int32, each triangle once, written by the star of its smallest vertex; -1 in unused rows.
    count
        () int32, the number of rows in use.
    degree
        (N,) int32, how many triangles the star of each vertex has; -1 where it is not complete.
    """

    simplices: jax.Array
    count: jax.Array
    degree: jax.Array


def written(triangles: Triangles, corners: Array, new: Array) -> Triangles:
    """`triangles` with those of the (V, 3) `corners` that are new and begin with their smallest vertex."""
    mine = new & (corners[:, 0] < corners[:, 1]) & (corners[:, 0] < corners[:, 2])
    row = jnp.where(mine, triangles.count + jnp.cumsum(mine) - 1, triangles.simplices.shape[0])
    return triangles._replace(
        simplices=triangles.simplices.at[row].set(corners, mode="drop"),
        count=triangles.count + mine.sum(dtype=jnp.int32),
    )


def without(triangles: Triangles, vertices: Array) -> Triangles:
    """`triangles` without the stars of the (N,) bool `vertices`."""
    rows = triangles.simplices.shape[0]
    keep = (triangles.simplices[:, 0] >= 0) & ~vertices[triangles.simplices[:, 0]]
    row = jnp.where(keep, jnp.cumsum(keep) - 1, rows)
    return Triangles(
        simplices=jnp.full_like(triangles.simplices, -1).at[row].set(triangles.simplices, mode="drop"),
        count=keep.sum(dtype=jnp.int32),
        degree=jnp.where(vertices, -1, triangles.degree),
    )


def simplices_from_stars(
    points: Array, distinct: Array, lift: Array, near: View | None = None, trusted: bool | Array = True
) -> tuple[Array, Array, Array]:
    """The triangles of all vertex stars: sought among near vertices, and among all vertices wherever stars disagree.

    Parameters
    ----------
    points
        (N, 2) float, finite.
    distinct
        (N,) bool, the vertices that take part.
    lift
        (N,) float, the tie weights.
    near
        The `View` of the vertices near each vertex. If omitted all stars are sought among all vertices, which is
        always right and O(N^2): the reference implementation.
    trusted
        () bool; if false, all stars are sought among all vertices although `near` is given.

    Returns
    -------
    simplices
        (2N, 3) int32, as in `Triangles`.
    agree
        () bool, whether every star is complete and every vertex has as many triangles in the table as in its star.
    sought_again
        () int32, how many stars were sought among all vertices.
    """
    n = points.shape[0]
    several = distinct & (distinct.sum() > 1)
    triangles = Triangles(
        simplices=jnp.full((2 * n, 3), -1, jnp.int32),
        count=jnp.zeros((), jnp.int32),
        degree=jnp.where(several, -1, 0),
    )
    if near is not None:
        triangles = among_near_vertices(points, lift, triangles, several & trusted, near)
    exact, named = jnp.zeros(n, bool), jnp.zeros(n, jnp.uint32)

    def seek_again(carry):
        triangles, exact, named, again = carry
        triangles, named = among_all_vertices(points, distinct, lift, without(triangles, again), again, named)
        exact = exact | again
        return triangles, exact, named, doubtful_from(triangles, exact, named)

    triangles, exact, _, _ = lax.while_loop(
        lambda carry: carry[3].any(), seek_again, (triangles, exact, named, doubtful_from(triangles, exact, named))
    )
    agree = (triangles.degree == degree_from(triangles.simplices)).all()
    return triangles.simplices, agree, exact.sum(dtype=jnp.int32)


def doubtful_from(triangles: Triangles, exact: Array, named: Array) -> Array:
    """(N,) bool: the vertices whose stars do not agree with the table, or with the stars that are beyond doubt.

    Parameters
    ----------
    triangles
        The `Triangles`.
    exact
        (N,) bool, whose stars were sought among all vertices.
    named
        (N,) uint32, the sum of `_keys` of those exact vertices in whose stars' triangles each vertex occurs.
    """
    keys = jnp.where(
        exact[triangles.simplices] & (triangles.simplices >= 0), _keys(exact.shape[0])[triangles.simplices], 0
    )
    by_others = keys.sum(axis=1, keepdims=True, dtype=jnp.uint32) - keys
    in_table = at_vertices(triangles.simplices, jnp.zeros_like(named)).add(by_others, mode="drop")
    return ((triangles.degree != degree_from(triangles.simplices)) | (named != in_table)) & ~exact


def _keys(n):
    """(N,) uint32: fixed pseudo-random numbers; equal sums of them mean equal sets of vertices, all but surely."""
    return jnp.asarray(np.random.default_rng(1).integers(2**32, size=n, dtype=np.uint32))


def among_near_vertices(points: Array, lift: Array, triangles: Triangles, which: Array, near: View) -> Triangles:
    """Add the stars of the (N,) bool `which` to what is known, all in lockstep, each among the vertices near it."""
    n = points.shape[0]
    everyone = jnp.arange(n, dtype=jnp.int32)

    def step(carry):
        turns, star, triangles = carry
        star, corners, new = turned(points, lift, everyone, star, near)
        return turns + 1, star, written(triangles, corners, new)

    def unfinished(carry):
        turns, star, _ = carry
        # A star that is right has fewer triangles than candidates.
        return star.turning.any() & (turns <= near.dx.shape[0] + 2)

    _, star, triangles = lax.while_loop(unfinished, step, (jnp.zeros((), jnp.int32), _star_of(which), triangles))
    # Who sees the hull in what is near may not see what lies beyond.
    star = star._replace(turning=star.turning | star.clockwise)
    return _counted(triangles, star, which)


def among_all_vertices(
    points: Array, distinct: Array, lift: Array, triangles: Triangles, which: Array, named: Array
) -> tuple[Triangles, Array]:
    """Add the stars of the (N,) bool `which` to what is known, a line of them at once, each among all vertices.

    Returns
    -------
    triangles
        The `Triangles`.
    named
        As in `doubtful_from`, these stars included.
    """
    n = points.shape[0]
    candidates = jnp.arange(n, dtype=jnp.int32)[:, None]

    def step(carry):
        star, triangles, named = carry
        # The next vertices in line; those past its end are dropped where the results are written.
        line = jnp.nonzero(star.turning, size=min(n, backend.stars_at_once()), fill_value=n)[0].astype(jnp.int32)
        vertices = jnp.minimum(line, n - 1)
        mine = Star(*(each[vertices] for each in star))
        view = view_from(points, distinct, vertices, candidates)
        mine, corners, new = turned(points, lift, vertices, mine._replace(turning=line < n), view)
        star = Star(*(each.at[line].set(value, mode="drop") for each, value in zip(star, mine)))
        others = jnp.where(new[:, None], corners[:, 1:], n)
        return star, written(triangles, corners, new), named.at[others].add(_keys(n)[vertices][:, None], mode="drop")

    def unfinished(carry):
        # A planar triangulation has fewer than 6N corners: stars that find more can never agree.
        star, _, _ = carry
        return star.turning.any() & (star.degree.sum() <= 6 * n)

    star, triangles, named = lax.while_loop(unfinished, step, (_star_of(which), triangles, named))
    return _counted(triangles, star, which), named


def _counted(triangles, star, which):
    degree = jnp.where(star.turning, -1, star.degree)
    return triangles._replace(degree=jnp.where(which, degree, triangles.degree))


def _star_of(which):
    nobody = jnp.full(which.shape, -1, jnp.int32)
    return Star(current=nobody, start=nobody, clockwise=nobody >= 0, turning=which, degree=jnp.zeros_like(nobody))
