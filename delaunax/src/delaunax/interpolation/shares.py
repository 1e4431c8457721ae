"""What a ring vertex takes of a query: Sibson's share, Laplace's share, and their derivatives.

A share is a weight before the division by the sum of all. Both kinds are made from the cotangents that see the edges of the
cavity (`ring.Turn`): differences of circumcentres along a bisector are sums of two cotangents, so nearly equal or distant
circumcentres are never subtracted.

Sibson's share of v is twice the area of a convex polygon: the part of the query's Voronoi cell that was v's. Its sides lie on
the bisectors of v and its neighbours in the cavity, in the order in which the walk turns, and the last one on that of v and the
query. A side is `(left + right) / 2` times the edge to the neighbour, turned by a right angle. The area is a sum of products of
two sides each, none of them negative.

The derivative of an area is an integral along its boundary: the side between u and v moves at a point x by `(x - v) . dv -
(x - u) . du` over the length of the edge from v to u.

Laplace's share of v is the sum of the two cotangents of the angles opposite the edge from the query to v, in the two triangles
of the query with the ring edges at v.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from delaunax.arithmetic.error_bounds import Vector
from delaunax.interpolation.cavity import cross, dot
from delaunax.interpolation.ring import Turn


class Slopes(NamedTuple):
    """The derivative of a share with respect to v, a and the query, times the scale of the query: three vectors."""

    v: Vector
    a: Vector
    query: Vector


def times(factor: Array, vector: Vector) -> Vector:
    """A vector times a number."""
    return factor * vector[0], factor * vector[1]


def plus(*vectors: Vector) -> Vector:
    """The sum of vectors."""
    return sum(x for x, _ in vectors), sum(y for _, y in vectors)


def turned_left(vector: Vector) -> Vector:
    """A vector turned counter-clockwise by a right angle."""
    return -vector[1], vector[0]


def where(condition: Array, one: Any, other: Any) -> Any:
    """`jnp.where` of pytrees."""
    return jax.tree.map(lambda *both: jnp.where(condition, *both), one, other)


class Sibson:
    """Shares by area."""

    def begun(self, like: Array) -> Any:
        """What a turn around a vertex begins with: the sum of the sides so far, and twice the area."""
        return (jnp.zeros_like(like), jnp.zeros_like(like)), jnp.zeros_like(like)

    def after(self, chain: Any, turn: Turn) -> tuple[Any, Array]:
        """The same after another edge, and the share of v as far as it is known."""
        reach, area = chain
        # Rounding makes some sides of length zero negative.
        side = times(jnp.maximum(0.5 * (turn.left + turn.right), 0.0), turn.along)
        area = area + jnp.maximum(cross(side, reach), 0.0)
        begins = times(-1.0, side), jnp.zeros_like(area)
        return where(turn.moves, where(turn.on_ring, begins, (plus(reach, side), area)), chain), area

    def slopes(self, before: Array, turn: Turn) -> tuple[Slopes, Slopes]:
        """What an edge adds to the derivatives of the shares of v and of a.

        Parameters
        ----------
        before
            (...,) float, the cotangent at the ring vertex before v, in the triangle of the query and v.
        turn
            As in `after`.
        """
        middle = times(0.25 * (turn.left - turn.right), turned_left(turn.along))
        length = jnp.maximum(turn.left + turn.right, 0.0)
        of_v = times(length, plus(times(0.5, turn.along), middle))
        of_a = times(length, plus(times(0.5, turn.along), times(-1.0, middle)))
        at_a, _ = ring_cotangents(turn)
        middle = times(0.25 * (at_a - before), turned_left(turn.to_v))
        length = jnp.where(turn.on_ring, jnp.maximum(before + at_a, 0.0), 0.0)
        query = times(length, plus(times(0.5, turn.to_v), middle))
        of_side = times(length, plus(times(0.5, turn.to_v), times(-1.0, middle)))
        opposite = Slopes(times(-1.0, of_v), times(-1.0, of_a), jax.tree.map(jnp.zeros_like, query))
        return Slopes(plus(of_v, of_side), of_a, query), opposite


class Laplace:
    """Shares by the length of Voronoi edges."""

    def begun(self, like: Array) -> Any:
        """What a turn around a vertex begins with: the cotangent at the ring vertex before."""
        return jnp.zeros_like(like)

    def after(self, chain: Any, turn: Turn) -> tuple[Any, Array]:
        """The same after another edge, and the share of v, if it is complete."""
        at_a, at_v = ring_cotangents(turn)
        return jnp.where(turn.on_ring, at_v, chain), jnp.maximum(chain + at_a, 0.0)

    def slopes(self, before: Array, turn: Turn) -> tuple[Slopes, Slopes]:
        """What an edge adds to the derivatives of the shares of v and of a; `before` is not read."""
        to_v, to_a, along = turn.to_v, turn.to_a, turn.along
        at_a, at_v = ring_cotangents(turn)
        per_area = jnp.where(turn.on_ring, 1.0 / turn.area, 0.0)

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


def ring_cotangents(turn: Turn) -> tuple[Array, Array]:
    """The cotangents at a and at v of the triangle of the query and a ring edge."""
    return dot(turn.to_a, turn.along) / turn.area, -dot(turn.to_v, turn.along) / turn.area


KINDS = {"sibson": Sibson(), "laplace": Laplace()}
