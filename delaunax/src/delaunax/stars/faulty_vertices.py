"""Which stars have to be recomputed: those at the faults of a table of triangles that was made of stars."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax import platform
from delaunax.certificate import DOUBTFUL, FAILS, Checks
from delaunax.platform.indexing import NONE, gather
from delaunax.platform.rows import sums


def faulty_vertices(checks: Checks, exact: Array) -> tuple[Array, Array]:
    """Where a table made of stars is wrong, if doubtful signs of exact stars are trusted: `stars` recomputes the others.

    Parameters
    ----------
    checks
        The `Checks` of the table.
    exact
        (N,) bool, which stars were computed exactly. The star of the first vertex of a row has written the row.

    Returns
    -------
    accepted
        () bool, whether nothing is wrong.
    faulty
        (N,) bool, the vertices of failed checks, and of doubtful checks of stars that are not exact.
    """
    simplices, vertex_simplex = checks.simplices, checks.vertex_simplex
    n = len(vertex_simplex)
    trusted = jnp.where(gather(exact, simplices[:, 0]), FAILS, DOUBTFUL)[:, None]
    fails = (checks.edges.reshape(-1, 3) <= trusted).any(axis=1)
    corner_fails = checks.corners <= jnp.where(exact, FAILS, DOUBTFUL)
    has_triangle, rows = vertex_simplex >= 0, np.arange(2 * n, dtype=np.int32)
    any_fails = checks.lost | corner_fails | fails[:n] | fails[n:]
    failures, triangles, leftmost = sums(any_fails, has_triangle, checks.leftmost)
    # If only one edge of a hole is on the boundary, the wrong triangle is at one of the two corners of that edge.
    at_corners = (jnp.where(corner_fails, row, NONE) for row in (vertex_simplex, gather(vertex_simplex, checks.after)))
    wrong_rows = jnp.concatenate([jnp.where(fails, rows, NONE), *at_corners])
    vertices = jnp.where(wrong_rows[:, None] < 0, NONE, gather(simplices, wrong_rows))
    faulty = platform.scatter("set", checks.lost, vertices, True)
    # The first vertex writes all triangles of its star. If its exact star has none, all vertices are on one line.
    return jnp.where(triangles > 0, (failures == 0) & (leftmost == 1), exact[0]), faulty
