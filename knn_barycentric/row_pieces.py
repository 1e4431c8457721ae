"""Tables of natural neighbours under `jit`: every data point has a row of a few places, and more rows where it needs them."""

from typing import Any, NamedTuple

import numpy as np

PLACES = 8
"""Places of a row. Of the data points of a lens, 1 to 5 per cent have more neighbours; with default priors up to 22."""

MAX_NEIGHBORS = 384
"""No point has more neighbours than this; default priors reach 300. A row with more gets linear weights."""

BUDGETED_WIDTH = 64
"""The same for split points if autoarray's split regularization has its limits (`wide_stencils`): it squares this number."""

WIDE_SHARE, PIECE_SHARE = 4, 1
"""One of four data points may have more neighbours than `PLACES`, and there is a further row per data point for them.

Data points beyond that get linear weights: default priors reach 0.22 and 0.7."""


class Tables(NamedTuple):
    """Natural neighbours of data points and split points.

    Attributes
    ----------
    mappings, weights
        (R, K) int32 and float: vertices and their weights; -1 and 0 in unused places. A data point has one or more rows.
    row_owner
        (R,) int, the data point of each row, or None if every data point has one row.
    split_mappings, split_weights
        (4N, L) int32 and float, the same of the split points, each in one row; None without split points.
    """

    mappings: Any
    weights: Any
    row_owner: Any
    split_mappings: Any
    split_weights: Any


def tables_from(triangulation, points, data, split_points, kind, split_budget):
    """The `Tables` of a `delaunax.Triangulation`, under JAX.

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

    def natural(queries, width):
        return delaunax.natural_neighbor_weights(triangulation, points, queries, kind, width)

    def completed(found, queries, is_linear):
        """(mappings, weights) with linear weights in some rows; NaN if the triangulation is not certified."""
        # Rows without neighbours are not finite. A vertex in them keeps NaN from being skipped as padding.
        is_linear = (is_linear | (found.count == 0))[:, None]
        corners = delaunax.locate(triangulation, points, queries)
        weights = delaunax.barycentric_weights(points, queries, corners)
        spare = ((0, 0), (0, found.vertices.shape[1] - 3))
        weights = jnp.where(is_linear, jnp.pad(weights, spare), found.weights)
        mappings = jnp.where(is_linear, jnp.pad(corners, spare, constant_values=-1), found.vertices)
        return mappings, jnp.where(triangulation.certified, weights, jnp.nan)

    number, splits = len(data), 0 if split_points is None else len(split_points)
    narrow = natural(data, PLACES)
    wide_number = min(number, number // WIDE_SHARE + 64)
    (wide_row,) = jnp.nonzero(narrow.count > PLACES, size=wide_number, fill_value=number)
    queries = data[jnp.minimum(wide_row, number - 1)]
    wide = natural(queries if not splits else jnp.concatenate([queries, split_points]), MAX_NEIGHBORS)
    split = None, None
    if splits:
        width = MAX_NEIGHBORS if split_budget is None else BUDGETED_WIDTH
        count = wide.count[wide_number:]
        found = wide._replace(
            vertices=wide.vertices[wide_number:, :width], weights=wide.weights[wide_number:, :width], count=count
        )
        is_linear = count > width
        if split_budget is not None:
            is_linear = is_linear | (count > 11) & (jnp.cumsum(count > 11) > split_budget)
        split = completed(found, split_points, is_linear)
    if not isinstance(narrow.count, jax.core.Tracer):
        widest = natural(data, -(-int(narrow.count.max()) // PLACES) * PLACES or PLACES)
        return Tables(*completed(widest, data, jnp.zeros(number, bool)), None, *split)

    # Pieces of wide rows, one after the other, as far as there are rows for them.
    count = jnp.where(wide_row < number, wide.count[:wide_number], 0)
    pieces = jnp.where(count <= MAX_NEIGHBORS, -(-count // PLACES), 0)
    end = jnp.cumsum(pieces)
    piece = jnp.arange(number * PIECE_SHARE + 64, dtype="int32")
    fits = (pieces > 0) & (end <= len(piece))
    row = jnp.minimum(jnp.searchsorted(end, piece, side="right"), wide_number - 1)
    column = PLACES * (piece - (end - pieces)[row])[:, None] + np.arange(PLACES, dtype="int32")
    is_used = (fits[row] & (piece < end[-1]))[:, None]
    place = row[:, None], jnp.clip(column, 0, MAX_NEIGHBORS - 1)
    in_pieces = jnp.zeros(number, bool).at[wide_row].set(fits, mode="drop")
    mappings, weights = completed(narrow, data, (narrow.count > PLACES) & ~in_pieces)
    return Tables(
        jnp.concatenate(
            [jnp.where(in_pieces[:, None], -1, mappings), jnp.where(is_used, wide.vertices[place], -1)],
        ),
        jnp.concatenate(
            [jnp.where(in_pieces[:, None], 0.0, weights), jnp.where(is_used, wide.weights[place], 0.0)],
        ),
        jnp.concatenate([jnp.arange(number), jnp.minimum(wide_row[row], number - 1)]),
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
