"""Linear maps of natural neighbours: what walks around the rings add up, with their transposes.

    shares of a table        moves of points and queries -> changes of the shares
    sums of shares * values  values -> sums;  moves of points and queries -> changes of the sums

No map has a table of its own as wide as the largest ring: each is a walk that adds to its result step by step. The points and
queries that a map depends on are arguments, because second derivatives are not known (`platform.linear_map`).
"""

from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax import platform
from delaunax.arithmetic.triangle import A, B
from delaunax.interpolation.cavity import Circles, dot
from delaunax.interpolation.ring import Queries, walk_around
from delaunax.interpolation.shares import KINDS
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import DROP, NONE, gather, write
from delaunax.platform.linear_map import linear_map


class Cavities(NamedTuple):
    """Where the rings of Q queries are.

    Attributes
    ----------
    circles
        The triangulation.
    queries
        The queries, each with a corner of its cavity.
    ends
        (Q, 2) int32, the neighbours of a query without a ring (`ring.begin`).
    outside
        (Q,) bool, whether the query is outside the hull.
    """

    circles: Circles
    queries: Queries
    ends: jax.Array
    outside: jax.Array


class Rings(NamedTuple):
    """A table of K places.

    Attributes
    ----------
    vertices
        (Q, K) int32, the ring vertices, counter-clockwise; -1 behind them.
    shares
        (Q, K) float, their shares; 0 behind them.
    count
        (Q,) int32, how many there are, in the table or not.
    """

    vertices: jax.Array
    shares: jax.Array
    count: jax.Array  # type: ignore[assignment]  # A tuple's method.


Moves = tuple[Array, Array]
"""How (N, 2) vertices and (Q, 2) queries move."""


@cache
def _on_platform(function, *static):
    return by_platform(platform.fused(partial(function, *static)))


def rings(kind: str, width: int, cavities: Cavities) -> Rings:
    """The table of so many places."""
    return Rings(*_on_platform(_rings, kind, width)(cavities))


def moved_shares(kind: str, width: int, cavities: Cavities, moves: Moves, depends_on: Any) -> Array:
    """(Q, K) float: by how much the shares of `rings` change as points and queries move."""
    forward, transpose = _on_platform(_moved_shares, kind, width), _on_platform(_pulled_shares, kind, width)
    return linear_map(forward, transpose, cavities, moves, depends_on)


def sums(kind: str, cavities: Cavities, values: Array, depends_on: Any) -> Array:
    """(Q, C) float: the sums of shares times (N, C) values."""
    forward, transpose = _on_platform(_sums, kind), _on_platform(_spread_sums, kind)
    return linear_map(forward, transpose, cavities, values, depends_on)


def moved_sums(kind: str, cavities: Cavities, values: Array, moves: Moves, depends_on: Any) -> Array:
    """(Q, C) float: by how much the `sums` change as points and queries move."""
    forward, transpose = _on_platform(_moved_sums, kind), _on_platform(_pulled_sums, kind)
    return linear_map(forward, transpose, (cavities, values), moves, depends_on)


def _like(queries):
    return jnp.zeros_like(queries.x)


def _place(width, number, turn, slot, counts):
    """Where a flat table of so many rows has a place of the ring of a turn; behind the rows if it has none."""
    return jnp.where(counts & (slot < width), turn.row * np.int32(width) + slot, np.int32(width * number))


def _spare(width, number, value, dtype):
    """A flat table of so many rows, and one place more for what is not kept."""
    return jnp.full(width * number + 1, value, dtype)


def _put(table, place, value):
    """A flat table with values at () or (Q,) places."""
    set_at = platform.choose(write, lambda table, place, value: table.at[place].set(value, **DROP))
    return set_at(table, place, value)


def _rings(kind, width, cavities):
    kind, (circles, queries, *_) = KINDS[kind], cavities
    number = len(queries.x)

    def visit(chain, table, turn):
        chain, share = kind.after(chain, turn)
        place = _place(width, number, turn, turn.slot, turn.ends)
        return chain, (_put(table[0], place, turn.v), _put(table[1], place, share))

    begun = _spare(width, number, NONE, jnp.int32), _spare(width, number, 0.0, queries.x.dtype)
    _, tables, count = walk_around(circles, queries, visit, kind.begun(queries.x), begun)
    vertices, shares = (table[:-1].reshape(number, width) for table in tables)
    return vertices, shares, count


def _sums(kind, cavities, values):
    kind, (circles, queries, *_) = KINDS[kind], cavities

    def visit(own, shared, turn):
        chain, total = own
        chain, share = kind.after(chain, turn)
        term = jnp.where(turn.ends, share, 0.0).astype(values.dtype)[..., None] * gather(values, turn.v)
        return (chain, total + term), shared

    begun = kind.begun(queries.x), jnp.zeros((len(queries.x), values.shape[1]), values.dtype)
    (_, total), _, _ = walk_around(circles, queries, visit, begun, ())
    return total


def _spread_sums(kind, cavities, covectors):
    kind, (circles, queries, *_) = KINDS[kind], cavities

    def visit(chain, spread, turn):
        chain, share = kind.after(chain, turn)
        place = jnp.where(turn.ends, turn.v, NONE)
        return chain, spread.at[place].add(
            share.astype(covectors.dtype)[..., None] * gather(covectors, turn.row), **DROP
        )

    begun = jnp.zeros((len(circles.points), covectors.shape[1]), covectors.dtype)
    return walk_around(circles, queries, visit, kind.begun(queries.x), begun)[1]


def _slopes(kind, before, turn):
    """The cotangent at the ring vertex before, after a turn, and what the turn adds to the slopes of the shares of v and a."""
    following, _ = KINDS["laplace"].after(before, turn)
    return following, *KINDS[kind].slopes(before, turn)


def _change(slopes, turn, moves, scale):
    """The change of a share as v, a and the query of a turn move."""
    points, queries = moves

    def at(array, place):
        return gather(array, place, A), gather(array, place, B)

    moved = dot(slopes.v, at(points, turn.v)) + dot(slopes.a, at(points, turn.a))
    return (moved + dot(slopes.query, at(queries, turn.row))) * gather(scale, turn.row)


def _changes(kind, cavities, moves, emit, own, shared):
    """Walk around, and `emit(own, shared, turn, change)` the change of the share of v where a turn ends."""
    circles, queries, *_ = cavities

    def visit(own, shared, turn):
        (before, change), own = own
        following, of_v, of_a = _slopes(kind, before, turn)
        change_v = change + _change(of_v, turn, moves, queries.scale)
        own, shared = emit(own, shared, turn, change_v)
        change = jnp.where(
            turn.on_ring, _change(of_a, turn, moves, queries.scale), jnp.where(turn.moves, change_v, change)
        )
        return ((following, change), own), shared

    begun = (_like(queries), _like(queries)), own
    (_, own), shared, _ = walk_around(circles, queries, visit, begun, shared)
    return own, shared


def _moved_shares(kind, width, cavities, moves):
    number, dtype = len(cavities.queries.x), cavities.queries.x.dtype

    def emit(own, table, turn, change):
        return own, _put(table, _place(width, number, turn, turn.slot, turn.ends), change)

    _, table = _changes(kind, cavities, moves, emit, (), _spare(width, number, 0.0, dtype))
    return table[:-1].reshape(number, width)


def _moved_sums(kind, cavities_and_values, moves):
    cavities, values = cavities_and_values

    def emit(total, shared, turn, change):
        return total + jnp.where(turn.ends, change, 0.0).astype(values.dtype)[..., None] * gather(
            values, turn.v
        ), shared

    total = jnp.zeros((len(cavities.queries.x), values.shape[1]), values.dtype)
    return _changes(kind, cavities, moves, emit, total, ())[0]


def _pulled(kind, cavities, weight):
    """The transpose of `_changes`: `weight(vertex, slot, turn, counts)` is the covector of the share of a ring vertex."""
    circles, queries, *_ = cavities

    def visit(own, shared, turn):
        before, query = own
        before, of_v, of_a = _slopes(kind, before, turn)
        scale = gather(queries.scale, turn.row)
        weight_v = scale * weight(turn.v, turn.slot, turn, turn.counts)
        weight_a = scale * weight(turn.a, jnp.where(turn.ends, turn.slot + 1, turn.slot), turn, turn.begins)

        def pulled(slope_v, slope_a):
            return [weight_v * v + weight_a * a for v, a in zip(slope_v, slope_a, strict=True)]

        at_v, at_a, at_query = (pulled(*each) for each in zip(of_v, of_a, strict=True))
        place_v, place_a = jnp.where(turn.moves, turn.v, NONE), jnp.where(turn.moves, turn.a, NONE)
        shared = [
            each.at[place_v].add(v, **DROP).at[place_a].add(a, **DROP)
            for each, v, a in zip(shared, at_v, at_a, strict=True)
        ]
        return (before, [total + each for total, each in zip(query, at_query, strict=True)]), shared

    zeros = jnp.zeros_like(circles.points[:, 0])
    begun = _like(queries), [_like(queries), _like(queries)]
    (_, query), shared, _ = walk_around(circles, queries, visit, begun, [zeros, zeros])
    return jnp.stack(shared, axis=1), jnp.stack(query, axis=1)


def _pulled_shares(kind, width, cavities, covectors):
    flat = jnp.append(covectors.reshape(-1), 0.0)

    def weight(_, slot, turn, counts):
        return gather(flat, _place(width, len(covectors), turn, slot, counts))

    return _pulled(kind, cavities, weight)


def _pulled_sums(kind, cavities_and_values, covectors):
    cavities, values = cavities_and_values

    def weight(vertex, _, turn, counts):
        return jnp.where(counts, (gather(covectors, turn.row) * gather(values, vertex)).sum(axis=-1), 0.0)

    return _pulled(kind, cavities, weight)
