"""The production matrix: the mesh runs in every fit case, and the page shows what was measured."""

import autolens as al
import jax
import numpy as np
import pytest

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.proof import matrix, matrix_page
from jax_profiling.proof.fit_cases import CASES, lens_of
from knn_barycentric.mesh import KNNBarycentric

TASKS = [(key, log_det) for key, case in CASES.items() for log_det in ("shipped", "accurate")[: 1 + case.accurate]]


@pytest.mark.parametrize("key", CASES)
def test_the_mesh_runs_in_every_case(key):
    """Traced only, which takes a second or two."""
    lens = lens_of(CASES[key])
    ours = Likelihood(lens, KNNBarycentric)
    if lens.use_jax:
        assert jax.eval_shape(ours.evidence, ours.prior_medians).log_evidence.shape == ()
        return
    reference = Likelihood(lens, al.mesh.Delaunay).evidences(ours.prior_medians[None]).log_evidence
    assert np.isfinite(reference).all()
    # Two evaluations of the same mesh can differ in the last bit: sums depend on how arrays are aligned in memory.
    np.testing.assert_allclose(ours.evidences(ours.prior_medians[None]).log_evidence, reference, rtol=1.0e-14)


@pytest.mark.slow
@pytest.mark.parametrize("key, log_det", TASKS)
def test_the_gate_passes_on_every_case(key, log_det):
    summary = matrix.summary_of(CASES[key], log_det)
    assert summary["passed"]
    assert summary["candidates"][0]["verdict"] == "drop-in"


def test_the_page_shows_the_measured_values(tmp_path):
    found = matrix_page.write(matrix.RESULTS, tmp_path)
    assert len(found) == len(TASKS)
    assert (tmp_path / "matrix.md").read_text() == (matrix.PAGES / "matrix.md").read_text()
    assert (tmp_path / "matrix.png").exists()
