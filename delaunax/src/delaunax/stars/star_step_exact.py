"""One step of vertex stars that is never wrong: in floating point where the error bound allows it, else in integers.

Floating point finds the best of all vertices, and says where it is in doubt (`likely_best`). There, candidates that may be as
good as the best one within rounding are compared with it in integers (`best_of_all`).

In the names of determinants, a is the vertex of the star, b the neighbour it has reached, c the best candidate so far, d
another candidate.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax import platform
from delaunax.arithmetic import exact_signs
from delaunax.arithmetic.error_bounds import determinants, difference_of_squares, orientation
from delaunax.platform.indexing import gather
from delaunax.stars.star_step import (
    NO_CANDIDATE,
    Positions,
    Star,
    StarEdge,
    areas_and_centres,
    argmin_of,
    offsets_from,
    star_edge_of,
)

CHALLENGERS = 8
"""How many candidates of a star are compared with its best one together, exactly."""


def likely_best(positions: Positions, vertices: Array, star: Star) -> tuple[Array, Array]:
    """Of all vertices, the one to which each star goes by floating point, and whether it may be another one.

    Parameters
    ----------
    positions
        The `star_step.Positions` of the vertices.
    vertices
        (V,) int32, the vertices of the stars.
    star
        Their `star_step.Star`.

    Returns
    -------
    best
        (V,) int32; `star_step.NO_CANDIDATE` if there is none.
    doubtful
        (V,) bool.
    """
    edge = star_edge_of(positions, vertices, star)
    edges, offsets = edge.with_candidate_axis(), _offsets_of_all(positions, vertices)
    area, centre = areas_and_centres(edges, offsets)
    error = orientation((edges.x, edges.y), (offsets.dx, offsets.dy)).error
    certain = _is_candidate(offsets, vertices) & (edges.is_first | (area > error))
    best = argmin_of(offsets.vertex, certain, centre)
    return best, star.unfinished & _may_be_better(positions, vertices, star, edge, best).any(axis=-1)


def best_of_all(
    unscaled: Array, positions: Positions, vertices: Array, star: Star, doubtful: Array, best: Array
) -> Array:
    """(V,) int32: of all vertices, the one to which each star goes, exactly. Where not `doubtful`, it is the `likely_best`.

    `unscaled` are the (N, 2) float vertices as given; the other arguments are as in `likely_best`.
    """
    edge, every = star_edge_of(positions, vertices, star), np.arange(len(unscaled), dtype=np.int32)

    def challengers_of(best, tested):
        """(V, K) int32: candidates that may be better than the best within rounding, and `NO_CANDIDATE`."""
        may_be = _may_be_better(positions, vertices, star, edge, best) & ~tested & doubtful[:, None]
        indices = jnp.where(may_be, every, NO_CANDIDATE)
        indices = jnp.pad(indices, ((0, 0), (0, -len(unscaled) % CHALLENGERS)), constant_values=NO_CANDIDATE)
        return indices.reshape(len(indices), CHALLENGERS, -1).min(axis=-1)

    def decide(_, carry):
        best, tested, challengers = carry
        arrays = vertices, star.current, *edge, best
        centres, reached, *edges, bests = (jnp.repeat(each, CHALLENGERS) for each in arrays)
        wins = _wins(unscaled, centres, reached, StarEdge(*edges), bests, challengers.reshape(-1))
        winners = jnp.where(wins.reshape(challengers.shape), challengers, NO_CANDIDATE)
        # Of several winners, one becomes the best, and the others are compared with it. A loser is never the best.
        winner = winners.min(axis=-1)
        decided = jnp.where((winners == NO_CANDIDATE) | (winners == winner[:, None]), challengers, NO_CANDIDATE)
        tested = tested | (decided[:, :, None] == every).any(axis=1)
        best = jnp.where(winner < NO_CANDIDATE, winner, best)
        return best, tested, challengers_of(best, tested)

    def undecided(_, carry):
        return carry[2] != NO_CANDIDATE

    none_tested = jnp.zeros((len(vertices), len(unscaled)), bool)
    initial = best, none_tested, challengers_of(best, none_tested)
    return platform.lockstep_while(undecided, decide, initial)[0]


def _offsets_of_all(positions, vertices):
    return offsets_from(positions, vertices, np.arange(len(positions.x), dtype=np.int32), positions)


def _is_candidate(offsets, vertices):
    return (offsets.squared < np.inf) & (offsets.vertex != vertices[:, None])


def _may_be_better(positions, vertices, star, edge, best):
    """(V, N) bool: which vertices may be better than the best within rounding."""
    edges, d = edge.with_candidate_axis(), _offsets_of_all(positions, vertices)
    theirs = Positions(*(gather(each, best)[:, None] for each in positions))
    c = offsets_from(positions, vertices, best[:, None], theirs)
    found = determinants((edges.x, edges.y), (c.dx, c.dy), (d.dx, d.dy))
    area, inside = found.orient_bd, found.in_circle
    possible = edges.is_first | ((edges.side * area.value >= -area.error) & (d.vertex != star.current[:, None]))
    nearer = difference_of_squares(c.squared, d.squared)
    value = jnp.where(edges.is_first, nearer.value, edges.side * inside.value)
    better = (value >= -jnp.where(edges.is_first, nearer.error, inside.error)) | (c.vertex == NO_CANDIDATE)
    return _is_candidate(d, vertices) & possible & better & (d.vertex != c.vertex)


def _wins(unscaled, vertices, current, edge, best, challenger):
    """(V,) bool: whether a challenger is on the right side and better than the best, in integers."""
    # The signs of a vertex that does not exist yet are not used, so the star's own vertex takes its place.
    b = jnp.where(edge.is_first, vertices, current)
    c = jnp.where(best == NO_CANDIDATE, vertices, best)
    found = exact_signs.signs(unscaled, vertices, b, c, challenger)
    side = edge.side.astype(jnp.int32)
    nearest = (found.nearer > 0) | ((found.nearer == 0) & (challenger < c))
    preferred = exact_signs.prefers(found, side, vertices, b, c, challenger)
    on_side = edge.is_first | (side * found.orient_bd > 0)
    return on_side & ((best == NO_CANDIDATE) | jnp.where(edge.is_first, nearest, preferred))
