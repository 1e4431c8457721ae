"""The triangulation as a graph: its boundary, and the neighbours of every vertex."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arguments import as_given, check_triangulation
from delaunax.platform.indexing import DROP, NONE, gather
from delaunax.tables.simplices import vertex_after
from delaunax.triangulation import Triangulation


class VertexNeighbors(NamedTuple):
    """The neighbours of N vertices, one list behind the other.

    Attributes
    ----------
    indptr
        (N + 1,) int32, the place where the list of each vertex begins, and the end of the last one.
    indices
        (6N,) int32: `indices[indptr[k]:indptr[k + 1]]` are the neighbours of vertex k in ascending order; -1 behind the last.
    """

    indptr: jax.Array
    indices: jax.Array


def convex_hull(triangulation: Triangulation) -> Array:
    """The edges of the hull, counter-clockwise: each edge begins where the edge before it ends.

    Vertices along a straight side belong to it. The first edge begins at the lowest index.

    Returns
    -------
    (N, 2) int32
        The ends of H edges, then rows of -1: `hull[hull[:, 0] >= 0]` are the edges. There is none if no triangle exists, or
        the triangulation is not certified. NumPy arrays in, NumPy array out.

    Raises
    ------
    ValueError, TypeError
        If `triangulation` is none, or a batch of several.
    """
    check_triangulation(triangulation)
    return as_given(triangulation.simplices, _convex_hull(triangulation))


def vertex_neighbor_vertices(triangulation: Triangulation) -> VertexNeighbors:
    """The vertices that share an edge with each vertex, as `scipy.spatial.Delaunay.vertex_neighbor_vertices`.

    Returns
    -------
    VertexNeighbors
        A vertex without a triangle, such as a duplicate, has no neighbours. No vertex has any if the triangulation is not
        certified. NumPy arrays in, NumPy arrays out.

    Raises
    ------
    ValueError, TypeError
        If `triangulation` is none, or a batch of several.
    """
    check_triangulation(triangulation)
    return as_given(triangulation.simplices, _vertex_neighbors(triangulation))


@jax.jit
def _convex_hull(triangulation):
    n = len(triangulation.vertex_simplex)
    vertices = np.arange(n, dtype=np.int32)
    following = _following(triangulation)
    on_hull = following >= 0
    start = jnp.argmax(on_hull).astype(np.int32)
    # How many edges lead from each vertex to the start, by steps that double (Wyllie's list ranking).
    distance, at = (on_hull & (vertices != start)).astype(np.int32), jnp.where(vertices == start, start, following)
    for _ in range(n.bit_length()):
        distance, at = distance + gather(distance, at), gather(at, at)
    number = on_hull.sum(dtype=np.int32)
    place = jnp.where(on_hull, (number - distance) % jnp.maximum(number, np.int32(1)), NONE)
    return jnp.full((n, 2), NONE).at[place].set(jnp.stack([vertices, following], axis=1), **DROP)


@jax.jit
def _vertex_neighbors(triangulation):
    n = len(triangulation.vertex_simplex)
    vertices, following = np.arange(n, dtype=np.int32), _following(triangulation)
    simplices = jnp.where(triangulation.certified, triangulation.simplices, NONE)
    # Every edge inside the hull occurs in both directions; an edge of the hull needs the other one.
    tails = jnp.concatenate([simplices.reshape(-1), following])
    heads = jnp.concatenate([simplices[:, (1, 2, 0)].reshape(-1), jnp.where(following < 0, NONE, vertices)])
    # Without a barrier, XLA sorts the tables of a triangulation that is closed over while it compiles, which takes seconds.
    tails, heads = lax.optimization_barrier((tails, heads))
    tails, heads = lax.sort((jnp.where(tails < 0, np.int32(n), tails), heads), num_keys=2)
    number = jnp.zeros(n, np.int32).at[tails].add(np.int32(1), **DROP)
    return VertexNeighbors(jnp.pad(jnp.cumsum(number, dtype=np.int32), (1, 0)), heads[: 6 * n])


def _following(triangulation):
    """(N,) int32: the vertex that follows each vertex counter-clockwise on the hull; -1 inside."""
    tables = triangulation.simplices, triangulation.neighbors, triangulation.vertex_simplex
    vertices = np.arange(len(triangulation.vertex_simplex), dtype=np.int32)
    following, on_boundary, _ = jax.vmap(partial(vertex_after, *tables))(vertices)
    return jnp.where(triangulation.certified & on_boundary, following, NONE)
