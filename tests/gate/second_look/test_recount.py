"""Counted vectors: a right mesh passes where rounding decides what is counted, and a wrong mesh fails there too."""

from unittest import mock

import autolens as al
import jax.numpy as jnp
import numpy as np
import pytest

from jax_profiling.gate import live_reference, provenance, verdict
from jax_profiling.gate.ladder import RUNGS
from jax_profiling.gate.likelihood import Evidence, Likelihood
from jax_profiling.gate.reference import STABLE_NOISE
from jax_profiling.proof.fit_cases import ON_A_VERTEX, lens_of
from knn_barycentric.interpolator import InterpolatorKNNBarycentric
from knn_barycentric.mesh import KNNBarycentric

STABLE_DRAWS = [11, 17]
"""Draws at which the reference is stable, and 0.08 and 1.85 nats from a right mesh."""


def _likelihood(error):
    """A likelihood with the log evidence -1000 and no noise: -1002 for Delaunay with the shipped counts.

    The log evidence of every other mesh is larger by `error`.
    """

    class Plain:
        def __init__(self, lens, mesh_cls, use_jax=None, **arguments):
            self.is_delaunay = mesh_cls is al.mesh.Delaunay

        def evidences(self, parameters, batch):
            value = -1000.0 + (0.0 if self.is_delaunay else error)
            value -= 2.0 * (self.is_delaunay and provenance.tiny_weights() == "shipped")
            ones = np.ones(len(parameters))
            return Evidence(value * ones, 0.0 * ones, ones.astype(bool), (), np.zeros((len(ones), 3)))

    return Plain


def _compared(counted, error, monkeypatch):
    """The reference and the candidates of the default rung and of `clip` at three vectors."""
    monkeypatch.setattr(live_reference, "is_counted_at", lambda likelihood, rows: bool(rows[0] in counted))
    vectors = np.array([[1.0], [2.0], [3.0]])
    reference, candidates, _ = verdict.compare(
        None, vectors, ["clip", "delaunay"], 2, lambda message: None, batch=1, likelihood=_likelihood(error)
    )
    return reference, candidates


def test_all_meshes_are_recounted_where_the_default_fails(monkeypatch):
    reference, (clip, default) = _compared({1.0, 2.0, 3.0}, 0.0, monkeypatch)
    assert reference.recounted.all() and default.is_delaunay and clip.is_delaunay
    assert [row[0] for row in reference.values] == 3 * [-1000.0]
    assert reference.qhull.tolist() == 3 * [-1002.0] and reference.qhull_log_evidence == -1002.0
    assert provenance.tiny_weights() == "shipped"


def test_only_counted_vectors_are_recounted(monkeypatch):
    reference, (_, default) = _compared({2.0}, 0.0, monkeypatch)
    assert reference.recounted.tolist() == [False, True, False] == reference.counted.tolist()
    assert default.unexplained.tolist() == [True, False, True]
    assert np.isnan(reference.qhull).tolist() == [True, False, True]


def test_a_wrong_mesh_fails_the_recount(monkeypatch):
    reference, (_, default) = _compared({1.0, 2.0, 3.0}, 0.5, monkeypatch)
    assert reference.recounted.all() and default.unexplained.all()
    assert default.errors == pytest.approx(0.5)


def test_a_right_mesh_is_not_recounted(monkeypatch):
    reference, (_, default) = _compared({1.0, 2.0, 3.0}, -2.0, monkeypatch)
    assert not reference.recounted.any() and default.is_delaunay


class _SlightlyWrong(InterpolatorKNNBarycentric):
    def _interpolation_at(self, points):
        mappings, weights = super()._interpolation_at(points)
        return mappings, weights + 1.0e-6 * (jnp.roll(weights, 1, axis=1) - weights)


class SlightlyWrong(KNNBarycentric):
    interpolator_cls = _SlightlyWrong


@pytest.fixture(scope="module")
def gated():
    """The reference on a real lens, and rung -> candidate of the default mesh and a wrong one."""
    lens, names = lens_of(ON_A_VERTEX), ["delaunay", "slightly wrong"]
    vectors = Likelihood(lens, al.mesh.Delaunay).median_and_draws(max(STABLE_DRAWS))[STABLE_DRAWS]
    with mock.patch.dict(RUNGS, {"slightly wrong": (SlightlyWrong, {})}):
        reference, candidates, _ = verdict.compare(lens, vectors, names, 1, lambda message: None, batch=1)
    return reference, dict(zip(names, candidates, strict=True))


def test_a_real_lens_passes_after_a_recount(gated):
    reference, candidates = gated
    assert reference.counted.all() and reference.recounted.all() and reference.stable.all()
    assert (reference.qhull_error > 0.05).all()
    default = candidates["delaunay"]
    assert default.is_delaunay and (default.errors <= STABLE_NOISE * reference.sizes).all()


def test_errors_of_a_millionth_fail(gated):
    wrong = gated[1]["slightly wrong"]
    assert wrong.unexplained.all() and not wrong.is_delaunay
