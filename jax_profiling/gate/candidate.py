"""One mesh compared with the reference on one lens: its errors and its verdict."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jax_profiling.gate.reference import STABLE_NOISE, Reference, nan_more_often

VERDICTS = {"drop-in": 1.0e-4, "opt-in": 1.0e-3, "marginal": 1.0e-2, "abandon": np.inf}
"""Verdict -> the largest relative error of the log evidence that earns it."""

DELAUNAY_NATS = 1.0e-6
"""Largest error of the default rung at a stable prior median (nats); this project's own bar."""


@dataclass(frozen=True)
class Candidate:
    """The log evidence of a mesh at V parameter vectors: the prior median, then every draw.

    Attributes
    ----------
    rung
        A key of `ladder.RUNGS` or `ladder.PEERS`.
    reference
        The `Reference` to compare with.
    values
        V arrays float64: the log evidence at each vector and, where the reference is unstable, at some of its perturbations
        (nats).
    certified
        Whether every triangulation is certified.
    """

    rung: str
    reference: Reference
    values: list
    certified: bool

    @property
    def log_evidence(self):
        """The log evidence at the prior median (nats); can be NaN."""
        return float(self.values[0][0])

    @property
    def nats(self):
        """The log evidence minus the reference's at the prior median."""
        return self.log_evidence - self.reference.log_evidence

    @cached_property
    def errors(self):
        """(V,) float64, `Reference.error_of` at each vector (nats)."""
        return np.array([self.reference.error_of(vector, values) for vector, values in enumerate(self.values)])

    @property
    def relative_errors(self):
        """(V,) float64, `errors` divided by the size of the log evidence.

        0 where the reference is undefined, unless the exact triangulation is wrong there.
        """
        relative = np.where(self.reference.undefined, 0.0, self.errors / self.reference.sizes)
        return np.where(np.isinf(self.errors), np.inf, relative)

    @property
    def relative_error(self):
        """The relative error at the prior median."""
        return float(self.relative_errors[0])

    @property
    def draws(self):
        """Number of draws at which the reference is defined."""
        return int((~self.reference.undefined[1:]).sum())

    @property
    def worst_nats(self):
        """The largest error (nats)."""
        return float(self.errors.max())

    @property
    def worst_relative_error(self):
        """The largest relative error."""
        return float(self.relative_errors.max())

    @property
    def unexplained(self):
        """(V,) bool, whether the noise of the reference does not explain the error."""
        return self.errors > np.where(self.reference.stable, STABLE_NOISE * self.reference.sizes, 0.0)

    @property
    def nan_shares(self):
        """(mesh, reference): the shares of NaN at unstable vectors that are not undefined, and at their perturbations.

        0 if there are none.
        """
        return tuple(float(np.mean(np.isnan(each))) if len(each) else 0.0 for each in self._at_unstable)

    @property
    def nan_more_often(self):
        """Whether the mesh is NaN at unstable vectors more often than the reference, beyond chance."""
        return nan_more_often(*self._at_unstable)

    @property
    def _at_unstable(self):
        unstable = np.flatnonzero(self.reference.unstable & ~self.reference.undefined)
        both = ([each[vector] for vector in unstable] for each in (self.values, self.reference.values))
        return [np.concatenate([[], *each]) for each in both]

    @property
    def needs_retest(self):
        """(V,) bool, the unstable vectors that fail the mesh; none if a stable vector that is not counted fails it too."""
        unstable, unexplained = self.reference.unstable, self.unexplained
        if unexplained[~unstable & ~self.reference.counted].any():
            return np.zeros_like(unexplained)
        has_nan = np.array([np.isnan(each).any() for each in self.values])
        return unstable & (unexplained | (has_nan & self.nan_more_often))

    @property
    def needs_recount(self):
        """(V,) bool, the counted vectors that fail the mesh with the shipped counts."""
        return self.unexplained & self.reference.counted & ~self.reference.recounted

    @property
    def is_delaunay(self):
        """Whether the mesh meets this project's own bar: nothing unexplained, and 1e-6 nats at a stable prior median."""
        at_median = not self.reference.stable[0] or abs(self.nats) <= DELAUNAY_NATS
        return self.certified and at_median and not self.unexplained.any() and not self.nan_more_often

    @property
    def verdict(self):
        """The best verdict for the largest relative error; "abandon" if the mesh is NaN too often."""
        if self.nan_more_often:
            return "abandon"
        return next(verdict for verdict, bound in VERDICTS.items() if self.worst_relative_error <= bound)

    @property
    def passed(self):
        """Whether the verdict is at least "opt-in" and the reference is defined at one vector or more."""
        return not self.reference.undefined.all() and self.verdict in ("drop-in", "opt-in")
