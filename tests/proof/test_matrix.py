"""The production matrix: every cell can be fitted with the mesh, and what its page says is what was measured."""

import json

import autolens as al
import jax
import numpy as np
import pytest

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.proof import matrix, matrix_page
from jax_profiling.proof.cells import CELLS, lens_of
from knn_barycentric.mesh import KNNBarycentric

TASKS = [(key, log_det) for key, cell in CELLS.items() for log_det in ("shipped", "accurate")[: 1 + cell.accurate]]


@pytest.mark.parametrize("key", CELLS)
def test_the_mesh_runs_in_every_cell(key):
    """Traced only, which takes a second or two; the gate of a cell is slow."""
    lens = lens_of(CELLS[key])
    ours = Likelihood(lens, KNNBarycentric)
    if lens.use_jax:
        assert jax.eval_shape(ours.evidence, ours.prior_medians).log_evidence.shape == ()
        return
    reference = Likelihood(lens, al.mesh.Delaunay).evidences(ours.prior_medians[None]).log_evidence
    assert np.isfinite(reference).all()
    np.testing.assert_array_equal(ours.evidences(ours.prior_medians[None]).log_evidence, reference)


@pytest.mark.parametrize("key, log_det", TASKS)
def test_every_cell_was_measured_and_passed(key, log_det):
    summary = json.loads((matrix.RESULTS / f"{key}.{log_det}.json").read_text())
    assert summary["passed"]
    assert summary["candidates"][0]["verdict"] == "drop-in"
    assert summary["reference"]["log_det"] == log_det


@pytest.mark.slow
@pytest.mark.parametrize("key, log_det", TASKS)
def test_cell_passes(key, log_det):
    summary = matrix.summary_of(CELLS[key], log_det)
    assert summary["passed"]
    assert summary["candidates"][0]["verdict"] == "drop-in"


def test_page_is_written_from_what_was_measured(tmp_path):
    found = matrix_page.write(matrix.RESULTS, tmp_path)
    assert len(found) == len(TASKS)
    assert (tmp_path / "matrix.md").read_text() == (matrix.ROOT / "docs" / "matrix.md").read_text()
    assert (tmp_path / "matrix.png").exists()
