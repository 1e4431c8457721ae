"""Tables of natural neighbours under `jit`: every data point has a row of a few places, and more rows where it needs them."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from autoarray.inversion.regularization.regularization_util import SPLIT_REG_COMPACT_WIDTH

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
    split_mappings, split_sizes, split_weights
        (4N, L) int32, (4N,) int and (4N, L) float: vertices, their number, and weights of the split points, each in one row;
        None without split points. The last column is unused: split regularization inserts each row's own vertex there.
    """

    mappings: Any
    weights: Any
    row_owner: Any
    split_mappings: Any
    split_sizes: Any
    split_weights: Any


class Room(NamedTuple):
    """Sizes of the tables: places of a row, spare rows of data points and of split points, places of a split point."""

    places: int
    data_rows: int
    split_rows: int
    split_places: int


def tables_from(triangulation, points, data, split_points, kind, split_budget):
    """The `Tables` of a `delaunax.Triangulation`, under JAX. Outside `jit` every data point has one row.

    Parameters
    ----------
    triangulation
        The triangulation of the vertices.
    points, data, split_points
        (N, 2), (Q, 2) and (4N, 2) float, vertices, data points and split points or None (arcsec).
    kind
        "sibson" or "laplace".
    split_budget
        How many split points may have `SPLIT_REG_COMPACT_WIDTH` neighbours or more; None for any number. The others get linear
        weights.
    """
    import jax.numpy as jnp

    import delaunax

    number, splits = len(data), 0 if split_points is None else len(split_points)
    queries = jnp.concatenate([data, split_points]) if splits else data
    natural = partial(delaunax.natural_neighbor_rows, triangulation, points, queries, kind=kind)
    room = _room_for(natural, triangulation, number, splits, split_budget)
    found = natural(room.data_rows + room.split_rows, width=room.places)
    is_linear = _is_linear(found, number, room, split_budget)
    first = _first_rows(points, queries, found, is_linear)
    spare = type(found)(*(each[len(queries) :] for each in found))
    data_tables = _data_tables([each[:number] for each in first], spare, is_linear, room)
    if not splits:
        return Tables(*data_tables, None, None, None)
    mappings, weights = _split_tables([each[number:] for each in first], spare, is_linear, number, room)
    return Tables(*data_tables, mappings, jnp.where(is_linear, 3, found.count)[number:], weights)


def _room_for(natural, triangulation, number, splits, split_budget):
    """The `Room` for any mesh under `jit`; otherwise for this mesh, without spare rows."""
    import jax

    if isinstance(triangulation.simplices, jax.core.Tracer):
        room = Room(PLACES, DATA_SPARE * number + 64, SPLIT_SPARE * splits, SPLIT_PLACES)
    else:
        widest = max(int(natural(0).count.max()), PLACES)
        room = Room(widest, 0, 0, widest + 1)
    if split_budget is None:
        return room
    return room._replace(split_places=min(room.split_places, BUDGETED_PLACES))


def _is_linear(found, number, room, split_budget):
    """(Q,) bool, the queries with linear weights: they find no spare row, or have too many neighbours for a split point."""
    import jax.numpy as jnp

    of_split = np.arange(len(found.count)) >= number
    is_linear = jnp.isnan(found.weights[: len(found.count), 0]) | of_split & (found.count >= room.split_places)
    if split_budget is not None:
        is_wide = of_split & (found.count >= SPLIT_REG_COMPACT_WIDTH)  # Its own vertex comes on top.
        is_linear = is_linear | is_wide & (jnp.cumsum(is_wide) > split_budget)
    # Spare rows of data points come first: those behind their share are left to split points.
    behind = len(found.count) + room.data_rows
    is_late = (found.vertices[behind:, 0] >= 0) & (found.query[behind:] < number)
    first_late = jnp.where(is_late, found.query[behind:], number).min(initial=number)
    is_behind = ~of_split & (np.arange(len(found.count)) >= first_late)
    return is_linear | is_behind & (found.count > room.places)


def _first_rows(points, queries, found, is_linear):
    """(Q, K) vertices and weights: the first row of every query, or its triangle and linear weights."""
    import jax.numpy as jnp

    import delaunax

    unused = (0, 0), (0, found.vertices.shape[1] - 3)
    # A vertex in rows of NaN keeps them from being skipped as padding.
    corners = jnp.pad(jnp.maximum(found.triangle, 0), unused, constant_values=NONE)
    linear = jnp.pad(delaunax.barycentric_weights(points, queries, found.triangle), unused)
    return (
        jnp.where(is_linear[:, None], corners, found.vertices[: len(queries)]),
        jnp.where(is_linear[:, None], linear, found.weights[: len(queries)]),
    )


def _data_tables(first, spare, is_linear, room):
    """Mappings, weights and row owners of the Q data points: their first rows, then their spare rows."""
    import jax.numpy as jnp

    if not room.data_rows:
        return *first, None
    (mappings, weights), number = first, len(first[0])
    vertices, further, query = (each[: room.data_rows] for each in spare[:3])
    vertices = jnp.where(((query < number) & ~is_linear[query])[:, None], vertices, -1)
    owner = jnp.append(jnp.arange(number), jnp.minimum(query, number - 1))
    further = jnp.where(vertices < 0, 0.0, further)
    return jnp.concatenate([mappings, vertices]), jnp.concatenate([weights, further]), owner


def _split_tables(first, spare, is_linear, number, room):
    """(4N, L) mappings and weights of the split points, whose queries come after `number` data points."""
    import jax.numpy as jnp

    unused = (0, 0), (0, max(room.split_places - room.places, 0))
    mappings, weights = (
        jnp.pad(each, unused, constant_values=value)[:, : room.split_places]
        for each, value in zip(first, (NONE, 0.0), strict=True)
    )
    if not room.split_rows:
        return mappings, weights
    is_used = (spare.query >= number) & (spare.vertices[:, 0] >= 0) & ~is_linear[spare.query]
    splits = len(mappings)
    row = jnp.where(is_used, spare.query - number, splits)
    place = row, spare.slot // PLACES
    return [
        table.reshape(splits, -1, PLACES).at[place].set(further, mode="drop").reshape(table.shape)
        for table, further in ((mappings, spare.vertices), (weights, spare.weights))
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
