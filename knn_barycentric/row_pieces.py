"""Tables of natural neighbours under `jit`: every data point has a row of a few places, and more rows where it needs them."""

from typing import Any, NamedTuple

PLACES = 8
"""Places of a row. There are as many spare rows as points; a point that finds none gets linear weights.

1 to 15 of 100 points of a lens need a spare row."""

SPLIT_PLACES = 384
"""A split point with so many neighbours has linear weights; default priors reach 300."""

BUDGETED_PLACES = 64
"""The same if autoarray's split regularization has its limits (`wide_stencils`): it squares this number."""


class Tables(NamedTuple):
    """Natural neighbours of data points and split points.

    Attributes
    ----------
    mappings, weights
        (R, K) int32 and float: vertices and their weights; -1 and 0 in unused places. A data point has one or more rows.
    row_owner
        (R,) int, the data point of each row, or None if every data point has one row.
    split_mappings, split_weights
        (4N, L) int32 and float, the same of the split points, each in one row; None without split points. The last column is
        unused: split regularization inserts each row's own vertex there.
    """

    mappings: Any
    weights: Any
    row_owner: Any
    split_mappings: Any
    split_weights: Any


def tables_from(triangulation, points, data, split_points, kind, split_budget):
    """The `Tables` of a `delaunax.Triangulation`, under JAX. Outside `jit` every data point has one row.

    Parameters
    ----------
    points, data, split_points
        (N, 2), (Q, 2) and (4N, 2) float, vertices, data points and split points or None (arcsec).
    kind
        "sibson" or "laplace".
    split_budget
        How many split points may have more than 11 neighbours; None for any number. The others get linear weights.
    """
    import jax
    import jax.numpy as jnp

    import delaunax

    number, splits = len(data), 0 if split_points is None else len(split_points)
    queries = jnp.concatenate([data, split_points]) if splits else data

    def natural(spare_rows, places):
        return delaunax.natural_neighbor_rows(triangulation, points, queries, spare_rows, kind, places)

    if isinstance(queries, jax.core.Tracer):
        found, split_places = natural(len(queries) + 64, PLACES), SPLIT_PLACES
    else:
        widest = max(int(natural(0, PLACES).count.max()), PLACES)
        found, split_places = natural(0, widest), widest + 1

    of_split = jnp.arange(len(queries)) >= number
    if split_budget is None:
        is_cut = of_split & (found.count >= split_places)
    else:
        is_wide, split_places = of_split & (found.count > 11), min(split_places, BUDGETED_PLACES)
        is_cut = of_split & (found.count >= split_places) | is_wide & (jnp.cumsum(is_wide) > split_budget)

    # The first row of every point. A point without weights, or with too many for the tables, gets linear ones.
    width = found.vertices.shape[1]
    is_linear = (is_cut | jnp.isnan(found.weights[: len(queries), 0]))[:, None]
    linear = jnp.pad(delaunax.barycentric_weights(points, queries, found.triangle), ((0, 0), (0, width - 3)))
    # A vertex in rows of NaN keeps them from being skipped as padding.
    corners = jnp.pad(jnp.maximum(found.triangle, 0), ((0, 0), (0, width - 3)), constant_values=-1)
    mappings = jnp.where(is_linear, corners, found.vertices[: len(queries)])
    weights = jnp.where(is_linear, linear, found.weights[: len(queries)])

    owner, further, further_weights = (each[len(queries) :] for each in (found.query, found.vertices, found.weights))
    of_data, split = (owner < number)[:, None], (None, None)
    if splits:
        spare = (0, 0), (0, max(split_places - width, 0))
        row = jnp.where(of_data[:, 0] | is_cut[owner], splits, owner - number)[:, None]
        place = row, found.slot[len(queries) :, None] + jnp.arange(width)
        split = (
            jnp.pad(mappings[number:], spare, constant_values=-1)[:, :split_places].at[place].set(further, mode="drop"),
            jnp.pad(weights[number:], spare)[:, :split_places].at[place].set(further_weights, mode="drop"),
        )
    return Tables(
        jnp.concatenate([mappings[:number], jnp.where(of_data, further, -1)]),
        jnp.concatenate([weights[:number], jnp.where(of_data, further_weights, 0.0)]),
        jnp.concatenate([jnp.arange(number), jnp.minimum(owner, number - 1)]) if len(owner) else None,
        *split,
    )


class OverSamplerOfRows:
    """autoarray's over-sampler of a data grid, with the data pixel of every row of `Tables`."""

    def __init__(self, over_sampler, interpolator):
        self._over_sampler, self._interpolator = over_sampler, interpolator

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._over_sampler, name)

    @property
    def slim_for_sub_slim(self):
        """(R,) int, the data pixel of every row."""
        pixels, owner = self._over_sampler.slim_for_sub_slim, self._interpolator.tables.row_owner
        return pixels if owner is None else self._interpolator._xp.asarray(pixels)[owner]
