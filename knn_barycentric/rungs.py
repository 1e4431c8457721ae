"""The rungs of the ladder: ways to choose an interpolating triangle from the nearest vertices, none of them exact.

Every rung is a function `(mesh_points, query_points, xp, k_neighbors) -> (mappings, weights)`, both of shape (Q, 3).
`KNNBarycentric(triangle=...)` selects it by its name in `RUNGS`. They are kept because they were proposed; `docs/ladder.md`
shows what each of them costs in log evidence. With `xp=numpy` none of them imports JAX.
"""

from functools import partial
from itertools import combinations

import numpy as np

from knn_barycentric.interpolator import InterpolatorKNNBarycentric

RADIUS_SCALE = 1.5
"""Support of the Wendland kernel in units of the distance to the farthest neighbour, as autoarray's default."""

COLLINEAR = 64.0
"""A triple whose doubled area is below so many machine epsilons of its summed squared edges counts as collinear."""

AT_ONCE = 128
"""For how many queries the distances to all vertices are in memory at once under JAX."""


def barycentric_weights_from_3_nearest(query_points, mesh_points, nearest_3_indices, xp=np):
    """Barycentric weights on the triangle of three vertices near each query, clipped where it does not hold the query.

    Exact where the three are the query's triangle; elsewhere negative coordinates are clipped and the rest is
    renormalised, which is a convex combination of the three but not an interpolation. The function of the same name
    in `autoarray.inversion.mesh.interpolator.knn`, with finite gradients and without an absolute area threshold.

    Parameters
    ----------
    query_points
        (Q, 2) float, the query points (arcsec).
    mesh_points
        (N, 2) float, the mesh vertices (arcsec).
    nearest_3_indices
        (Q, 3) int, the vertices of each query, nearest first.
    xp
        `numpy` or `jax.numpy`.

    Returns
    -------
    (Q, 3) float
        Weights in [0, 1] with rows that sum to 1; [1, 0, 0] where the three vertices are on one line.
    """
    coordinates, collinear = _coordinates_from(query_points, mesh_points, nearest_3_indices, xp)
    clipped = xp.where(coordinates > 0.0, coordinates, 0.0)
    # Coordinates sum to 1, so those that are kept sum to at least 1.
    weights = clipped / xp.where(collinear, 1.0, clipped.sum(axis=1, keepdims=True))
    return xp.where(collinear, _nearest_only(weights, xp), weights)


def _cross(u, v):
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def _coordinates_from(query_points, mesh_points, triples, xp):
    """The (Q, 3) signed barycentric coordinates of queries in triples of vertices, and the (Q, 1) collinear ones.

    Coordinates in a collinear triple are finite and meaningless.
    """
    a, b, c = (mesh_points[triples[:, k]] for k in range(3))
    total = _cross(b - a, c - a)
    squared_edges = ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2).sum(axis=1)
    collinear = xp.where(total < 0.0, -total, total) <= COLLINEAR * np.finfo(total.dtype).eps * squared_edges
    # The denominator is made safe before the division, or its gradient would be NaN in rows that are not used.
    safe = xp.where(collinear, 1.0, total)
    # Each is taken along an edge of the triangle, which keeps its accuracy in needles of any thinness.
    doubled = xp.stack([_cross(p - query_points, q - p) for p, q in ((b, c), (c, a), (a, b))], axis=1)
    return doubled / safe[:, None], collinear[:, None]


def _nearest_only(weights, xp):
    return xp.asarray([1.0, 0.0, 0.0], dtype=weights.dtype)


def clip(mesh_points, query_points, xp, k_neighbors):
    """The three nearest vertices, negative coordinates clipped."""
    nearest = nearest_vertices(mesh_points, query_points, 3, xp)
    return nearest, barycentric_weights_from_3_nearest(query_points, mesh_points, nearest, xp)


def wendland(mesh_points, query_points, xp, k_neighbors):
    """The three nearest vertices: barycentric where they enclose the query, the Wendland C4 kernel elsewhere."""
    nearest, clipped = clip(mesh_points, query_points, xp, k_neighbors)
    coordinates, collinear = _coordinates_from(query_points, mesh_points, nearest, xp)
    enclosed = ~collinear & (coordinates >= 0.0).all(axis=1, keepdims=True)
    kernel = wendland_c4_weights_from(query_points, mesh_points[nearest], xp)
    return nearest, xp.where(enclosed, clipped, kernel)


def wendland_c4_weights_from(query_points, neighbours, xp=np):
    """(Q, K) weights of a Wendland C4 kernel (1995, Adv. Comput. Math. 4, 389) on each query's (Q, K, 2) neighbours.

    Rows sum to 1; the support is `RADIUS_SCALE` times the distance to the farthest neighbour.
    """
    squared = ((neighbours - query_points[:, None, :]) ** 2).sum(axis=-1)
    # The square root has no finite derivative at a query on a vertex.
    distance = xp.sqrt(xp.where(squared > 0.0, squared, 1.0)) * (squared > 0.0)
    support = RADIUS_SCALE * distance.max(axis=1, keepdims=True)
    s = distance / xp.where(support > 0.0, support, 1.0)
    kernel = (1.0 - s) ** 6 * (35.0 * s**2 + 18.0 * s + 3.0)
    return kernel / kernel.sum(axis=1, keepdims=True)


def enclosing(mesh_points, query_points, xp, k_neighbors):
    """Of the `k_neighbors` nearest vertices, the enclosing triple that the empty-circle rule prefers, or the nearest."""
    chosen = enclosing_triples(mesh_points, query_points, k_neighbors, xp)
    corners = xp.where(chosen < 0, chosen[:, :1], chosen)
    alone = chosen[:, 1:2] < 0
    coordinates, _ = _coordinates_from(query_points, mesh_points, corners, xp)
    weights = xp.where(alone, _nearest_only(coordinates, xp), xp.where(coordinates > 0.0, coordinates, 0.0))
    return chosen, weights / weights.sum(axis=1, keepdims=True)


def enclosing_triples(mesh_points, query_points, k_neighbors, xp=np):
    """(Q, 3) int32: for each query, three of its nearest vertices that enclose it as their Delaunay triangle would.

    Lift every vertex to its squared distance from the query: the Delaunay triangle of the k vertices is the one whose
    plane passes lowest at the query, among all that enclose it. Where none does: [nearest, -1, -1].
    """
    nearest = nearest_vertices(mesh_points, query_points, k_neighbors, xp)
    squared = ((mesh_points[nearest] - query_points[:, None, :]) ** 2).sum(axis=-1)

    def lower(best, triple):
        chosen, lowest = best
        columns = nearest[:, triple]
        coordinates, collinear = _coordinates_from(query_points, mesh_points, columns, xp)
        encloses = ~collinear[:, 0] & (coordinates >= 0.0).all(axis=1)
        height = (coordinates * squared[:, triple]).sum(axis=1)
        better = encloses & (height < lowest)
        return (xp.where(better[:, None], columns, chosen), xp.where(better, height, lowest)), None

    alone = xp.where(np.arange(3) > 0, -1, nearest[:, :3])
    best = alone, xp.full(len(squared), xp.inf, squared.dtype)
    triples = np.asarray(list(combinations(range(k_neighbors), 3)))
    if xp is np:
        for triple in triples:
            best, _ = lower(best, triple)
        return best[0]
    from jax import lax

    mesh_points, query_points, squared = map(lax.stop_gradient, (mesh_points, query_points, squared))
    return lax.scan(lower, best, xp.asarray(triples))[0][0]


def nearest_vertices(mesh_points, query_points, number, xp=np):
    """(Q, number) int32: the nearest vertices of every query point, nearest first.

    Columns past the Nth repeat the last vertex found.
    """
    if xp is np:
        from scipy.spatial import cKDTree

        found = min(number, len(mesh_points))
        nearest = cKDTree(mesh_points).query(query_points, k=np.arange(1, found + 1))[1].astype(np.int32)
        return np.concatenate([nearest, np.repeat(nearest[:, -1:], number - found, axis=1)], axis=1)
    import jax

    return jax.jit(_nearest_in_blocks, static_argnames="number")(
        *map(jax.lax.stop_gradient, (mesh_points, query_points)), number=number
    )


def _nearest_in_blocks(points, query_points, number):
    """Each by two minima, of the distance and of the index among the nearest: XLA's CPU backend is slow at one argmin."""
    import jax.numpy as jnp
    from jax import lax

    count, vertices = query_points.shape[0], points.shape[0]
    chunk = min(count, AT_ONCE)
    vertex = jnp.arange(vertices, dtype=jnp.int32)

    def nearest_of(queries):
        distance = (queries[:, :1] - points[:, 0]) ** 2 + (queries[:, 1:] - points[:, 1]) ** 2
        found = []
        for _ in range(min(number, vertices)):
            # The compiler may evaluate the distance once per reduction and round the two differently.
            bound = distance.min(axis=1) * (1.0 + 4.0 * jnp.finfo(points.dtype).eps)
            found.append(jnp.where(distance <= bound[:, None], vertex, vertices - 1).min(axis=1))
            distance = jnp.where(vertex == found[-1][:, None], jnp.inf, distance)
        return jnp.stack(found + found[-1:] * (number - len(found)), axis=1)

    padded = jnp.pad(query_points, ((0, -count % chunk), (0, 0)), mode="edge").reshape(-1, chunk, 2)
    return lax.map(nearest_of, padded).reshape(-1, number)[:count]


RUNGS = {"clip": clip, "wendland": wendland, "enclosing": enclosing}
"""The ways to choose a triangle from the nearest vertices, from the crudest to the best."""


def interpolator_of(triangle, k_neighbors):
    """The interpolator class of a rung.

    Raises
    ------
    ValueError
        If `triangle` is unknown or `k_neighbors` is below 3.
    """
    if triangle not in ("delaunay", *RUNGS):
        raise ValueError(f"`triangle` is {triangle!r}; give one of {', '.join((*RUNGS, 'delaunay'))}.")
    if k_neighbors < 3:
        raise ValueError(f"`k_neighbors` is {k_neighbors}; give at least 3.")
    # An `af.Model` turns whole numbers into floats.
    rung = partial(RUNGS[triangle], k_neighbors=int(k_neighbors))
    return type("InterpolatorRung", (InterpolatorRung,), {"rung": staticmethod(rung)})


class InterpolatorRung(InterpolatorKNNBarycentric):
    """An interpolator that shares everything but mappings and weights with the exact one."""

    rung = None
    """A function of `RUNGS` without its `k_neighbors`."""

    def interpolation_at(self, points):
        return self.rung(self.mesh_grid_xy, points, self._xp)

    @property
    def _mappings_sizes_weights(self):
        if self.traced:
            return super()._mappings_sizes_weights
        return self._eagerly(self.data_grid.over_sampled.array)

    @property
    def _mappings_sizes_weights_split(self):
        if self.traced:
            return super()._mappings_sizes_weights_split
        mappings, sizes, weights = self._eagerly(self.delaunay.split_points)
        return np.pad(mappings, ((0, 0), (0, 1)), constant_values=-1), sizes, np.pad(weights, ((0, 0), (0, 1)))

    def _eagerly(self, points):
        mappings, weights = self.interpolation_at(np.asarray(points))
        return mappings, (mappings >= 0).sum(axis=1), weights
