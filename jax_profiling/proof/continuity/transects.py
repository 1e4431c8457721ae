"""Straight lines through the parameters of a lens, in units of prior widths."""

from typing import NamedTuple

import numpy as np
from autogalaxy.profiles.light.abstract import LightProfile
from autogalaxy.profiles.mass.abstract.abstract import MassProfile

SEED = 39
"""Seed of the random directions and of the chosen events."""

OFFSET = 0.01
"""Distance of the origin from the prior median, in prior widths. On a symmetric median every event happens twice at once."""

ONE_SIGMA = 0.158655254, 0.841344746
"""The quantiles of a Gaussian at minus and plus one standard deviation."""


class Transects(NamedTuple):
    """Lines `origin + t * direction`. A step of one in t is one prior width.

    Attributes
    ----------
    origin
        (D,) float64, a parameter vector.
    directions
        (L, D) float64, one line each.
    names
        L names of the lines.
    """

    origin: np.ndarray
    directions: np.ndarray
    names: tuple

    def at(self, line, t):
        """(K, D) float64, the parameter vectors at K places t on K lines, or on the same one."""
        return self.origin + np.asarray(t, dtype=float)[:, None] * self.directions[line]


def prior_widths(model):
    """(D,) float64, half the range of every prior between `ONE_SIGMA`; the standard deviation of a Gaussian prior."""
    low, high = (
        np.asarray(model.vector_from_unit_vector([quantile] * model.prior_count), dtype=float) for quantile in ONE_SIGMA
    )
    return 0.5 * (high - low)


def mass_parameters(model):
    """Index in the parameter vector -> name of every free parameter of a mass profile, shear included."""
    index = {prior: number for number, prior in enumerate(model.priors_ordered_by_id)}
    found = {}
    for path, prior in model.path_priors_tuples:
        parts = (model.object_for_path(path[:length]) for length in range(1, len(path)))
        classes = (getattr(part, "cls", None) for part in parts)
        if any(map(_is_mass_only, classes)):
            found[index[prior]] = ".".join(path[-2:] if "_" in path[-1] else path[-1:])
    return found


def _is_mass_only(cls):
    """Whether a class is a mass profile. A `Basis` of light profiles is a subclass of both."""
    return isinstance(cls, type) and issubclass(cls, MassProfile) and not issubclass(cls, LightProfile)


def transects_of(model):
    """The `Transects` of a model: the Einstein radius (or the first mass parameter), and two random directions.

    All lines change parameters of mass profiles only. The origin is `OFFSET` from the prior median in a random direction.
    """
    names, widths = mass_parameters(model), prior_widths(model)
    mass = np.array(sorted(names))
    radius = next((each for each in mass if names[each] == "mass.einstein_radius"), None)
    radius = next((each for each in mass if "einstein_radius" in names[each]), mass[0]) if radius is None else radius
    random = np.zeros((3, len(widths)))
    random[:, mass] = np.random.default_rng(SEED).normal(size=(3, len(mass)))
    offset, *others = random / np.linalg.norm(random, axis=1, keepdims=True)
    median = np.asarray(model.physical_values_from_prior_medians, dtype=float)
    return Transects(
        origin=median + OFFSET * offset * widths,
        directions=np.stack([np.eye(len(widths))[radius], *others]) * widths,
        names=(names[radius].rpartition(".")[2], "random direction 1", "random direction 2"),
    )
