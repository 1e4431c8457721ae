"""The Delaunay triangulation of a source-plane mesh, in pure JAX, from the star of every vertex.

The star of a vertex is the fan of Delaunay triangles around it. Every star is found on its own: start at the
neighbour whose bisector lies nearest, then turn from neighbour to neighbour by the empty-circle rule. All vertices
turn in one `lax.while_loop`, as many at once as suit the device, so there is no host callback and no loop over vmap lanes.

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
from jax import lax

from knn_barycentric.triangle import cross, flat

TIE_WEIGHT = 1.0e-9
"""First weight that settles ties, as a fraction of the squared distance to a vertex's nearest neighbour."""

TIE_ROUNDS = 5
"""How often the stars turn before a mesh is refused; the tie weight grows tenfold from round to round."""


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


def triangulate(points) -> Triangulation:
    """The Delaunay triangulation of a mesh; works under `jit`, `vmap` and `grad`, and on NumPy arrays.

    The integer tables are piecewise constant in the vertex positions, so gradients stop there; the dual areas are
    computed from the traced vertices, which makes `jax.grad` the exact almost-everywhere derivative.

    Coincident vertices: the first keeps the place, the others own no triangle and no area. Fewer than three
    distinct vertices, or all on one line: no triangle at all, which is certified.

    Parameters
    ----------
    points
        (N, 2) float, the mesh vertices (arcsec).

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

    triangulation = _triangulate(points)
    return Triangulation(*map(np.asarray, triangulation)) if isinstance(points, np.ndarray) else triangulation


def check_coordinates(name, coordinates):
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
def _triangulate(points):
    frozen = lax.stop_gradient(points)
    finite = jnp.isfinite(frozen).all()
    frozen = jnp.where(finite, frozen, 0.0)
    distinct = first_of_coincident(frozen)
    nearest = nearest_neighbour_distance_squared(frozen, distinct)

    def turn_again(carry):
        round_, _, _ = carry
        lift = tie_weights(nearest, TIE_WEIGHT * 10.0**round_)
        simplices, agree = simplices_from_stars(frozen, distinct, lift)
        neighbors, paired = neighbors_from(simplices)
        certified = agree & paired & certificate(frozen, distinct, lift, simplices, neighbors)
        return round_ + 1, (simplices, neighbors), certified

    def refused(carry):
        round_, _, certified = carry
        return ~certified & (round_ < TIE_ROUNDS)

    empty = jnp.full((2 * points.shape[0], 3), -1, jnp.int32)
    _, (simplices, neighbors), certified = lax.while_loop(
        refused, turn_again, (jnp.zeros((), frozen.dtype), (empty, empty), jnp.zeros((), bool))
    )
    certified = certified & finite
    return Triangulation(
        simplices=simplices,
        neighbors=neighbors,
        vertex_simplex=vertex_simplex_from(simplices),
        dual_areas=jnp.where(certified, dual_areas_from(points, simplices), jnp.nan),
        certified=certified,
    )


def first_of_coincident(points):
    """(N,) bool: true for the first vertex of every set of coincident ones, false for its duplicates."""
    index = jnp.arange(points.shape[0], dtype=jnp.int32)
    x, y, order = lax.sort((points[:, 0] + 0.0, points[:, 1] + 0.0, index), num_keys=3)
    repeats = jnp.concatenate([jnp.zeros(1, bool), (x[1:] == x[:-1]) & (y[1:] == y[:-1])])
    return jnp.zeros_like(repeats).at[order].set(~repeats)


def nearest_neighbour_distance_squared(points, distinct):
    """(N,) float: the squared distance of every vertex to the nearest other distinct one (inf if there is none)."""

    def nearest_of(rows):
        candidates = _candidates_of(points, distinct, rows)
        return jnp.where(candidates.valid, candidates.squared, jnp.inf).min(axis=1)

    return _by_blocks(nearest_of, points.shape[0])


def tie_weights(nearest, fraction):
    """(N,) float: the weight by which each vertex is lifted, up to `fraction` of `nearest`.

    The pseudo-random factors are fixed, so the same mesh always settles its ties the same way.
    """
    factors = np.random.default_rng(0).random(nearest.shape[0])
    return jnp.where(jnp.isfinite(nearest), nearest, 0.0) * fraction * jnp.asarray(factors, nearest.dtype)


class _Candidates(NamedTuple):
    """All N vertices (columns) as seen from some of them (rows), and which are candidates for their stars."""

    dx: jax.Array
    dy: jax.Array
    squared: jax.Array
    valid: jax.Array


def _candidates_of(points, distinct, rows):
    vertex = jnp.arange(points.shape[0], dtype=jnp.int32)
    dx, dy = (points[None, :, k] - points[rows, k][:, None] for k in range(2))
    valid = distinct[rows][:, None] & distinct[None, :] & (rows[:, None] != vertex)
    return _Candidates(dx, dy, dx**2 + dy**2, valid)


def _by_blocks(function, n):
    """Apply a function of row indices to all n rows, `_rows_at_once` at a time: no (N, N) array is ever held."""
    size = _rows_at_once(n)
    rows = jnp.minimum(jnp.arange(-(-n // size) * size, dtype=jnp.int32), n - 1).reshape(-1, size)
    return lax.map(function, rows).reshape(-1)[:n]


def _rows_at_once(n):
    """How many vertices turn at once: few on a CPU, which then only does turns that are needed; all on a GPU."""
    return min(n, 64) if jax.default_backend() == "cpu" else n


def simplices_from_stars(points, distinct, lift):
    """The triangles of all vertex stars: at every turn a vertex scans every vertex, always right and O(N^2) in all.

    Around vertex v, with d the offset of a neighbour and h = |d|^2 + lift_v - lift the right-hand side of its
    bisector, the star begins at the neighbour of smallest h / |d|. From neighbour c it turns to the candidate
    strictly to the left of c whose circumcentre comes first along c's bisector. It is complete on return to its
    start; if nothing lies left, v is on the hull and the star turns the other way from its start.

    Parameters
    ----------
    points
        (N, 2) float, finite.
    distinct
        (N,) bool, the vertices that take part.
    lift
        (N,) float, the tie weights.

    Returns
    -------
    simplices
        (2N, 3) int32, each triangle once, written by the star of its smallest vertex; -1 in unused rows.
    agree
        () bool, whether every star closed and every vertex has as many triangles in the table as in its own star.
    """
    n = points.shape[0]

    def nearest_bisector_of(rows):
        candidates = _candidates_of(points, distinct, rows)
        h = candidates.squared + lift[rows][:, None] - lift[None, :]
        bisector = h / jnp.sqrt(jnp.where(candidates.valid, candidates.squared, 1.0))
        return jnp.argmin(jnp.where(candidates.valid, bisector, jnp.inf), axis=1).astype(jnp.int32)

    def next_of(rows, current, clockwise):
        candidates = _candidates_of(points, distinct, rows)
        cx, cy = (points[current, k] - points[rows, k] for k in range(2))
        c_squared = cx**2 + cy**2
        ratio = (c_squared + lift[rows] - lift[current]) / jnp.where(c_squared > 0.0, c_squared, 1.0)
        side = jnp.where(clockwise, -1.0, 1.0).astype(points.dtype)
        area = (side * cx)[:, None] * candidates.dy - (side * cy)[:, None] * candidates.dx
        dot = cx[:, None] * candidates.dx + cy[:, None] * candidates.dy
        left = candidates.valid & ~flat(area, 2.0 * (c_squared[:, None] + candidates.squared - dot))
        h = candidates.squared + lift[rows][:, None] - lift[None, :]
        offset = jnp.where(left, (h - ratio[:, None] * dot) / jnp.where(left, area, 1.0), jnp.inf)
        return jnp.argmin(offset, axis=1).astype(jnp.int32), left.any(axis=1)

    def turn(carry):
        current, clockwise, turning, degree, simplices, count = carry
        # The next vertices in line; those past the end of the line are dropped where the results are written.
        line = jnp.nonzero(turning, size=_rows_at_once(n), fill_value=n)[0].astype(jnp.int32)
        rows = jnp.minimum(line, n - 1)
        before, turns_back = current[rows], clockwise[rows]
        following, found = next_of(rows, before, turns_back)
        found = found & (line < n)
        first = jnp.where(turns_back, following, before)
        second = jnp.where(turns_back, before, following)

        smallest = found & (rows < first) & (rows < second)
        slot = jnp.where(smallest, count + jnp.cumsum(smallest) - 1, 2 * n)
        simplices = simplices.at[slot].set(jnp.stack([rows, first, second], axis=1), mode="drop")

        closed = found & (following == start[rows])
        goes_on = jnp.where(found, ~closed, ~turns_back)
        return (
            current.at[line].set(jnp.where(found, following, start[rows]), mode="drop"),
            clockwise.at[line].set(turns_back | ~found, mode="drop"),
            turning.at[line].set(goes_on, mode="drop"),
            degree.at[line].add(found.astype(jnp.int32), mode="drop"),
            simplices,
            count + smallest.sum(dtype=jnp.int32),
        )

    def unfinished(carry):
        # A planar triangulation has fewer than 6N corners: stars that find more can never agree.
        _, _, turning, degree, _, _ = carry
        return turning.any() & (degree.sum() <= 6 * n)

    start = _by_blocks(nearest_bisector_of, n)
    turning = distinct & (distinct.sum() > 1)
    nothing = jnp.zeros(n, jnp.int32)
    _, _, turning, degree, simplices, _ = lax.while_loop(
        unfinished,
        turn,
        (start, nothing > 0, turning, nothing, jnp.full((2 * n, 3), -1, jnp.int32), jnp.zeros((), jnp.int32)),
    )
    return simplices, ~turning.any() & (degree == degree_from(simplices)).all()


def degree_from(simplices):
    """(N,) int32: how many triangles of the table each vertex has."""
    return _at_vertices(simplices, jnp.zeros(simplices.shape[0] // 2, jnp.int32)).add(1, mode="drop")


def vertex_simplex_from(simplices):
    """(N,) int32: one triangle (the last of the table) that contains each vertex, -1 where there is none."""
    rows = jnp.arange(simplices.shape[0], dtype=jnp.int32)[:, None]
    return _at_vertices(simplices, jnp.full(simplices.shape[0] // 2, -1, jnp.int32)).max(rows, mode="drop")


def dual_areas_from(points, simplices):
    """(N,) float: a third of the area of each vertex's triangles, differentiable with respect to `points`."""
    a, b, c = (points[simplices[:, k]] for k in range(3))
    used = simplices[:, 0] >= 0
    third = jnp.where(used, jnp.abs(cross(b - a, c - a)) / 6.0, 0.0)
    return _at_vertices(simplices, jnp.zeros_like(points[:, 0])).add(third[:, None], mode="drop")


def _at_vertices(simplices, values):
    # -1 would wrap around to the last vertex; an index past the end is dropped.
    return values.at[jnp.where(simplices < 0, values.shape[0], simplices)]


def neighbors_from(simplices):
    """The adjacency of a triangle table, from its sorted edges: no vertex degree is ever bounded.

    Returns
    -------
    neighbors
        (2N, 3) int32, column k holds the triangle on the other side of the edge opposite vertex k, else -1.
    paired
        () bool, whether every edge has one triangle, or two that run along it in opposite directions.
    """
    rows = simplices.shape[0]
    tail, head = simplices[:, (1, 2, 0)].reshape(-1), simplices[:, (2, 0, 1)].reshape(-1)
    low, high, edge = lax.sort(
        (
            jnp.where(tail < 0, rows, jnp.minimum(tail, head)),
            jnp.maximum(tail, head),
            jnp.arange(3 * rows, dtype=jnp.int32),
        ),
        num_keys=2,
    )
    used = low < rows
    with_next = used[:-1] & (low[1:] == low[:-1]) & (high[1:] == high[:-1])
    no = jnp.zeros(1, bool)
    with_next, with_previous = jnp.concatenate([with_next, no]), jnp.concatenate([no, with_next])

    triangle = edge // 3
    across = jnp.where(with_next, jnp.roll(triangle, -1), jnp.where(with_previous, jnp.roll(triangle, 1), -1))
    neighbors = jnp.full(3 * rows, -1, jnp.int32).at[edge].set(across.astype(jnp.int32))

    upward = tail[edge] < head[edge]
    crowded = with_next & with_previous
    same_way = with_next & (upward == jnp.roll(upward, -1))
    return neighbors.reshape(rows, 3), ~(crowded | same_way).any()


def certificate(points, distinct, lift, simplices, neighbors):
    """() bool: whether the tables are the regular triangulation of the lifted vertices, by levels.

    Paired edges (`neighbors_from`), positive triangles and a boundary that is one convex polygon make the triangles
    cover the convex hull exactly once; every edge locally Delaunay then makes the whole Delaunay (Delaunay's lemma).
    """
    return (
        positively_oriented(points, simplices)
        & every_vertex_used(points, distinct, simplices)
        & boundary_is_convex(points, simplices, neighbors)
        & locally_delaunay(points, lift, simplices, neighbors)
    )


def positively_oriented(points, simplices):
    """() bool: whether every triangle of the table is counter-clockwise and not flat."""
    a, b, c = (points[simplices[:, k]] for k in range(3))
    squared_edges = ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2).sum(axis=1)
    # Rounding may differ from the star's by a few epsilons at the threshold itself; half of it is still far off zero.
    return ~(flat(cross(b - a, c - a), 0.5 * squared_edges) & (simplices[:, 0] >= 0)).any()


def every_vertex_used(points, distinct, simplices):
    """() bool: whether each distinct vertex, and no duplicate, has a triangle; or all vertices lie on one line."""
    degree = degree_from(simplices)
    return ((degree > 0) == distinct).all() | (~(degree > 0).any() & _on_one_line(points))


def _on_one_line(points):
    """() bool: whether no vertex leaves the line through the first vertex and the one farthest from it."""
    offsets = points - points[0]
    along = offsets[jnp.argmax((offsets**2).sum(axis=1))]
    squared_edges = (along**2 + offsets**2 + (offsets - along) ** 2).sum(axis=1)
    return flat(jnp.abs(cross(along, offsets)), squared_edges).all()


def boundary_is_convex(points, simplices, neighbors):
    """() bool: whether the hull edges form one closed polygon that only turns left, once around."""
    n = points.shape[0]
    on_hull = ((neighbors < 0) & (simplices >= 0)).reshape(-1)
    tail, head = simplices[:, (1, 2, 0)].reshape(-1), simplices[:, (2, 0, 1)].reshape(-1)
    here = jnp.where(on_hull, tail, n)
    after = jnp.full(n, -1, jnp.int32).at[here].set(head, mode="drop")
    leaving = jnp.zeros(n, jnp.int32).at[here].add(1, mode="drop")
    arriving = jnp.zeros(n, jnp.int32).at[jnp.where(on_hull, head, n)].add(1, mode="drop")

    hull_vertex = after >= 0
    corner = after[jnp.where(hull_vertex, after, 0)]
    p, q, r = points, points[after], points[corner]
    area, dot = cross(q - p, r - q), ((q - p) * (r - q)).sum(axis=1)
    squared_edges = ((p - q) ** 2 + (q - r) ** 2 + (r - p) ** 2).sum(axis=1)
    turn = jnp.where(hull_vertex, jnp.arctan2(area, dot), 0.0)
    turns_right = hull_vertex & (area < 0.0) & ~flat(-area, squared_edges)
    once_around = jnp.abs(turn.sum() - 2.0 * jnp.pi) < 1.0
    simple = ((leaving == arriving) & (leaving <= 1)).all()
    return (simple & ~turns_right.any() & once_around) | ~hull_vertex.any()


def locally_delaunay(points, lift, simplices, neighbors):
    """() bool: whether no vertex across an edge lies inside the (lifted) circumcircle, beyond rounding."""
    neighbor = jnp.where(neighbors < 0, 0, neighbors)
    across = simplices[neighbor]
    own = simplices[:, None, :]
    opposite = jnp.where((across[..., None] == own[..., None, :]).any(axis=-1), -1, across).max(axis=-1)
    d = points[opposite]

    offsets = points[own] - d[:, :, None, :]
    heights = (offsets**2).sum(axis=-1) + lift[opposite][:, :, None] - lift[own]
    a, b, c = (offsets[:, :, k] for k in range(3))
    minors = jnp.stack([cross(b, c), cross(c, a), cross(a, b)], axis=-1)
    inside = (heights * minors).sum(axis=-1)
    lengths = jnp.sqrt((offsets**2).sum(axis=-1))
    size = jnp.roll(lengths, -1, axis=-1) * jnp.roll(lengths, -2, axis=-1)
    rounding = 16.0 * jnp.finfo(points.dtype).eps * (jnp.abs(heights) * size).sum(axis=-1)
    return ~((neighbors >= 0) & (inside > rounding)).any()
