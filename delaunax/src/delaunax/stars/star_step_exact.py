"""One turn of vertex stars that is never wrong: in floating point where the error bound allows it, else in integers.

Floating point names the best of all vertices (`likely_best`) and says where it is in doubt. There only those are decided in
integers (`best_of_all`) that may be as good as the best one, for all that rounding tells.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax.arithmetic import exact_signs as exact
from delaunax.arithmetic.error_bounds import DISTANCE, IN_CIRCLE, ORIENTATION, underflow_of, unit_of
from delaunax.platform import backend
from delaunax.platform.indexing import gather
from delaunax.stars.star_step import NOBODY, Edge, Sites, Star, View, areas_and_offsets, edge_of, first_of, view_from

CHALLENGERS = 8
"""How many candidates of a star are compared with its best one at once, exactly."""


def likely_best(sites: Sites, vertices: Array, star: Star) -> tuple[Array, Array]:
    """To which of all vertices stars turn by floating point, and whether it may be another one.

    Parameters
    ----------
    sites
        The `turning.Sites` of the mesh.
    vertices
        (V,) int32, whose stars they are.
    star
        Their `turning.Star`.

    Returns
    -------
    best
        (V,) int32; `turning.NOBODY` where there is none.
    doubtful
        (V,) bool.
    """
    edge = edge_of(sites, vertices, star)
    beside, view = edge.beside_candidates(), _view_of_all(sites, vertices)
    area, offset = areas_and_offsets(beside, view)
    certain = _takes_part(view, vertices) & (beside.begins | (area > _bound_of(beside, view)))
    best = first_of(view.vertex, certain, offset)
    return best, star.turning & _may_be_better(sites, vertices, star, edge, best).any(axis=-1)


def best_of_all(unscaled: Array, sites: Sites, vertices: Array, star: Star, doubtful: Array, best: Array) -> Array:
    """(V,) int32: to which of all vertices stars turn, exactly; what is not `doubtful` stays the `likely_best`.

    `unscaled` are the (N, 2) float vertices as they are stored, the rest is as there.
    """
    edge, every = edge_of(sites, vertices, star), np.arange(len(unscaled), dtype=np.int32)

    def challengers_of(best, tested):
        """(V, K) int32: candidates that may be better than the best, for all that rounding tells, and `NOBODY`."""
        may_be = _may_be_better(sites, vertices, star, edge, best) & ~tested & doubtful[:, None]
        named = jnp.where(may_be, every, NOBODY)
        named = jnp.pad(named, ((0, 0), (0, -len(unscaled) % CHALLENGERS)), constant_values=NOBODY)
        return named.reshape(len(named), CHALLENGERS, -1).min(axis=-1)

    def decide(_, carry):
        best, tested, challengers = carry
        arrays = vertices, star.current, *edge, best
        viewers, reached, *edges, bests = (jnp.repeat(each, CHALLENGERS) for each in arrays)
        wins = _wins(unscaled, viewers, reached, Edge(*edges), bests, challengers.reshape(-1))
        winners = jnp.where(wins.reshape(challengers.shape), challengers, NOBODY)
        # Of several that win one is the best now, and the others are compared with it. Who loses against any is not the best.
        winner = winners.min(axis=-1)
        decided = jnp.where((winners == NOBODY) | (winners == winner[:, None]), challengers, NOBODY)
        tested = tested | (decided[:, :, None] == every).any(axis=1)
        best = jnp.where(winner < NOBODY, winner, best)
        return best, tested, challengers_of(best, tested)

    def undecided(_, carry):
        return carry[2] != NOBODY

    nobody = jnp.zeros((len(vertices), len(unscaled)), bool)
    return backend.while_any(undecided, decide, (best, nobody, challengers_of(best, nobody)))[0]


def _view_of_all(sites, vertices):
    return view_from(sites, vertices, np.arange(len(sites.x), dtype=np.int32), sites)


def _takes_part(view, vertices):
    return (view.squared < np.inf) & (view.vertex != vertices[:, None])


def _bound_of(edge, view):
    """By how much the area that a candidate spans with an edge can be wrong."""
    size = jnp.abs(edge.x * view.dy) + jnp.abs(edge.y * view.dx)
    return ORIENTATION * unit_of(size.dtype) * size + underflow_of(size.dtype)


def _may_be_better(sites, vertices, star, edge, best):
    """(V, N) bool: which vertices may be better than the best, for all that rounding tells."""
    unit, underflow = unit_of(sites.x.dtype), underflow_of(sites.x.dtype)
    beside, view = edge.beside_candidates(), _view_of_all(sites, vertices)
    b = view_from(sites, vertices, best[:, None], Sites(*(gather(each, best)[:, None] for each in sites)))
    area, _ = areas_and_offsets(beside, view)
    possible = beside.begins | ((area >= -_bound_of(beside, view)) & (view.vertex != star.current[:, None]))
    inside, sizes = _in_circle(beside, b, view)
    inside = jnp.where(beside.begins, b.squared - view.squared, beside.side * inside)
    margin = jnp.where(beside.begins, DISTANCE * unit * (b.squared + view.squared), IN_CIRCLE * unit * sizes)
    better = (inside >= -(margin + underflow)) | (b.vertex == NOBODY)
    return _takes_part(view, vertices) & possible & better & (view.vertex != b.vertex)


def _in_circle(edge: Edge, b: View, view: View):
    """The in-circle determinant of v, c, b and every candidate, positive inside; and the size of its terms."""
    after, size_after = b.dx * view.dy - b.dy * view.dx, jnp.abs(b.dx * view.dy) + jnp.abs(b.dy * view.dx)
    left, size_left = edge.x * view.dy - edge.y * view.dx, jnp.abs(edge.x * view.dy) + jnp.abs(edge.y * view.dx)
    turn, size_turn = edge.x * b.dy - edge.y * b.dx, jnp.abs(edge.x * b.dy) + jnp.abs(edge.y * b.dx)
    inside = b.squared * left - edge.squared * after - view.squared * turn
    return inside, b.squared * size_left + edge.squared * size_after + view.squared * size_turn


def _wins(unscaled, vertices, current, edge, best, challenger):
    """(V,) bool: whether a challenger is on the right side and better than the best, in integers."""
    c = jnp.where(edge.begins, vertices, current)
    b = jnp.where(best == NOBODY, vertices, best)
    found = exact.signs(unscaled, vertices, c, b, challenger)
    side = edge.side.astype(jnp.int32)
    nearest = (found.nearer > 0) | ((found.nearer == 0) & (challenger < b))
    turns = exact.turns_to(found, side, vertices, c, b, challenger)
    on_side = edge.begins | (side * found.left > 0)
    return on_side & ((best == NOBODY) | jnp.where(edge.begins, nearest, turns))
