"""Tables of natural neighbours under `jit`: every data point has a row of a few places, and more rows where it needs them."""

from typing import Any, NamedTuple

PLACES = 8
"""Places of a row. Of the data points of a lens, 1 to 5 per cent have more neighbours; with default priors up to 22."""

MAX_NEIGHBORS = 384
"""No point has more neighbours than this; default priors reach 300. A row with more gets linear weights."""

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

    def with_linear(found, queries, is_linear):
        """(mappings, weights) with linear weights in some rows; NaN if the triangulation is not certified."""
        corners = delaunax.locate(triangulation, points, queries)
        weights = delaunax.barycentric_weights(points, queries, corners)
        spare = ((0, 0), (0, found.vertices.shape[1] - 3))
        corners = jnp.pad(corners, spare, constant_values=-1)
        weights = jnp.where(is_linear[:, None], jnp.pad(weights, spare), found.weights)
        weights = jnp.where(triangulation.certified, weights, jnp.nan)
        return jnp.where(is_linear[:, None], corners, found.vertices), weights

    number, splits = len(data), 0 if split_points is None else len(split_points)
    narrow = natural(data, PLACES)
    is_wide = narrow.count > PLACES
    wide_number = min(number, number // WIDE_SHARE + 64)
    (wide_row,) = jnp.nonzero(is_wide, size=wide_number, fill_value=number)
    queries = data[jnp.minimum(wide_row, number - 1)]
    wide = natural(queries if not splits else jnp.concatenate([queries, split_points]), MAX_NEIGHBORS)
    # Pieces of wide rows, one after the other.
    count = jnp.where(wide_row < number, wide.count[:wide_number], 0)
    pieces = jnp.where(count <= MAX_NEIGHBORS, -(-count // PLACES), 0)
    last = jnp.cumsum(pieces)
    piece_number = number * PIECE_SHARE + 64
    fits = (count > 0) & (pieces > 0) & (last <= piece_number)
    piece = jnp.arange(piece_number, dtype="int32")
    owner = jnp.minimum(jnp.searchsorted(last, piece, side="right", method="scan_unrolled"), wide_number - 1)
    column = PLACES * (piece - (last - pieces)[owner])[:, None] + jnp.arange(PLACES, dtype="int32")
    is_used = (piece < last[-1])[:, None] & fits[owner][:, None]
    column = jnp.clip(column, 0, MAX_NEIGHBORS - 1)
    piece_mappings = jnp.where(is_used, wide.vertices[owner[:, None], column], -1)
    piece_weights = jnp.where(is_used, wide.weights[owner[:, None], column], 0.0)

    is_split = jnp.zeros(number, bool).at[wide_row].set(fits, mode="drop")
    mappings, weights = with_linear(narrow, data, is_wide & ~is_split)
    mappings = jnp.where(is_split[:, None], -1, mappings)
    weights = jnp.where(is_split[:, None], 0.0, weights)
    row_owner = jnp.concatenate([jnp.arange(number), jnp.minimum(wide_row, number - 1)[owner]])
    split = None, None
    if splits:
        found = jax.tree.map(lambda table: table[wide_number:], wide)
        is_linear = found.count > MAX_NEIGHBORS
        if split_budget is not None:
            is_linear = is_linear | (found.count > 11) & (jnp.cumsum(found.count > 11) > split_budget)
        split = with_linear(found, split_points, is_linear)
    rows = jnp.concatenate([mappings, piece_mappings]), jnp.concatenate([weights, piece_weights])
    return Tables(*rows, row_owner, *split)


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
