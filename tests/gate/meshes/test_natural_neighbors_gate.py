"""Which values of `NaturalNeighbor` its gate judges: compiled ones, and those without `jit` at unstable vectors."""

from types import SimpleNamespace

import numpy as np
import pytest

from jax_profiling.gate import natural_neighbors
from jax_profiling.gate.likelihood import Evidence

from gate_results import UNSTABLE, reference_of


def evidence(*values):
    values = np.array(values)
    return Evidence(values, np.zeros_like(values), np.ones(len(values), bool), (), np.zeros((len(values), 3)))


@pytest.fixture
def candidate_with(monkeypatch):
    """The candidate of a mesh with these compiled values and these values without `jit`, all far apart."""

    def candidate(compiled, plain):
        mesh = SimpleNamespace(
            median_and_draws=lambda draws: np.zeros((2, 1)), evidences=lambda parameters, batch: evidence(*compiled)
        )
        uncompiled = SimpleNamespace(evidences=lambda parameters: evidence(*len(parameters) * [plain]))
        monkeypatch.setattr(natural_neighbors, "Likelihood", lambda lens, mesh_cls: mesh)
        monkeypatch.setattr(natural_neighbors, "UncompiledLikelihood", lambda lens, mesh_cls: uncompiled)
        monkeypatch.setattr(natural_neighbors, "_reference_of", lambda *arguments: reference_of(UNSTABLE))
        return natural_neighbors.candidate_of(lens=None, draws=1, perturbations=2)

    return candidate


def test_stable_vectors_are_compiled(candidate_with):
    found = candidate_with(compiled=[-900.0, -1000.0], plain=-1000.0)
    assert found.log_evidence == -900.0 and not found.passed


def test_unstable_vectors_run_without_jit(candidate_with):
    found = candidate_with(compiled=[-1000.0, -5000.0], plain=-1000.0)
    assert found.values[1].tolist() == [-1000.0] * 3 and found.passed
    found = candidate_with(compiled=[-1000.0, -1000.0], plain=-5000.0)
    assert found.unexplained[1] and not found.passed


def test_a_compiled_nan_counts_everywhere(candidate_with):
    found = candidate_with(compiled=[-1000.0, np.nan], plain=-1000.0)
    assert np.isnan(found.values[1]).all() and found.nan_shares[0] == 1.0 and not found.passed
