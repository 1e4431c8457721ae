"""The share of a query that a ring vertex gets: Sibson's, Laplace's, and their derivatives.

A share is a weight before the division by the sum of all. Both kinds are made from the cotangents that see the edges of the
cavity (`ring.Turn`): the distance of two circumcentres on a bisector is a sum of two cotangents, so nearly equal or distant
circumcentres are never subtracted.

Laplace's share of v is the sum of the two cotangents of the angles opposite the edge from the query to v, in the two triangles
of the query with the ring edges at v. Times half the distance of v, that is the length of the Voronoi edge between both.

Sibson's share of v is eight times the area of the part of the query's Voronoi cell that was v's. Seen from v, this part is a
fan of triangles over edges of v's old cell, without the triangle over the edge between v and the query. The area of a triangle
over an edge is a quarter of that edge's length times the distance of the neighbour behind it. The fan is at most twice as
large as the query's cell: so rounding of a share is small, compared with the sum of all.

The derivative of an area is an integral along its boundary: the edge between the cells of u and v moves at a point x by
`((x - v) . dv - (x - u) . du) / |u - v|`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from delaunax.arithmetic.error_bounds import Vector
from delaunax.interpolation.natural_neighbors.circles import dot
from delaunax.interpolation.natural_neighbors.ring import Turn


class Slopes(NamedTuple):
    """The derivative of a share, of v or of a, with respect to v, a and the query, times the scale of the query."""

    v: Vector
    a: Vector
    query: Vector


def times(factor: Any, vector: Vector) -> Vector:
    """A vector times a number."""
    return factor * vector[0], factor * vector[1]


def plus(*vectors: Vector) -> Vector:
    """The sum of vectors."""
    x, y = (sum(each[1:], each[0]) for each in zip(*vectors))
    return x, y


def turned_left(vector: Vector) -> Vector:
    """A vector turned counter-clockwise by a right angle."""
    return -vector[1], vector[0]


class Laplace:
    """Shares by the length of Voronoi edges."""

    def begun(self, like: Array) -> Any:
        """The state at the start of a turn around a vertex: the cotangent at the previous ring vertex."""
        return jnp.zeros_like(like)

    def after(self, before: Array, turn: Turn) -> tuple[Array, Array]:
        """The state after another edge, and the share of v if the turn ends with this edge."""
        at_a, at_v = ring_cotangents(turn)
        # Rounding makes some edges of length zero negative.
        return jnp.where(turn.on_ring, at_v, before), jnp.maximum(before + at_a, 0.0)

    def of_inner(self, cotangents: Array, along: Vector) -> Array:
        """The part of an inner edge in the shares of its ends: none. `cotangents` is the sum of both that see the edge."""
        return jnp.zeros_like(cotangents)

    def joined(self, before: Array, inner: Array) -> Array:
        """The state at the start of a turn, with the parts of all inner edges of that turn."""
        return before

    def slopes(self, before: Array, turn: Turn) -> tuple[Slopes, Slopes]:
        """The derivatives that an edge adds to the shares of v and of a. Only ring edges count for a.

        `before` is the state of `Laplace`, whatever the kind. It is not used here.
        """
        to_v, to_a, along = turn.to_v, turn.to_a, turn.along
        at_a, at_v = ring_cotangents(turn)
        per_area = jnp.where(turn.on_ring, turn.per_area, 0.0)

        def slopes(of_v, of_a):
            of_v, of_a = times(per_area, of_v), times(per_area, of_a)
            return Slopes(of_v, of_a, times(-1.0, plus(of_v, of_a)))

        turned_v, turned_a = turned_left(to_v), turned_left(to_a)
        return (
            slopes(plus(times(-1.0, to_a), times(at_a, turned_a)), plus(to_a, along, times(-at_a, turned_v))),
            slopes(
                plus(to_v, times(-1.0, along), times(at_v, turned_a)), plus(times(-1.0, to_v), times(-at_v, turned_v))
            ),
        )


class Sibson:
    """Shares by area."""

    def begun(self, like: Array) -> Any:
        """The state at the start of a turn around a vertex: the area of the fan so far, and the state of `Laplace`."""
        return jnp.zeros_like(like), jnp.zeros_like(like)

    def after(self, chain: Any, turn: Turn) -> tuple[Any, Array]:
        """The state after another edge, and the share of v if the turn ends with this edge."""
        fan, before = chain
        following, edge = LAPLACE.after(before, turn)
        triangle = self.of_inner(turn.left + turn.right, turn.along)
        whole = fan + triangle
        fan = jnp.where(turn.on_ring, triangle, jnp.where(turn.moves, whole, fan))
        return (fan, following), jnp.maximum(whole - edge * dot(turn.to_v, turn.to_v), 0.0)

    def of_inner(self, cotangents: Array, along: Vector) -> Array:
        """As in `Laplace`: the triangles over the edge, seen from its ends."""
        return jnp.maximum(cotangents, 0.0) * dot(along, along)

    def joined(self, chain: Any, inner: Array) -> Any:
        """As in `Laplace`."""
        fan, before = chain
        return fan + inner, before

    def slopes(self, before: Array, turn: Turn) -> tuple[Slopes, Slopes]:
        """The derivatives that an edge adds to the shares of v and of a, as in `Laplace`."""
        middle = times(0.25 * (turn.left - turn.right), turned_left(turn.along))
        length = 4.0 * jnp.maximum(turn.left + turn.right, 0.0)
        of_v = times(length, plus(times(0.5, turn.along), middle))
        of_a = times(length, plus(times(0.5, turn.along), times(-1.0, middle)))
        at_a, _ = ring_cotangents(turn)
        middle = times(0.25 * (at_a - before), turned_left(turn.to_v))
        length = jnp.where(turn.on_ring, 4.0 * jnp.maximum(before + at_a, 0.0), 0.0)
        query = times(length, plus(times(0.5, turn.to_v), middle))
        of_side = times(length, plus(times(0.5, turn.to_v), times(-1.0, middle)))
        opposite = Slopes(times(-1.0, of_v), times(-1.0, of_a), jax.tree.map(jnp.zeros_like, query))
        return Slopes(plus(of_v, of_side), of_a, query), opposite


def ring_cotangents(turn: Turn) -> tuple[Array, Array]:
    """The cotangents at a and at v of the triangle of the query and a ring edge."""
    return dot(turn.to_a, turn.along) * turn.per_area, -dot(turn.to_v, turn.along) * turn.per_area


LAPLACE = Laplace()

KINDS = {"sibson": Sibson(), "laplace": LAPLACE}
