"""The reference that meshes are compared with: Delaunay's log evidence and its noise, at several parameter vectors.

A log evidence can change by nats, or become NaN, when a parameter changes in its last bit. Every parameter vector is therefore
evaluated several times, with its parameters perturbed in their last bits. The range of the values is the noise.

Qhull is not always exact. A mesh is *tied* if it has several Delaunay triangulations (four vertices on one circle), and
*dropped* if Qhull leaves out a distinct vertex. There the reference is autoarray's own Delaunay code on the exact
triangulation. Qhull's value is shown and judges nothing.

A vector is *counted* if rounding decides which data points adaptive regularization counts, or which points are inside the mesh
(`counted`). Where the mesh under test fails there, both are evaluated again with tiny weights taken for zero (`recount`).

`live_reference` evaluates a reference; this module says how values are compared with it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import fisher_exact

STABLE_NOISE = 1.0e-9
"""A vector is stable if the noise is at most this part of the log evidence and no value is NaN."""

NAN_SIGNIFICANCE = 1.0e-3
"""A mesh is NaN more often than the reference if Fisher's exact test gives a lower probability than this."""


@dataclass(frozen=True)
class Reference:
    """The reference at V parameter vectors.

    Attributes
    ----------
    parameters
        V arrays (1 + P, D) float64: a vector and its P perturbations. P is larger at unstable vectors.
    values
        V arrays (1 + P,) float64: the log evidence at each row of `parameters` (nats).
    penalties
        (V,) float64, the penalty of positions that `values` contain (nats); 0 if the lens has no positions.
    tied, dropped
        (V,) bool, whether the mesh has several Delaunay triangulations, and whether Qhull leaves out a distinct vertex.
        Both are false if the reference runs on NumPy, where the mesh under test uses Qhull too.
    counted, recounted
        (V,) bool, whether rounding decides what is counted, and whether all values there take tiny weights for zero.
    qhull, permuted
        (V,) float64, the log evidence that autolens ships, on Qhull's triangulation, and with the vertices in another order
        (nats). NaN where the reference itself is the first.
    faults
        V str or None: what the rational oracle finds wrong with the exact triangulation. Such a vector fails every mesh.
    """

    parameters: list
    values: list
    penalties: np.ndarray
    tied: np.ndarray
    dropped: np.ndarray
    counted: np.ndarray
    recounted: np.ndarray
    qhull: np.ndarray
    permuted: np.ndarray
    faults: tuple

    @property
    def log_evidence(self):
        """The log evidence at the first vector, the prior median (nats)."""
        return float(self.values[0][0])

    @property
    def qhull_log_evidence(self):
        """The log evidence that autolens ships, on Qhull's triangulation, at the first vector (nats)."""
        return float(self.values[0][0] if self.is_shipped[0] else self.qhull[0])

    @property
    def sizes(self):
        """(V,) float64, |log evidence| without penalties: the median of the finite values, NaN if there are none (nats)."""
        rows = (row[np.isfinite(row)] + penalty for row, penalty in zip(self.values, self.penalties))
        return np.array([abs(np.median(row)) if row.size else np.nan for row in rows])

    @property
    def uses_exact_triangulation(self):
        """(V,) bool, whether the reference is evaluated on the exact triangulation instead of Qhull's."""
        return self.tied | self.dropped

    @property
    def is_shipped(self):
        """(V,) bool, whether the reference is the log evidence that autolens ships."""
        return ~(self.uses_exact_triangulation | self.recounted)

    @property
    def noise(self):
        """(V,) float64, the range of the finite values at each vector; NaN if there are none (nats)."""
        rows = (row[np.isfinite(row)] for row in self.values)
        return np.array([np.ptp(row) if row.size else np.nan for row in rows])

    @property
    def stable(self):
        """(V,) bool, whether all values are finite and their range is at most `STABLE_NOISE`."""
        return np.array([np.isfinite(row).all() for row in self.values]) & (self.noise <= STABLE_NOISE * self.sizes)

    @property
    def unstable(self):
        """(V,) bool, the opposite of `stable`."""
        return ~self.stable

    @property
    def undefined(self):
        """(V,) bool, whether no value is finite. Such a vector judges nothing."""
        return np.array([not np.isfinite(row).any() for row in self.values])

    @property
    def qhull_error(self):
        """(V,) float64, how far the shipped value is from the reference; NaN where it is the reference (nats)."""
        return np.abs(self.qhull - np.array([row[0] for row in self.values]))

    @property
    def order_dependence(self):
        """(V,) float64, how much Qhull's value changes with the order of the vertices; NaN if not evaluated (nats)."""
        return np.abs(self.permuted - self.qhull)

    def error_of(self, vector, values):
        """The error of a mesh at one vector (nats).

        At a stable vector it is the distance from the reference. At an unstable one it is the distance from the range of the
        reference, after the range is tripled about its centre. NaN values count as a share there; if all values of the mesh are
        NaN, the reference has to be NaN somewhere, too.

        Parameters
        ----------
        vector
            Index of the parameter vector, 0 to V - 1.
        values
            (1,) or (1 + P,) float64, the log evidence of the mesh there and at P of its perturbations.

        Returns
        -------
        float
            Infinite if the mesh is NaN and the reference is not, or if the vector has a fault.
        """
        if self.faults[vector] is not None:
            return np.inf
        if self.stable[vector]:
            error = abs(values[0] - self.values[vector][0])
            return float(error) if np.isfinite(error) else np.inf
        reference = self.values[vector]
        if nan_more_often(values, reference):
            return np.inf
        finite, own = reference[np.isfinite(reference)], values[np.isfinite(values)]
        if not len(own):
            return np.inf if len(finite) == len(reference) else 0.0
        if not len(finite):
            return 0.0
        width = np.ptp(finite)
        return float(max(finite.min() - width - own.min(), own.max() - finite.max() - width, 0.0))


def nan_more_often(values, reference):
    """Whether NaN is a larger share of the (P,) values than of the (R,) reference's, beyond `NAN_SIGNIFICANCE`."""
    counts = [[(~finite).sum(), finite.sum()] for finite in map(np.isfinite, (values, reference))]
    return bool(fisher_exact(counts, alternative="greater").pvalue < NAN_SIGNIFICANCE)
