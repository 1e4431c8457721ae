"""Tables of natural neighbours under `jit`: every data point has a row of a few places, and more rows where it needs them."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

NONE = np.int32(-1)
"""No vertex, in an unused place."""

PLACES = 8
"""Places of a row. 1 to 15 of 100 points of a lens have more neighbours, and need spare rows."""

DATA_SPARE, SPLIT_SPARE = 1, 6
"""Spare rows per data point and per split point. A point that finds none gets linear weights.

Default priors reach 1.0 and 5.1, on Hilbert meshes with one free parameter."""

SPLIT_PLACES = 384
"""A split point with so many neighbours has linear weights; default priors reach 370."""

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
    of_split = np.arange(len(queries)) >= number

    natural = partial(delaunax.natural_neighbor_rows, triangulation, points, queries, kind=kind)
    if isinstance(queries, jax.core.Tracer):
        spare_rows, split_places = DATA_SPARE * number + 64, SPLIT_PLACES
        found = natural(spare_rows + SPLIT_SPARE * splits, width=PLACES)
    else:
        widest = max(int(natural(0).count.max()), PLACES)
        spare_rows, split_places, found = 0, widest + 1, natural(0, width=widest)
    is_linear = jnp.isnan(found.weights[: len(queries), 0])
    if split_budget is not None:
        split_places = min(split_places, BUDGETED_PLACES)
        is_wide = of_split & (found.count > 11)
        is_linear = is_linear | is_wide & (jnp.cumsum(is_wide) > split_budget)
    is_linear = is_linear | of_split & (found.count >= split_places)

    query, vertices, shares = (each[len(queries) :] for each in (found.query, found.vertices, found.weights))
    # Spare rows of data points come first: those behind their share are left to split points.
    is_late = (vertices[spare_rows:, 0] >= 0) & (query[spare_rows:] < number)
    is_linear = is_linear.at[jnp.where(is_late, query[spare_rows:], len(queries))].set(True, mode="drop")
    vertices = jnp.where(is_linear[query][:, None], -1, vertices)

    # Linear weights in the first row. A vertex in rows of NaN keeps them from being skipped as padding.
    spare = (0, 0), (0, found.vertices.shape[1] - 3)
    corners = jnp.pad(jnp.maximum(found.triangle, 0), spare, constant_values=NONE)
    linear = jnp.pad(delaunax.barycentric_weights(points, queries, found.triangle), spare)
    mappings = jnp.where(is_linear[:, None], corners, found.vertices[: len(queries)])
    weights = jnp.where(is_linear[:, None], linear, found.weights[: len(queries)])

    owner = query[:spare_rows]
    further = jnp.where(owner[:, None] < number, vertices[:spare_rows], -1)
    further_weights = jnp.where(further < 0, 0.0, shares[:spare_rows])
    tables = (
        jnp.concatenate([mappings[:number], further]),
        jnp.concatenate([weights[:number], further_weights]),
        jnp.append(jnp.arange(number), jnp.minimum(owner, number - 1)) if spare_rows else None,
    )
    if not splits:
        return Tables(*tables, None, None)
    row = jnp.where((query < number) | (vertices[:, 0] < 0), splits, query - number)
    later = row, found.slot[len(queries) :] // PLACES, vertices, shares
    spare = (0, 0), (0, split_places - PLACES)
    mappings, weights = jnp.pad(mappings[number:], spare, constant_values=NONE), jnp.pad(weights[number:], spare)
    wide = mappings[:, :split_places], weights[:, :split_places]
    return Tables(*tables, *(_with_rows(wide, *later) if spare_rows else wide))


def _with_rows(tables, row, piece, *values):
    """(4N, L) vertices and weights, with (S, 8) further pieces of their rows; a piece of row 4N is not used."""
    return [
        table.reshape(len(table), -1, PLACES).at[row, piece].set(value, mode="drop").reshape(table.shape)
        for table, value in zip(tables, values, strict=True)
    ]


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
