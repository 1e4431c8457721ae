"""A lens as the checks see it: its likelihoods, parameter vectors and compiled programs."""

from functools import cache, cached_property

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np

import delaunax
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from knn_barycentric import KNNBarycentric
from scripts.jax_assertions.conditioned import conditioned_inversion

EPS = np.finfo(float).eps


class Case:
    """A lens with `KNNBarycentric` and with Delaunay. Programs that several checks need are compiled once.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    name
        What `lens.load` was given: a name, a folder, or `SEARCH@LENS`.
    """

    def __init__(self, lens, name):
        self.lens, self.name = lens, str(name)
        self.ours = Likelihood(lens, KNNBarycentric)
        self.delaunay = Likelihood(lens, al.mesh.Delaunay)

    @property
    def medians(self):
        """(D,) the prior median."""
        return jnp.asarray(self.ours.prior_medians)

    def batch(self, number):
        """(number, D): the prior median and other mass models."""
        draws = self.ours.draws(number, seed=7)
        return jnp.asarray(np.concatenate([self.ours.prior_medians[None], draws[1:]]))

    @cached_property
    def untied(self):
        """(D,) the prior median or, if rounding decides the triangulation of its mesh, the first draw for which it does not."""
        candidates = self.batch(8)
        return next((each for each in candidates if not self._is_tied(each)), candidates[0])

    def _is_tied(self, parameters):
        points = np.asarray(self.ours.mapper(np.asarray(parameters)).interpolator.mesh_grid_xy)
        noise = 1.0e-12 * np.ptp(points) * np.random.default_rng(0).standard_normal(points.shape)
        before, after = (delaunax.triangulate(each).simplices for each in (points, points + noise))
        return set(map(frozenset, before.tolist())) != set(map(frozenset, after.tolist()))

    @cached_property
    def interpolation(self):
        """`Likelihood.interpolation` under `jit`."""
        return jax.jit(self.ours.interpolation)

    @cached_property
    def interpolations(self):
        """`Likelihood.interpolation` under `jit` and `vmap`."""
        return jax.jit(jax.vmap(self.ours.interpolation))

    def gradient(self, likelihood, parameters):
        """(D,) the gradient of a likelihood's log evidence."""
        return np.asarray(jax.jit(jax.grad(lambda p: likelihood.evidence(p).log_evidence))(parameters))

    @cached_property
    def conditioned(self):
        """ "ours" and "delaunay" -> the jitted `conditioned_inversion`."""
        return {
            "ours": jax.jit(conditioned_inversion(self.ours)),
            "delaunay": jax.jit(conditioned_inversion(self.delaunay)),
        }


@cache
def case_of(lens):
    """The `Case` of a lens, by its name or folder."""
    return Case(lens_folder.load(lens), lens)


def same_bits(one, other):
    """Whether two pytrees of arrays hold the same bits; NaN equals NaN."""
    ones, others = (jax.tree.leaves(jax.tree.map(np.asarray, each)) for each in (one, other))
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ones, others, strict=True))


def dense(mappings, weights, vertices):
    """(rows, N) float, the weight of every vertex; independent of the order of columns."""
    mappings, weights = np.asarray(mappings), np.asarray(weights)
    matrix = np.zeros((len(mappings), vertices))
    used = mappings >= 0
    rows = np.broadcast_to(np.arange(len(mappings))[:, None], mappings.shape)
    np.add.at(matrix, (rows[used], mappings[used]), weights[used])
    return matrix


def largest(array):
    """The largest absolute value of an array; 0 if it is empty."""
    return float(np.abs(array).max(initial=0.0))
