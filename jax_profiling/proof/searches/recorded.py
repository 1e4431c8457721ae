"""`af.LBFGS` and `af.MultiStartProdigy` with given starts, and a record of every evaluation."""

from typing import NamedTuple

import autofit as af
import numpy as np
from autofit.non_linear.fitness import Fitness

from jax_profiling.gate.likelihood import analysis_of
from jax_profiling.lenses.model import with_free
from jax_profiling.proof.continuity.meshes import likelihood_of
from jax_profiling.proof.continuity.transects import mass_parameters, prior_widths

START_LIMITS = 0.15, 0.85
"""Starts are uniform between these quantiles of every prior, as in `af.MultiStartProdigy`."""

SEED = 39
"""Seed of the starts."""

STEPS_PER_MESSAGE = 10
"""`af.MultiStartProdigy` reports its progress after this number of steps."""


class Record(NamedTuple):
    """One start of a search.

    Attributes
    ----------
    values
        (E,) float64, the log posterior (nats) at every evaluation with a gradient, in order; -inf where it is undefined.
    best
        (D,) float64, the parameters of the highest one.
    """

    values: np.ndarray
    best: np.ndarray


class RecordedFitness(Fitness):
    """The objective of a lens and a mesh, for any number of searches, so that JAX compiles it once.

    The figure of merit is -2 times the log posterior, as both searches want it. Only the parameters of mass profiles are
    free. All others are fixed at their prior medians.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    mesh
        A key of `continuity.meshes.MESHES`.
    """

    def __init__(self, lens, mesh):
        super().__init__(
            model=mass_model_of(likelihood_of(lens, mesh).model),
            analysis=analysis_of(lens.factors[0], use_jax=True),
            fom_is_log_likelihood=False,
            convert_to_chi_squared=True,
            store_history=True,
        )
        self.forget()

    def forget(self):
        """Forget all evaluations, before another search."""
        self.evaluations = []
        self.parameters_history_list, self.log_likelihood_history_list = [], []

    def call_wrap_value_and_grad(self, parameters):
        """As the parent's; the parameters and the log posterior are appended to `evaluations`."""
        figure_of_merit, gradient = super().call_wrap_value_and_grad(parameters)
        self.evaluations.append((np.array(parameters), -0.5 * figure_of_merit))
        return figure_of_merit, gradient

    def slope_at(self, parameters):
        """The log posterior (nats), and the norm of its gradient (nats per prior width)."""
        figure_of_merit, gradient = self.objective("value_and_grad")(np.asarray(parameters, dtype=float))
        slope = np.linalg.norm(0.5 * np.asarray(gradient) * prior_widths(self.model))
        return -0.5 * float(figure_of_merit), float(slope)

    def log_prior_at(self, parameters):
        """The log prior (nats)."""
        return float(np.sum(self.model.log_prior_list_from_vector(vector=np.asarray(parameters), xp=np)))


def mass_model_of(model):
    """A model in which only parameters of mass profiles are free; the others are fixed at their prior medians."""
    return with_free(model, {model.priors_ordered_by_id[number] for number in mass_parameters(model)})


def starts_of(model, number):
    """(number, D) float64, parameter vectors. More of them begin with the same ones."""
    unit = np.random.default_rng(SEED).uniform(*START_LIMITS, size=(number, model.prior_count))
    return np.array([model.vector_from_unit_vector(vector) for vector in unit], dtype=float)


def lbfgs(fitness, starts, evaluations, clipper=None):
    """`af.LBFGS` from every start.

    Parameters
    ----------
    fitness
        A `RecordedFitness`.
    starts
        (S, D) float64, parameter vectors.
    evaluations
        The search ends after the iteration that exceeds this number of evaluations.
    clipper
        Bounds of PyAutoFit, or None for its default, no bounds.

    Returns
    -------
    list of Record
    """
    records = []
    for start in starts:
        point = dict(zip(fitness.model.priors_ordered_by_id, start))
        search = af.LBFGS(
            maxfun=evaluations, initializer=af.InitializerParamStartPoints(point), clipper=clipper, silence=True
        )
        search.make_fitness = lambda **arguments: fitness
        fitness.forget()
        search.fit(model=fitness.model, analysis=fitness.analysis)
        parameters, values = map(np.array, zip(*fitness.evaluations))
        values = _with_undefined_lowest(values)
        records.append(Record(values, parameters[np.argmax(values)]))
    return records


def _with_undefined_lowest(values):
    # L-BFGS can step to NaN after an undefined value, Prodigy can start there.
    return np.where(np.isnan(values), -np.inf, values)


class _RecordedProdigy(af.MultiStartProdigy):
    """`af.MultiStartProdigy` with given starts, and with the figures of merit of all starts at every step."""

    def _broad_starts(self, model, value_and_grad_single, jnp):
        return jnp.asarray(self.starts)

    def _nan_lane_counts(self, foms, grad_finite):
        self.foms.append(np.asarray(foms))
        if len(self.foms) % STEPS_PER_MESSAGE == 0:
            self.say(f"step {len(self.foms)} of {self.n_steps}")
        return super()._nan_lane_counts(foms, grad_finite)


def prodigy(fitness, starts, evaluations, lanes, say):
    """`af.MultiStartProdigy` from all starts at once.

    Parameters
    ----------
    fitness, starts
        As in `lbfgs`.
    evaluations
        Number of steps; each evaluates every start.
    lanes
        Number of starts per call of the compiled program.
    say
        A function that takes one line of text, the progress.

    Returns
    -------
    list of Record
    """
    search = _RecordedProdigy(n_starts=len(starts), n_steps=evaluations, batch_size=lanes, silence=True)
    search.starts, search.foms, search.say = starts, [], say
    found = search.fit(model=fitness.model, analysis=fitness.analysis).search_internal
    values = _with_undefined_lowest(-0.5 * np.array(search.foms).T)
    return [Record(*each) for each in zip(values, found["lane_best_params"], strict=True)]
