"""One turn of vertex stars that is never wrong: in floating point where the error bound allows it, else in integers.

Of the candidates of a turn only those are decided in integers that may be as good as the best one, for all that rounding tells.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax import backend, exact
from delaunax.indexing import gather
from delaunax.rounding import DISTANCE, IN_CIRCLE, ORIENTATION, underflow_of, unit_of
from delaunax.turning import Edge, areas_and_offsets, column_first, view_from

CHALLENGERS = 8
"""How many candidates of a star are compared with its best one at once, exactly."""


def best_neighbour(
    unscaled: Array, sites: Array, vertices: Array, current: Array, edge: Edge, best: Array | None, candidates: Array
) -> Array:
    """(V,) int32: to which of the candidates, or of the best so far, stars turn; N where there is none.

    Parameters
    ----------
    unscaled
        (N, 2) float, the vertices as they are stored.
    sites
        Their `turning.sites_from`.
    vertices, current
        (V,) int32, whose stars they are, and the neighbours that they have reached.
    edge
        Their `Edge`.
    best
        (V,) int32, the best candidate so far; N where there is none. None if these are the first candidates.
    candidates
        (C, V) or (C, 1) int32; N where there is none.
    """
    none = np.int32(len(sites) - 1)
    unit, underflow = unit_of(sites.dtype), underflow_of(sites.dtype)
    own = gather(sites, vertices)
    if best is not None:
        candidates = jnp.concatenate([best[None], jnp.broadcast_to(candidates, (len(candidates), len(best)))])

    # Not once, ahead of the loop: what a loop reads and does not compute itself is written to memory before it.
    def looked_at():
        """The `View` of the candidates, and which are certainly, and which possibly on the side to which the star turns."""
        view = view_from(own, candidates, gather(sites, candidates))
        area, offset = areas_and_offsets(edge, view)
        there = (view.squared < np.inf) & (candidates != vertices)
        bound = ORIENTATION * unit * (jnp.abs(edge.x * view.dy) + jnp.abs(edge.y * view.dx)) + underflow
        certain = there & (edge.begins | (area > bound))
        possible = there & (edge.begins | ((area >= -bound) & (candidates != current)))
        return view, offset, certain, possible

    _, offset, certain, _ = looked_at()
    _, first = column_first(jnp.where(certain, offset, np.inf), jnp.where(certain, candidates, none))

    def challengers_of(carry):
        """(K, V) int32: candidates that may be better than the best, for all that rounding tells; N where there is none."""
        best, tested = carry
        view, _, _, possible = looked_at()
        theirs = gather(sites, best)
        bx, by = theirs[:, 0] - own[:, 0], theirs[:, 1] - own[:, 1]
        squared = bx**2 + by**2
        inside, sizes = _in_circle(edge, bx, by, squared, view)
        inside = jnp.where(edge.begins, squared - view.squared, edge.side * inside)
        margin = (
            jnp.where(edge.begins, DISTANCE * unit * (squared + view.squared), IN_CIRCLE * unit * sizes) + underflow
        )
        open_ = possible & ~tested & (candidates != best) & ((inside >= -margin) | (best == none))
        named = jnp.pad(
            jnp.where(open_, candidates, none), ((0, -len(open_) % CHALLENGERS), (0, 0)), constant_values=none
        )
        return named.reshape(-1, CHALLENGERS, named.shape[1]).min(axis=0)

    def decide(challengers, carry):
        best, tested = carry
        arrays = [jnp.broadcast_to(each, challengers.shape).reshape(-1) for each in (vertices, current, *edge, best)]
        viewers, reached, *edges, bests = arrays
        wins = _wins(unscaled, none, viewers, reached, Edge(*edges), bests, challengers.reshape(-1))
        winners = jnp.where(wins.reshape(challengers.shape), challengers, none)
        # Of several that win one is the best now, and the others are compared with it. Who loses against any is not the best.
        winner = winners.min(axis=0)
        decided = (winners == none) | (winners == winner)
        for k in range(len(challengers)):
            tested = tested | ((candidates == challengers[k]) & decided[k])
        return jnp.where(winner < none, winner, best), tested

    def turn(carry):
        values = decide(*carry)
        return challengers_of(values), values

    begun = first, jnp.zeros(certain.shape, bool)
    found = challengers_of(begun), begun
    return backend.while_any(lambda carry: (carry[0] != none).any(), turn, found)[1][0]


def _in_circle(edge, bx, by, squared, view):
    """The in-circle determinant of v, c, b and every candidate, positive inside; and the size of its terms."""
    after, size_after = bx * view.dy - by * view.dx, jnp.abs(bx * view.dy) + jnp.abs(by * view.dx)
    left, size_left = edge.x * view.dy - edge.y * view.dx, jnp.abs(edge.x * view.dy) + jnp.abs(edge.y * view.dx)
    turn, size_turn = edge.x * by - edge.y * bx, jnp.abs(edge.x * by) + jnp.abs(edge.y * bx)
    inside = squared * left - edge.squared * after - view.squared * turn
    return inside, squared * size_left + edge.squared * size_after + view.squared * size_turn


def _wins(unscaled, none, vertices, current, edge, best, challenger):
    """(V,) bool: whether a challenger is on the right side and better than the best, in integers."""
    c = jnp.where(edge.begins, vertices, current)
    b = jnp.where(best == none, vertices, best)
    found = exact.signs(unscaled, vertices, c, b, challenger)
    side = edge.side.astype(jnp.int32)
    nearest = (found.nearer > 0) | ((found.nearer == 0) & (challenger < b))
    turns = exact.turns_to(found, side, vertices, c, b, challenger)
    on_side = edge.begins | (side * found.left > 0)
    return on_side & ((best == none) | jnp.where(edge.begins, nearest, turns))
