"""The programs under study: two interpolations and the likelihood of one lens, at several numbers of lanes."""

from contextlib import nullcontext
from typing import NamedTuple

import autolens as al
import numpy as np

import knn_barycentric
from jax_profiling.gate.patches import patched
from jax_profiling.speed.programs import lanes_of, log_evidence_of, ray_traced_of, tables_of_lanes

NATURAL = "natural neighbours"
"""The interpolation of `NaturalNeighbor`; the other programs have the default mesh."""


class Case(NamedTuple):
    """A program, its number of lanes, and whether the lanes are far from the prior median (`far_parameters_of`)."""

    program: str
    lanes: int
    far: bool = False

    @property
    def mesh_cls(self):
        """The class of the mesh."""
        return knn_barycentric.NaturalNeighbor if self.program == NATURAL else knn_barycentric.KNNBarycentric

    def patched(self):
        """A context in which autoarray has no limits on the neighbours of split points, for the mesh that has many."""
        return patched(natural_neighbors=True) if self.program == NATURAL else nullcontext()

    def file_of(self, target):
        return f"{self.program.replace(' ', '_')}-{target}-{self.lanes}{'-far' if self.far else ''}.json"

    def __str__(self):
        return f"{self.lanes} {'lane' if self.lanes == 1 else 'lanes'}{', far' if self.far else ''}"


CASES = (
    Case("interpolation", 1),
    Case("interpolation", 20),
    Case("interpolation", 20, far=True),
    Case(NATURAL, 1),
    Case(NATURAL, 20),
    Case("likelihood", 1),
    Case("likelihood", 20),
)

RADIUS_FACTORS, DISTANCE_FACTOR = (0.6, 1.6), 3.0
"""Far lanes: the median Einstein radius times a number in this range, and three times the distance of a draw in all else."""


def far_parameters_of(likelihood, number):
    """(number, D) float64: parameters far from the prior median. Vectors that autolens rejects are skipped."""
    median, rng, vectors = likelihood.prior_medians, np.random.default_rng(0), []
    radii = [name == "einstein_radius" for name in likelihood.model.parameter_names]
    for draw in likelihood.draws(20 * number):
        far = np.where(radii, median * rng.uniform(*RADIUS_FACTORS), median + DISTANCE_FACTOR * (draw - median))
        try:
            ray_traced_of(likelihood, far)
        except al.exc.ModelParameterException:
            continue
        vectors.append(far)
        if len(vectors) == number:
            break
    return np.array(vectors)


def program_of(likelihood, case):
    """The function of a case, and its arrays."""
    if case.far:
        parameters = far_parameters_of(likelihood, case.lanes)
    else:
        parameters = likelihood.median_and_draws(case.lanes - 1)
    if case.program == "likelihood":
        return lanes_of(log_evidence_of(likelihood), [parameters])
    return tables_of_lanes(likelihood, parameters)
