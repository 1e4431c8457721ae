"""The approximate rungs: interpolation from the nearest vertices, without a triangulation.

A rung is a function

    rung(mesh_points, query_points, xp) -> mappings, weights

that takes the (N, 2) vertices and (Q, 2) query points (arcsec) and returns the (Q, K) int32 vertices of each query point,
padded with -1, and their (Q, K) weights, which sum to 1. K is the rung's own choice. `xp` is `numpy` or `jax.numpy`; with
`numpy` no rung may import JAX.

To add a rung, write its function here and name it in `WEIGHTS_OF_RUNGS`. The gate, its reports and its tests then include it.
`docs/proofs/ladder.md` shows what each rung costs in log evidence.
"""

from functools import partial
from itertools import combinations

import numpy as np
from autonerves import cached_property

from knn_barycentric.interpolator import InterpolatorKNNBarycentric
from knn_barycentric.mesh import KNNBarycentric

SUPPORT_SCALE = 1.5
"""Support of the Wendland kernel in units of the distance to the farthest neighbour; autoarray's default."""

BLOCK_QUERIES = 128
"""Number of query points for which the distances to all vertices are in memory together, under JAX."""


def clip(mesh_points, query_points, xp):
    """The three nearest vertices, with negative barycentric coordinates clipped to zero."""
    # Imported late: an autoarray that has taken the patch has the mesh but not this module.
    from knn_barycentric.three_nearest import barycentric_weights_from_3_nearest

    nearest = nearest_vertices(mesh_points, query_points, 3, xp)
    return nearest, barycentric_weights_from_3_nearest(query_points, mesh_points, nearest, xp)


def wendland(mesh_points, query_points, xp):
    """The three nearest vertices: barycentric weights if they enclose the query point, a Wendland C4 kernel otherwise."""
    nearest, clipped = clip(mesh_points, query_points, xp)
    coordinates, collinear = _coordinates_from(query_points, mesh_points, nearest, xp)
    enclosed = ~collinear & (coordinates >= 0.0).all(axis=1, keepdims=True)
    kernel = wendland_c4_weights_from(query_points, mesh_points[nearest], xp)
    return nearest, xp.where(enclosed, clipped, kernel)


def wendland_c4_weights_from(query_points, neighbours, xp=np):
    """Weights of a Wendland C4 kernel (Wendland 1995, Adv. Comput. Math. 4, 389).

    Parameters
    ----------
    query_points, xp
        As in every rung.
    neighbours
        (Q, K, 2) float, the coordinates of K neighbours of each query point (arcsec).

    Returns
    -------
    (Q, K) float
        Weights that sum to 1. The support is `SUPPORT_SCALE` times the distance to the farthest neighbour.
    """
    squared = ((neighbours - query_points[:, None, :]) ** 2).sum(axis=-1)
    # At a query point on a vertex the square root has no finite derivative.
    distance = xp.sqrt(xp.where(squared > 0.0, squared, 1.0)) * (squared > 0.0)
    support = SUPPORT_SCALE * distance.max(axis=1, keepdims=True)
    s = distance / xp.where(support > 0.0, support, 1.0)
    kernel = (1.0 - s) ** 6 * (35.0 * s**2 + 18.0 * s + 3.0)
    return kernel / kernel.sum(axis=1, keepdims=True)


def enclosing(mesh_points, query_points, xp, k_neighbors):
    """The Delaunay triangle of the `k_neighbors` nearest vertices that encloses the query point, or the nearest vertex."""
    chosen = enclosing_triples(mesh_points, query_points, k_neighbors, xp)
    corners = xp.where(chosen < 0, chosen[:, :1], chosen)
    none_encloses = chosen[:, 1:2] < 0
    coordinates, _ = _coordinates_from(query_points, mesh_points, corners, xp)
    nearest_only = xp.asarray([1.0, 0.0, 0.0], dtype=coordinates.dtype)
    weights = xp.where(none_encloses, nearest_only, xp.where(coordinates > 0.0, coordinates, 0.0))
    return chosen, weights / weights.sum(axis=1, keepdims=True)


def enclosing_triples(mesh_points, query_points, k_neighbors, xp=np):
    """Of the `k_neighbors` nearest vertices, the three that would be the query point's Delaunay triangle.

    Lift every vertex to its squared distance from the query point. Among all enclosing triples, the Delaunay triangle
    has the lowest plane at the query point.

    Returns
    -------
    (Q, 3) int32
        [nearest, -1, -1] if no triple encloses the query point.
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

    nearest_only = xp.where(np.arange(3) > 0, -1, nearest[:, :3])
    best = nearest_only, xp.full(len(squared), xp.inf, squared.dtype)
    triples = np.asarray(list(combinations(range(k_neighbors), 3)))
    if xp is np:
        for triple in triples:
            best, _ = lower(best, triple)
        return best[0]
    from jax import lax

    mesh_points, query_points, squared = map(lax.stop_gradient, (mesh_points, query_points, squared))
    return lax.scan(lower, best, xp.asarray(triples))[0][0]


def _coordinates_from(query_points, mesh_points, triples, xp):
    from knn_barycentric.three_nearest import barycentric_coordinates_from

    return barycentric_coordinates_from(query_points, mesh_points, triples, xp)


def nearest_vertices(mesh_points, query_points, number, xp=np):
    """The nearest vertices of every query point, nearest first.

    Returns
    -------
    (Q, number) int32
        If the mesh has fewer vertices than `number`, the farthest one fills the remaining columns.
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
    """`nearest_vertices` by two minima each: the least distance, then the least index at that distance.

    XLA's CPU backend is slow at one argmin.
    """
    import jax.numpy as jnp
    from jax import lax

    count, vertices = query_points.shape[0], points.shape[0]
    block = min(count, BLOCK_QUERIES)
    vertex = jnp.arange(vertices, dtype=jnp.int32)

    def nearest_of(queries):
        distance = (queries[:, :1] - points[:, 0]) ** 2 + (queries[:, 1:] - points[:, 1]) ** 2
        found = []
        for _ in range(min(number, vertices)):
            # The compiler may compute the distance once per reduction, with different rounding.
            bound = distance.min(axis=1) * (1.0 + 4.0 * jnp.finfo(points.dtype).eps)
            found.append(jnp.where(distance <= bound[:, None], vertex, vertices - 1).min(axis=1))
            distance = jnp.where(vertex == found[-1][:, None], jnp.inf, distance)
        return jnp.stack(found + found[-1:] * (number - len(found)), axis=1)

    padded = jnp.pad(query_points, ((0, -count % block), (0, 0)), mode="edge").reshape(-1, block, 2)
    return lax.map(nearest_of, padded).reshape(-1, number)[:count]


WEIGHTS_OF_RUNGS = {
    "clip": clip,
    "wendland": wendland,
    **{f"enclosing-{k}": partial(enclosing, k_neighbors=k) for k in (4, 5, 6, 10)},
}
"""Name of a rung -> the function that gives its mappings and weights, in the order of the report; `clip` comes first."""


class RungMesh(KNNBarycentric):
    """`KNNBarycentric` with weights from a rung; dual areas and split points still come from the triangulation.

    Parameters
    ----------
    pixels, zeroed_pixels, areas_factor
        As in `KNNBarycentric`.
    rung
        A key of `WEIGHTS_OF_RUNGS`.

    Raises
    ------
    ValueError
        If `rung` is unknown.
    """

    def __init__(self, pixels, zeroed_pixels=0, areas_factor=0.5, rung="clip"):
        super().__init__(pixels=pixels, zeroed_pixels=zeroed_pixels, areas_factor=areas_factor)
        if rung not in WEIGHTS_OF_RUNGS:
            raise ValueError(f"`rung` is {rung!r}; give one of {', '.join(WEIGHTS_OF_RUNGS)}.")
        self.rung = rung

    @property
    def interpolator_cls(self):
        """The class that autoarray interpolates this mesh with."""
        return InterpolatorRung


class InterpolatorRung(InterpolatorKNNBarycentric):
    """The interpolator of a `RungMesh`; works with NumPy and JAX."""

    def _interpolation_at(self, points):
        return WEIGHTS_OF_RUNGS[self.mesh.rung](self.mesh_grid_xy, points, self._xp)

    @cached_property
    def _mappings_sizes_weights(self):
        if self.on_jax:
            return super()._mappings_sizes_weights
        return self._on_numpy(self.data_grid.over_sampled.array)

    @cached_property
    def _mappings_sizes_weights_split(self):
        if self.on_jax:
            return super()._mappings_sizes_weights_split
        mappings, sizes, weights = self._on_numpy(self.delaunay.split_points)
        return np.pad(mappings, ((0, 0), (0, 1)), constant_values=-1), sizes, np.pad(weights, ((0, 0), (0, 1)))

    def _on_numpy(self, points):
        mappings, weights = self._interpolation_at(np.asarray(points))
        return mappings, (mappings >= 0).sum(axis=1), weights
