"""The production matrix: the mesh runs in every fit case, and the page shows what was measured."""

from contextlib import nullcontext
from functools import cache

import autolens as al
import jax
import numpy as np
import pytest

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.patches import patched
from jax_profiling.proof import matrix, matrix_page
from jax_profiling.proof.fit_cases import CASES, NATURAL_NEIGHBORS, lens_of
from knn_barycentric import KNNBarycentric, NaturalNeighbor


@cache
def lens_with(key):
    """The lens of a fit case. The cases of `NATURAL_NEIGHBORS` are among `CASES`, with the same lenses."""
    return lens_of(CASES[key])


@pytest.mark.parametrize("key", CASES)
def test_the_mesh_runs_in_every_case(key):
    """Traced only, which takes a second or two."""
    lens = lens_with(key)
    ours = Likelihood(lens, KNNBarycentric)
    if lens.use_jax:
        assert jax.eval_shape(ours.evidence, ours.prior_medians).log_evidence.shape == ()
        return
    reference = Likelihood(lens, al.mesh.Delaunay).evidences(ours.prior_medians[None]).log_evidence
    assert np.isfinite(reference).all()
    # Two evaluations of the same mesh can differ in the last bit: sums depend on how arrays are aligned in memory.
    np.testing.assert_allclose(ours.evidences(ours.prior_medians[None]).log_evidence, reference, rtol=1.0e-14)


@pytest.mark.parametrize("key", NATURAL_NEIGHBORS)
def test_natural_neighbours_run_in_every_case(key):
    """Traced, with the patch and without."""
    lens = lens_with(key)
    ours = Likelihood(lens, NaturalNeighbor)
    if lens.use_jax:
        for context in (nullcontext(), patched(natural_neighbors=True)):
            with context:
                assert jax.eval_shape(ours.evidence, ours.prior_medians).log_evidence.shape == ()
        return
    assert np.isfinite(ours.evidences(ours.prior_medians[None]).log_evidence).all()


@pytest.mark.slow
@pytest.mark.parametrize("key, variant", matrix.TASKS)
def test_the_gate_passes_on_every_case(key, variant):
    if variant == "natural_neighbors":
        summary = matrix.summary_of_natural_neighbors(NATURAL_NEIGHBORS[key])
    else:
        summary = matrix.summary_of(CASES[key], variant)
    assert summary["passed"]
    assert summary["candidates"][0]["verdict"] == "drop-in"


def test_the_page_shows_the_measured_values(tmp_path):
    found = matrix_page.write(matrix.RESULTS, tmp_path)
    assert len(found) == len(matrix.TASKS)
    assert (tmp_path / "matrix.md").read_text() == (matrix.PAGES / "matrix.md").read_text()
    assert (tmp_path / "matrix.png").exists()


@pytest.mark.parametrize("cases, keys", [("slam,", {"slam"}), (",", set())])
def test_an_empty_word_selects_no_case(cases, keys, monkeypatch):
    selected = []
    monkeypatch.setattr(matrix, "run", lambda tasks, workers: selected.extend(tasks) or [])
    monkeypatch.setattr(matrix.matrix_page, "write", lambda results, docs: [])
    assert matrix.main(["--cases", cases]) == 0
    assert {key[:4] for key, _ in selected} == keys
