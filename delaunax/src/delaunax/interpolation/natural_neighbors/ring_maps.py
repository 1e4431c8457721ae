"""Linear maps of natural neighbours: what walks around the rings add up, with their transposes.

    shares of a table        moves of points and queries -> changes of the shares
    sums of shares * values  values -> sums;  moves of points and queries -> changes of the sums

No map has a table of its own as wide as the largest ring: each is a walk that adds to its result step by step. The points and
queries that a map depends on are arguments, because second derivatives are not known (`platform.linear_map`).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.scaling import largest_exponent, times_power_of_two
from delaunax.arithmetic.triangle import A, B
from delaunax.interpolation.natural_neighbors.cavity import Cavities
from delaunax.interpolation.natural_neighbors.circles import dot
from delaunax.interpolation.natural_neighbors.ring import walk_around
from delaunax.interpolation.natural_neighbors.ring_rows import Layout, on_platform
from delaunax.interpolation.natural_neighbors.shares import KINDS
from delaunax.platform.indexing import DROP, NONE, gather, write
from delaunax.platform.linear_map import linear_map

Moves = tuple[Array, Array]
"""How (N, 2) vertices and (Q, 2) queries move, in the unit of the cavities, in which coordinates are of order one."""


def moves_of(points, query_points, d_points, d_query_points):
    """Tangents of points and queries in the unit of the cavities, in which coordinates are of order one."""
    power = -largest_exponent(lax.stop_gradient(points))
    return tuple(
        jnp.zeros_like(primal) if is_zero(tangent) else times_power_of_two(tangent, power)
        for primal, tangent in ((points, d_points), (query_points, d_query_points))
    )


def is_zero(tangent):
    return isinstance(tangent, jax.custom_derivatives.SymbolicZero)


def moved_shares(kind: str, shape: tuple, cavities: Cavities, spare: Array, moves: Moves, depends_on: Any) -> Array:
    """(R, K) float: by how much the shares of `rings`, of this shape, change as points and queries move."""
    forward, transpose = on_platform(_moved_shares, kind, shape), on_platform(_pulled_shares, kind, shape)
    return linear_map(forward, transpose, (cavities, spare), moves, depends_on)


def sums(kind: str, cavities: Cavities, values: Array, depends_on: Any) -> Array:
    """(Q, C) float: the sums of shares times (N, C) values."""
    forward, transpose = on_platform(_sums, kind), on_platform(_spread_sums, kind)
    return linear_map(forward, transpose, cavities, values, depends_on)


def moved_sums(kind: str, cavities: Cavities, values: Array, moves: Moves, depends_on: Any) -> Array:
    """(Q, C) float: by how much the `sums` change as points and queries move."""
    forward, transpose = on_platform(_moved_sums, kind), on_platform(_pulled_sums, kind)
    return linear_map(forward, transpose, (cavities, values), moves, depends_on)


def _sums(kind, cavities, values):
    kind, (circles, queries, *_) = KINDS[kind], cavities

    def visit(own, shared, turn):
        chain, total = own
        chain, share = kind.after(chain, turn)
        term = jnp.where(turn.ends, share, 0.0).astype(values.dtype)[..., None] * gather(values, turn.v)
        return (chain, total + term), shared

    begun = kind.begun(queries.x), jnp.zeros((len(queries.x), values.shape[1]), values.dtype)
    (_, total), _ = walk_around(circles, queries, visit, begun, ())
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

    begun = (jnp.zeros_like(queries.x), jnp.zeros_like(queries.x)), own
    (_, own), shared = walk_around(circles, queries, visit, begun, shared)
    return own, shared


def _moved_shares(kind, shape, cavities_and_spare, moves):
    cavities, spare = cavities_and_spare
    layout = Layout(spare, *shape)

    put = platform.choose(write, lambda table, place, value: table.at[place].set(value, **DROP))

    def emit(own, table, turn, change):
        return own, put(table, layout.place(turn.row, turn.slot, turn.ends), change)

    # One place more, for what is not kept.
    table = jnp.zeros(layout.size + 1, cavities.queries.x.dtype)
    _, table = _changes(kind, cavities, moves, emit, (), table)
    return table[:-1].reshape(shape)


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
    begun = jnp.zeros_like(queries.x), [jnp.zeros_like(queries.x), jnp.zeros_like(queries.x)]
    (_, query), shared = walk_around(circles, queries, visit, begun, [zeros, zeros])
    return jnp.stack(shared, axis=1), jnp.stack(query, axis=1)


def _pulled_shares(kind, shape, cavities_and_spare, covectors):
    cavities, spare = cavities_and_spare
    layout, flat = Layout(spare, *shape), jnp.append(covectors.reshape(-1), 0.0)

    def weight(_, slot, turn, counts):
        return gather(flat, layout.place(turn.row, slot, counts))

    return _pulled(kind, cavities, weight)


def _pulled_sums(kind, cavities_and_values, covectors):
    cavities, values = cavities_and_values

    def weight(vertex, _, turn, counts):
        return jnp.where(counts, (gather(covectors, turn.row) * gather(values, vertex)).sum(axis=-1), 0.0)

    return _pulled(kind, cavities, weight)
