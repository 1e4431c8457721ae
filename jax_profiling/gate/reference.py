"""The reference of the gate: Delaunay's log evidence, its noise, and what stands for it where Qhull's answer is not the answer.

A log evidence may move by nats, or turn NaN, when a parameter changes in its last bit. So every parameter vector is evaluated
again, moved by its last bits: the range of what comes out is the reference's noise there.

Where four or more vertices are on one circle a mesh has several Delaunay triangulations (it is *tied*), and Qhull leaves out
vertices that are too near to others for it (*dropped*). The rational oracle of `delaunax` says where. There the reference is
autoarray's own Delaunay code on the exact triangulation, which the oracle certifies; how far Qhull's answer lies from it, and
how far that moves with the order of the vertices, stands beside and judges nothing.
"""

from dataclasses import dataclass, replace

import jax
import numpy as np
from autoarray.inversion.mesh.mesh.delaunay import Delaunay
from scipy.stats import fisher_exact

from delaunax import oracle
from jax_profiling.gate.exact_delaunay import ExactDelaunay
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.permuted_delaunay import PermutedDelaunay

MOVES = 4
"""How many times each parameter vector is evaluated again, moved by its last bits."""

MORE = 8
"""How many times more where it is unstable: of a few values the range says little about where another one may lie."""

ROUNDS = 4
"""How often that is done at most, until `MORE` of the values are finite; where most are NaN one round leaves a few only."""

AGAIN = 24
"""At how many moves more the reference is evaluated where an unstable vector speaks against a mesh."""

STABLE = 1.0e-9
"""A vector is stable where the reference's noise is at most this part of its log evidence, and nothing is NaN."""


CHANCE = 1.0e-3
"""A mesh is undefined more often than the reference where chance alone would make it so this rarely (Fisher's exact test)."""


@dataclass(frozen=True)
class Reference:
    """The reference at V parameter vectors.

    Attributes
    ----------
    parameters
        V (1 + M, D) float64, each vector and, behind it, the same moved by its last bits; M is larger where it is unstable.
    values
        V (1 + M,) float64, its log evidence (nats) at each of those.
    penalties
        (V,) float64, the part of -log evidence that is the penalty of positions (nats); 0 where there are none.
    tied, dropped
        (V,) bool, where the mesh has several Delaunay triangulations, and where Qhull's leaves out a distinct vertex. Not asked
        where the reference is on NumPy: what Qhull finds is the answer there, and on NumPy the mesh is autoarray's own code.
    qhull, permuted
        (V,) float64, the log evidence of Delaunay as it stands, and with its vertices in another order; NaN where the mesh is
        neither tied nor dropped, and the reference is Delaunay as it stands.
    faults
        (V,) str or None, what the oracle finds wrong with the exact triangulation. Nothing is judged by such a one.
    """

    parameters: list
    values: list
    penalties: np.ndarray
    tied: np.ndarray
    dropped: np.ndarray
    qhull: np.ndarray
    permuted: np.ndarray
    faults: tuple

    @property
    def log_evidence(self):
        """The log evidence at the first vector, the prior median."""
        return float(self.values[0][0])

    @property
    def as_it_stands(self):
        """The log evidence of Delaunay as it stands, by Qhull, at the first vector."""
        return float(self.qhull[0] if self.odd[0] else self.values[0][0])

    @property
    def sizes(self):
        """(V,) float64, |log evidence| at each vector without penalties, the median of finite values; NaN where none is."""
        rows = (row[np.isfinite(row)] + penalty for row, penalty in zip(self.values, self.penalties))
        return np.array([abs(np.median(row)) if row.size else np.nan for row in rows])

    @property
    def odd(self):
        """(V,) bool, where the reference is not Delaunay as it stands."""
        return self.tied | self.dropped

    @property
    def noise(self):
        """(V,) float64, the range of the finite values at each vector (nats); NaN where there is none."""
        rows = (row[np.isfinite(row)] for row in self.values)
        return np.array([np.ptp(row) if row.size else np.nan for row in rows])

    @property
    def stable(self):
        """(V,) bool."""
        return np.array([np.isfinite(row).all() for row in self.values]) & (self.noise <= STABLE * self.sizes)

    @property
    def unstable(self):
        """(V,) bool."""
        return ~self.stable

    @property
    def undefined(self):
        """(V,) bool, where the reference has no finite value at all, so that it judges nothing."""
        return np.array([not np.isfinite(row).any() for row in self.values])

    @property
    def distance(self):
        """(V,) float64, how far Qhull's answer lies from that on the exact triangulation (nats); NaN where they are one."""
        return np.abs(self.qhull - np.array([row[0] for row in self.values]))

    @property
    def permutation(self):
        """(V,) float64, how far Qhull's answer moves with the order of the vertices (nats); NaN where it was not asked."""
        return np.abs(self.permuted - self.qhull)

    def excess(self, vector, values):
        """How far a mesh is from the reference at one vector, in nats; infinite where it has no answer and the reference has.

        At an unstable vector NaN is compared with NaN as a share, and of finite values counts by how much they are outside the
        range of the reference's, widened by its own width on both sides.

        Parameters
        ----------
        vector
            Its place among the V.
        values
            (1,) or (1 + M,) float64, the mesh's log evidence there, and at the same moves.
        """
        if self.faults[vector] is not None:
            return np.inf
        if self.stable[vector]:
            error = abs(values[0] - self.values[vector][0])
            return float(error) if np.isfinite(error) else np.inf
        reference = self.values[vector]
        if undefined_more_often(values, reference):
            return np.inf
        finite, own = reference[np.isfinite(reference)], values[np.isfinite(values)]
        if not len(finite) or not len(own):
            return 0.0
        width = np.ptp(finite)
        return float(max(finite.min() - width - own.min(), own.max() - finite.max() - width, 0.0))


def undefined_more_often(values, reference):
    """Whether NaN are more of the (M,) values than of the (R,) reference's, and by more than `CHANCE` explains."""
    counts = [[(~finite).sum(), finite.sum()] for finite in map(np.isfinite, (values, reference))]
    return bool(fisher_exact(counts, alternative="greater").pvalue < CHANCE)


def moved_by_last_bits(parameters, number=MOVES, seed=0):
    """(V, 1 + number, D) float64: (V, D) parameters and, behind each, the same moved by a unit in the last place, seeded."""
    down = np.random.default_rng(seed).random((len(parameters), number, parameters.shape[1])) < 0.5
    moved = np.nextafter(parameters[:, None], np.where(down, -np.inf, np.inf))
    return np.concatenate([parameters[:, None], moved], axis=1)


def without_symmetry(moved):
    """(V, 1 + M, D) moved parameters whose zeros are moved by the last bit of numbers of order one.

    Zeros are the centres, ellipticities and shears of a symmetric lens. Their own last bits are lost wherever they are added to
    one, and with them that the lens is symmetric but for rounding.
    """
    return np.where(np.abs(moved) < np.finfo(float).tiny, np.sign(moved) * np.finfo(float).epsneg, moved)


def reference_of(
    lens, parameters, batch, moves=MOVES, progress=lambda message: None, use_jax=None, likelihood=Likelihood
):
    """The `Reference` at (V, D) parameter vectors, and the (N,) flux at the first one's vertices.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    parameters
        (V, D) float64.
    batch
        Of how many lanes the compiled program is (`Likelihood.evidences`).
    moves
        How many times each vector is evaluated again.
    progress
        Called with a line of text whenever a likelihood begins.
    use_jax
        Whether the reference is evaluated under JAX; the lens's own by default.
    likelihood
        `Likelihood`, or a class that compiles in another way.
    """
    parameters = list(moved_by_last_bits(parameters, moves))
    progress("Delaunay")
    delaunay = likelihood(lens, Delaunay, use_jax)
    found = _at_each(delaunay, parameters, batch)
    values = [each.log_evidence for each in found]
    penalties = np.array([each.penalty[0] for each in found], dtype=float)
    kinds = [_kind_of([[table[0] for table in mesh] for mesh in each.meshes]) for each in found]
    tied, dropped = np.array(kinds, bool).T
    qhull, permuted = np.full((2, len(values)), np.nan)
    faults = np.full(len(values), None)
    exact = likelihood(lens, ExactDelaunay)
    if (odd := np.flatnonzero(tied | dropped)).size:
        progress("Delaunay, vertices permuted")
        alone = np.array([parameters[vector][0] for vector in odd])
        permuted[odd] = likelihood(lens, PermutedDelaunay).evidences(alone, batch).log_evidence
        progress("Delaunay on the exact triangulation")
        for vector in odd:
            parameters[vector], qhull[vector] = without_symmetry(parameters[vector]), values[vector][0]
        for vector, own in zip(odd, _at_each(exact, [parameters[vector] for vector in odd], batch), strict=True):
            values[vector] = own.log_evidence
            meshes = [[table[0] for table in mesh] for mesh in own.meshes]
            faults[vector] = next(filter(None, (oracle.fault_of(*mesh) for mesh in meshes)), None)
            tied[vector] |= faults[vector] is None and any(oracle.ties_of(*mesh) > 0 for mesh in meshes)
    reference = Reference(parameters, values, penalties, tied, dropped, qhull, permuted, tuple(faults))
    for turn in range(1, ROUNDS + 1 if moves else 1):
        finite = np.array([np.isfinite(row).sum() for row in values])
        doubtful = reference.unstable if turn == 1 else reference.unstable & (finite > 0) & (finite < MORE)
        if doubtful.any():
            progress("Delaunay, moved more often")
        _move_more(reference, doubtful, MORE, turn, (delaunay, exact), batch)
    return reference, found[0].values[0]


def moved_again(lens, reference, which, batch, use_jax=None, likelihood=Likelihood):
    """The reference with values at `AGAIN` moves more, behind those that it has.

    Parameters
    ----------
    lens, batch, use_jax, likelihood
        As `reference_of` has them.
    reference
        The `Reference`.
    which
        (V,) bool, at which vectors.
    """
    own = replace(reference, parameters=list(reference.parameters), values=list(reference.values))
    likelihoods = likelihood(lens, Delaunay, use_jax), likelihood(lens, ExactDelaunay)
    _move_more(own, which, AGAIN, ROUNDS + 1, likelihoods, batch)
    return own


def _move_more(reference, which, number, seed, likelihoods, batch):
    """Add so many moves to each vector of the (V,) bool `which`, and the values there.

    The likelihoods are Delaunay's, and that on the exact triangulation.
    """
    for own, odd in zip(likelihoods, (False, True), strict=True):
        vectors = np.flatnonzero(which & (reference.odd == odd))
        if not vectors.size:
            continue
        alone = np.array([reference.parameters[vector][0] for vector in vectors])
        moved = moved_by_last_bits(alone, number, seed)[:, 1:]
        moved = without_symmetry(moved) if odd else moved
        for vector, rows, each in zip(vectors, moved, _at_each(own, list(moved), batch), strict=True):
            reference.parameters[vector] = np.concatenate([reference.parameters[vector], rows])
            reference.values[vector] = np.concatenate([reference.values[vector], each.log_evidence])


def _at_each(likelihood, parameters, batch):
    """The `Evidence` of each of V (M, D) arrays of parameters, M of them in each."""
    found = likelihood.evidences(np.concatenate(parameters), batch)
    ends = np.cumsum([len(rows) for rows in parameters])
    return [jax.tree.map(lambda table: table[end - len(rows) : end], found) for rows, end in zip(parameters, ends)]


def _kind_of(meshes):
    """Whether any of the (points, simplices) of one vector is tied, and whether one leaves out a distinct vertex."""
    tied = dropped = False
    for points, simplices in meshes:
        if not np.isfinite(points).all():
            continue
        sites = oracle.integer_points(points)
        if {sites[vertex] for vertex in np.unique(simplices[simplices >= 0])} != set(sites):
            dropped = True
        elif oracle.fault_of(points, simplices) is not None or oracle.ties_of(points, simplices) > 0:
            tied = True
    return tied, dropped
