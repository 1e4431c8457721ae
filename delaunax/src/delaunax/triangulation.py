"""The Delaunay triangulation of points in the plane, in pure JAX and exact.

A CPU inserts vertices one by one, exactly (`insertion`). Elsewhere stars of vertices that agree are a triangulation (`stars`);
those around what a certificate does not accept are sought again, exactly: there a floating point decision was in doubt. The
certificate says of either whether it is the right one (`certificate`).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.certificate import certainly_off_a_line, certificate
from delaunax.insertion.incremental import coarse_to_fine, insert
from delaunax.platform import backend
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather
from delaunax.stars.star_splaying import among_all_vertices, among_near_vertices, vertices_from
from delaunax.tables.kd_tree import KDTree, build_kd_tree, near_vertices
from delaunax.tables.simplices import dual_areas_from, neighbors_from, vertex_simplex_from


class Triangulation(NamedTuple):
    """A Delaunay triangulation of N vertices in arrays of fixed shape, so that it can be traced.

    The tables have the meaning of SciPy's (`scipy.spatial.Delaunay`), padded: T = 2N - 2 - H rows are in use, where H is the
    number of hull edges, if no two vertices coincide.

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
        (N,) float, a third of the area of each vertex's triangles, in squared units of the points; NaN if not certified.
    certified
        () bool, whether the tables passed the certificate. It is false if a coordinate is not finite; then the tables must not
        be used.
    """

    simplices: jax.Array
    neighbors: jax.Array
    vertex_simplex: jax.Array
    dual_areas: jax.Array
    certified: jax.Array


def triangulate(points: Any, tree: KDTree | None = None) -> Triangulation:
    """The Delaunay triangulation of points in the plane; works under `jit`, `vmap` and `grad`, and on NumPy arrays.

    Exact: the triangles are those of the points as they are stored, whatever their arrangement and scale. Where four or
    more are exactly on one circle, they are a fan around that of the smallest number. Exactly coincident vertices: the first
    keeps the place, the others own no triangle and no area. Fewer than three distinct vertices, or all exactly on one line:
    no triangle at all, which is certified.

    The integer tables are piecewise constant in the points, so gradients stop there; the dual areas are computed from the
    traced points, which makes `jax.grad` the exact almost-everywhere derivative.

    Parameters
    ----------
    points
        (N, 2) float, the vertices, N >= 1.
    tree
        Their `kd_tree.KDTree`, if it is at hand already.

    Returns
    -------
    Triangulation
        With NumPy arrays where `points` is one.

    Raises
    ------
    ValueError
        If `points` is not of shape (N, 2) with N >= 1.
    TypeError
        If `points` is neither fp64 nor fp32 nor integer, or is fp64 while JAX runs in fp32.
    """
    as_numpy = isinstance(points, np.ndarray)
    points = coordinates_from("points", points)
    triangulation, _ = _triangulate(points, build_kd_tree(points) if tree is None else tree)
    return jax.tree.map(np.asarray, triangulation) if as_numpy else triangulation


class Effort(NamedTuple):
    """What a triangulation took.

    Attributes
    ----------
    rounds
        () int32, how many tables were put to the certificate.
    exact
        () int32, how many decisions a CPU made in integers, or how many stars a GPU sought among all vertices, exactly.
    """

    rounds: jax.Array
    exact: jax.Array


def effort_of(points: Any) -> Effort:
    """What the triangulation of (N, 2) `points` takes; works under `jit` and `vmap`."""
    points = coordinates_from("points", points)
    return _triangulate(points, build_kd_tree(points))[1]


def coordinates_from(name: str, coordinates: Any, least: int = 1) -> Array:
    """(M, 2) floating point coordinates of an array or list, or a `ValueError` or `TypeError` that names the argument."""
    if not hasattr(coordinates, "dtype"):
        coordinates = np.asarray(coordinates)
    shape = jnp.shape(coordinates)
    if len(shape) != 2 or shape[1] != 2 or shape[0] < least:
        raise ValueError(f"`{name}` has shape {shape}; give coordinates of shape (number, 2).")
    dtype = coordinates.dtype
    if jnp.issubdtype(dtype, jnp.integer):
        return jnp.asarray(coordinates, jnp.result_type(float))
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"`{name}` has dtype {dtype}; give float32 or float64 coordinates.")
    if dtype == np.float64 and not jax.config.jax_enable_x64:
        raise TypeError(
            f"`{name}` is float64 but JAX runs in float32; "
            "set jax.config.update('jax_enable_x64', True) before anything else, or cast to float32."
        )
    return jnp.asarray(coordinates)


@jax.jit
def _triangulate(points, tree):
    simplices, neighbors, vertex_simplex, certified, effort = _certified_tables(lax.stop_gradient(points), tree)
    triangulation = Triangulation(
        simplices=simplices,
        neighbors=neighbors,
        vertex_simplex=vertex_simplex,
        dual_areas=jnp.where(certified, dual_areas_from(points, simplices), jnp.nan),
        certified=certified,
    )
    return triangulation, effort


@by_platform
def _certified_tables(points, tree):
    if backend.one_by_one():
        return backend.fused(_inserted)(points, tree)
    return _of_stars(points, tree)


def _inserted(points, tree):
    """The tables by `insertion`, whether they are certified, and the effort."""
    # The first vertex and the last, by x and then y.
    ends = jnp.stack(
        [lax.argmin(tree.rank, 0, np.int32), lax.argmax(jnp.where(tree.first, tree.rank, NONE), 0, np.int32)]
    )
    order = gather(tree.leaves.reshape(-1), coarse_to_fine(tree.leaves.size))
    others = (order < len(points)) & gather(tree.first, order) & (order[:, None] != ends).all(axis=1)
    places, number = backend.nonzero(others)
    simplices, neighbors, exact = insert(tree.points, points, gather(order, places), number, ends)
    vertices, decided = vertices_from(points, tree), jnp.ones_like(tree.first)
    vertex_simplex = vertex_simplex_from(simplices, neighbors)
    certified, _ = certificate(vertices, decided, simplices, neighbors, vertex_simplex)
    finite = jnp.isfinite(points).all()
    return simplices, neighbors, vertex_simplex, certified & finite, Effort(jnp.int32(1), exact)


class _Round(NamedTuple):
    """What is known after a round: how many there were, the tables, whether the certificate accepts them, whose stars were
    sought exactly, whose are to be, and whether there is another round.
    """

    number: jax.Array
    simplices: jax.Array
    neighbors: jax.Array
    vertex_simplex: jax.Array
    certified: jax.Array
    exact: jax.Array
    doubtful: jax.Array
    goes_on: jax.Array


def _of_stars(points, tree):
    """The tables by `stars`, whether they are certified, and the effort."""
    vertices, n = vertices_from(points, tree), len(points)
    # If none is off a line for certain, the exact star of the first vertex tells whether all are on it.
    flat = ~certainly_off_a_line(tree.points)
    simplices, complete = among_near_vertices(vertices, near_vertices(tree), tree.first & ~flat)
    doubtful = jnp.where(flat, np.arange(n) == 0, tree.first & ~complete)
    nothing, nobody, count = jnp.full((2 * n, 3), NONE), jnp.zeros(n, bool), len(tree.leaves)
    leaf = backend.scatter("set", jnp.zeros(n, jnp.int32), tree.leaves, np.arange(count)[:, None])
    begun = _Round(np.int32(0), simplices, nothing, jnp.full(n, NONE), np.False_, nobody, doubtful, np.True_)

    def attempt(_, last):
        exact = last.exact | last.doubtful
        simplices = among_all_vertices(vertices, last.simplices, last.doubtful)
        neighbors = neighbors_from(simplices)
        vertex_simplex = vertex_simplex_from(simplices, neighbors)
        certified, wrong = certificate(vertices, exact, simplices, neighbors, vertex_simplex)
        # With those found wrong the others of their node of the tree, of twice as many leaves every round: so there are
        # few. If their stars are exact already, all are sought exactly, and then there is nothing left to seek.
        node, left = leaf >> last.number, tree.first & ~exact
        doubtful = left & gather(backend.scatter("max", jnp.zeros(count, bool), node, wrong), node)
        doubtful = jnp.where(doubtful.any(), doubtful, left) & ~certified
        number = last.number + last.goes_on.astype(jnp.int32)
        return _Round(number, simplices, neighbors, vertex_simplex, certified, exact, doubtful, doubtful.any())

    # A lane that is done has nobody in doubt, so that another round leaves everything as it is.
    last = backend.while_any(lambda _, last: last.goes_on, attempt, begun)
    certified = last.certified & jnp.isfinite(points).all()
    effort = Effort(last.number, last.exact.sum(dtype=jnp.int32))
    return last.simplices, last.neighbors, last.vertex_simplex, certified, effort
