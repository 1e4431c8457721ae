"""Tables of rings: the ring vertices of every query and their shares, in rows of a few places.

A ring with more vertices than places has further rows, which are spare rows in the order of the queries.
"""

from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.interpolation.natural_neighbors.cavity import Cavities
from delaunax.interpolation.natural_neighbors.ring_lists import at, first_places, ring_sums, rings_from, shares_on
from delaunax.interpolation.natural_neighbors.ring_stacks import rings_in_sequence
from delaunax.interpolation.natural_neighbors.shares import KINDS
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import DROP, NONE, write
from delaunax.platform.rows import sums


class Layout(NamedTuple):
    """Where tables of Q + S rows of K places hold the rings: row q the first K vertices of ring q, spare rows the others.

    Attributes
    ----------
    spare
        (Q,) int32, the place that the first vertex of ring q would have if its spare rows were all its rows; far behind the
        table for a ring without spare rows. The table is flat.
    rows
        Q + S, static.
    width
        K, static.
    """

    spare: jax.Array
    rows: int
    width: int

    @property
    def size(self) -> int:
        """How many places the flat table has."""
        return self.rows * self.width

    def place(self, query: Array, slot: Array, counts: Array) -> Array:
        """The place of a slot of the ring of a query, where it `counts`; behind the table if it has none."""
        row, width = query * np.int32(self.width), np.int32(self.width)
        flat = slot + jnp.where(slot < width, row, platform.gather_lanes(self.spare, query))
        return jnp.where(counts, jnp.minimum(flat, np.int32(self.size)), np.int32(self.size))


class Rings(NamedTuple):
    """Tables of R = Q + S rows of K places.

    Attributes
    ----------
    vertices
        (R, K) int32, the ring vertices, counter-clockwise; -1 behind them.
    shares
        (R, K) float, their shares; 0 behind them.
    query
        (R,) int32, the query of each row; 0 of a spare row that is not used.
    total
        (Q,) float, the sum of all shares of each ring.
    count
        (Q,) int32, how many vertices each ring has, in the table or not.
    spare
        (Q,) int32, as in `Layout`.
    """

    vertices: jax.Array
    shares: jax.Array
    query: jax.Array
    total: jax.Array
    count: jax.Array  # type: ignore[assignment]  # A tuple's method.
    spare: jax.Array


@cache
def on_platform(function, *static):
    """A function with static arguments, which is compiled for its platform."""
    return by_platform(platform.fused(partial(function, *static)))


def rings(kind: str, width: int, spare_rows: int, cavities: Cavities) -> Rings:
    """The table of so many places in each row, with so many spare rows."""
    return on_platform(_rings, kind, width, spare_rows)(cavities)


def _rings(*arguments):
    return platform.choose(_in_sequence, _by_lists)(*arguments)


def _empty(rows, width, dtype):
    """Flat tables of vertices and shares, and the queries of rows."""
    return [jnp.full(rows * width, NONE), jnp.zeros(rows * width, dtype), jnp.zeros(rows, jnp.int32)]


def _filled(tables, total, count, spare, width):
    """The `Rings` of the tables that `_empty` begins with."""
    vertices, shares, query = tables
    number = len(count)
    query = jnp.append(np.arange(number, dtype=np.int32), query[number:])
    return Rings(vertices.reshape(-1, width), shares.reshape(-1, width), query, total, count, spare)


def _in_sequence(kind, width, spare_rows, cavities):
    kind, (circles, queries, *_) = KINDS[kind], cavities
    number, rows = len(queries.x), len(queries.x) + spare_rows

    def visit(shared, query, slot, vertex, share):
        tables, row, unused = shared
        column, is_first = lax.rem(slot, np.int32(width)), slot == 0
        begins_spare = (column == 0) & ~is_first
        # A ring without room overwrites its first row, which is not read.
        spare = jnp.where(unused < rows, unused, query)
        row = jnp.where(is_first, query, jnp.where(begins_spare, spare, row))
        place = row * np.int32(width) + column
        written = (place, vertex), (place, share), (row, query)
        tables = [write(table, *each) for table, each in zip(tables, written, strict=True)]
        return tables, row, jnp.where(begins_spare, unused + 1, unused)

    def emptied(row, tables):
        empty = [NONE] * width, [jnp.zeros((), queries.x.dtype)] * width, [np.int32(0)]
        places = row * np.int32(width), row * np.int32(width), row
        return [write(table, place, *each) for table, place, each in zip(tables, places, empty, strict=True)]

    begun = _empty(rows, width, queries.x.dtype), np.int32(0), np.int32(number)
    (tables, _, unused), total, count = rings_in_sequence(kind, circles, queries, visit, begun)
    spare = _spare_places(count, rows, width)
    # The first ring that does not fit has begun to fill the last rows.
    (used,) = sums(jnp.where(spare < rows * width, _spare_rows_of(count, width), 0))
    tables = lax.fori_loop(number + used, jnp.minimum(unused, np.int32(rows)), emptied, tables)
    return _filled(tables, total, count, spare, width)


EDGES_PER_QUERY = 8
"""Places of a list for each query: default priors have 3.6 to 7.3 neighbours on average. A list that is full is followed by
another one."""


def _by_lists(kind, width, spare_rows, cavities):
    kind, (circles, queries, *_) = KINDS[kind], cavities
    number, rows = len(queries.x), len(queries.x) + spare_rows
    # The longest ring and an edge of the next one fit, so every list has a whole ring.
    longest = len(circles.points)
    places = max(EDGES_PER_QUERY * number, longest + 1)

    def add_list(_, carry):
        first, tables, total, count, _ = carry
        edges = rings_from(first, places, kind, circles, queries)
        end, begins, query = edges.query[-1], first_places(edges, number), lax.iota(np.int32, number)
        is_here = (query >= first) & (query < end) & (queries.corner >= 0)
        vertices, shares = shares_on(edges, begins, kind, circles, queries)
        count = jnp.where(is_here, begins[1:] - begins[:-1], count)
        total = jnp.where(is_here, at(ring_sums(edges, shares, longest), begins[:-1]), total)
        spare = _spare_places(count, rows, width)
        slot = lax.iota(np.int32, places) - at(begins, edges.query)
        is_whole = (slot < at(count, edges.query)) & (edges.query < end)
        place = Layout(spare, rows, width).place(edges.query, slot, is_whole)
        written = (place, vertices), (place, shares), (lax.div(place, np.int32(width)), edges.query)
        tables = [table.at[where].set(value, **DROP) for table, (where, value) in zip(tables, written, strict=True)]
        return end, tables, total, count, spare

    # No list yet: the first query, tables, totals, counts and spare places.
    tables, none = _empty(rows, width, queries.x.dtype), jnp.zeros_like(queries.row)
    begun = np.int32(0), tables, jnp.zeros_like(queries.x), none, none + np.int32(rows * width)
    _, *found = platform.lockstep_while(lambda _, carry: carry[0] < number, add_list, begun)
    return _filled(*found, width)


def _spare_places(count, rows, width):
    """`Layout.spare` of rings of (Q,) so many vertices: in sequence, as far as there are rows for whole rings."""
    needed = _spare_rows_of(count, width)
    before = platform.running_sums(needed)
    first, number = np.int32(len(count)) + before, np.int32(rows)
    has_room = (needed > 0) & (first + needed <= number)
    return jnp.where(has_room, (first - 1) * np.int32(width), number * np.int32(width))


def _spare_rows_of(count, width):
    """(Q,) int32, how many spare rows rings of so many vertices need."""
    return lax.div(jnp.maximum(count, 1) - 1, np.int32(width))
