"""The patches apply to a copy of the installed autoarray, give the package's results, and revert."""

import json
import shutil
import venv
from pathlib import Path

import pytest

from jax_profiling.gate import verdict
from jax_profiling.patch import diffs

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("tool", ["patch", "git apply"])
def test_patches_apply_and_revert(patches, copy, tool):
    shipped, with_mesh = copy.metadata, ["inversion/mesh/knn_barycentric", "inversion/mesh/mesh/__init__.py"]
    # The package is one new folder, so files that the second patch adds to it do not show.
    with_both = ["inversion/mesh/interpolator/delaunay.py", "inversion/mesh/interpolator/sibson.py", *with_mesh]
    for name, reverse, differences in (
        ("mesh", False, with_mesh),
        ("delaunay", False, with_both),
        ("delaunay", True, with_mesh),
        ("mesh", True, []),
    ):
        copy.apply(patches[name], tool, reverse)
        assert copy.differences == differences
        assert copy.metadata.count(f"Requires-Dist: {diffs.REQUIREMENT}\n") == bool(differences)
    assert copy.metadata == shipped


GROUNDED = """
import sys
import jax_profiling
import autolens as al
import jax.numpy as jnp
import numpy as np
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.gate.likelihood import Likelihood

lens = lens_folder.load(sys.argv[1])
for xp in (np, jnp):
    likelihood = Likelihood(lens, al.mesh.Delaunay)
    fit = likelihood.fit(likelihood.prior_medians, xp=xp)
    terms = ["log_det_regularization_matrix_term", "log_det_curvature_reg_matrix_term"][: int(sys.argv[2])]
    shipped = [float(getattr(fit.inversion, term)) for term in terms]
    fit.inversion.settings._log_det_method = "grounded"
    for term, value in zip(terms, shipped):
        print(value, float(getattr(fit.inversion, term)))
"""


LOG_DETS = {"log-det": 360, "curvature-log-det": 50}
"""The patches of the log determinants, and how many lines each may add."""


def test_log_determinant_patches_apply_and_revert(patches, copy):
    own = [
        "inversion/inversion/abstract.py",
        "inversion/regularization/differences.py",
        "inversion/regularization/grounded_log_det.py",
    ]
    for name, limit in LOG_DETS.items():
        assert diffs.added_lines(patches[name].read_text()) <= limit
        copy.apply(patches[name])
    assert copy.differences == sorted([*own, "inversion/regularization/curvature_log_det.py"])
    copy.apply(patches["curvature-log-det"], reverse=True)
    assert copy.differences == own
    copy.apply(patches["log-det"], reverse=True)
    assert copy.differences == []


@pytest.mark.slow(reason="two processes fit a lens")
def test_patched_log_determinants_are_the_shipped_ones(patches, copy, small):
    for terms, name in enumerate(LOG_DETS, start=1):
        copy.apply(patches[name])
        for line in copy.run("-c", GROUNDED, small.folder, terms).splitlines()[-2 * terms :]:
            shipped, grounded = map(float, line.split())
            assert grounded == pytest.approx(shipped, abs=1.0e-3)


NATURAL = """
import sys
import jax_profiling
import autolens as al
import jax.numpy as jnp
import numpy as np
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.gate.likelihood import Likelihood
from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN

lens = lens_folder.load(sys.argv[1])
for mesh_cls in (DelaunayNN, al.mesh.DelaunayNN):
    likelihood = Likelihood(lens, mesh_cls)
    print(*(float(likelihood.evidence(likelihood.prior_medians, xp=xp).log_evidence) for xp in (np, jnp)))
print(al.mesh.DelaunayNN.__module__)
"""


NATURAL_NEIGHBORS = ["mesh", "natural-neighbors"]


def test_natural_neighbor_patch_applies_and_reverts(patches, copy):
    assert diffs.added_lines(patches["natural-neighbors"].read_text()) <= 600
    for name in NATURAL_NEIGHBORS:
        copy.apply(patches[name])
    assert "inversion/mesh/mesh/__init__.py" in copy.differences
    for name in reversed(NATURAL_NEIGHBORS):
        copy.apply(patches[name], reverse=True)
    assert copy.differences == []


@pytest.mark.slow(reason="two meshes fit a lens")
def test_patched_natural_neighbors_have_the_log_evidence_of_delaunay_nn(patches, copy, small):
    for name in NATURAL_NEIGHBORS:
        copy.apply(patches[name])
    *values, module = copy.run("-c", NATURAL, small.folder).split()[-5:]
    assert module == "autoarray.inversion.mesh.knn_barycentric.natural_neighbor"
    assert list(map(float, values)) == pytest.approx([float(values[0])] * 4, rel=1.0e-8)


CALLBACKS = """
import sys
import jax_profiling
import autolens as al, jax
from jax_profiling.lenses import lens
from jax_profiling.gate.likelihood import Likelihood

likelihood = Likelihood(lens.load(sys.argv[1]), al.mesh.Delaunay)
program = jax.jit(likelihood.evidence).lower(likelihood.prior_medians).as_text()
print(al.mesh.KNNBarycentric.__module__, program.count("callback"))
"""


@pytest.mark.parametrize("name", ["small", pytest.param("hst", marks=pytest.mark.slow(reason="compiles for 50 s"))])
def test_gate_passes_on_patched_autoarray(name, patches, copy, tmp_path):
    """In an environment with the patched autoarray and without knn_barycentric."""
    venv.create(tmp_path / "venv", symlinks=True)
    workspace = tmp_path / "workspace"
    shutil.copytree(ROOT / "jax_profiling", workspace / "jax_profiling")
    (workspace / "dataset").symlink_to(ROOT / "dataset")

    def run(*arguments):
        return copy.run(
            *arguments, python=tmp_path / "venv" / "bin" / "python", paths=[ROOT / "delaunax" / "src"], cwd=workspace
        )

    copy.apply(patches["mesh"])
    found = "import importlib.util as util; print(*(util.find_spec(name) for name in ('autoarray', 'knn_barycentric')))"
    autoarray, knn_barycentric = run("-c", found).rsplit(maxsplit=1)
    assert str(copy.site) in autoarray and knn_barycentric == "None"
    script, report = workspace / "jax_profiling/jit/imaging/delaunay_knn_barycentric.py", tmp_path / "report"
    run(script, "--lens", name, "--rungs", "delaunay", "--output", report)
    summary = json.loads((report / "summary.json").read_text())
    assert summary["passed"] and summary["drift"] is None
    assert summary["candidates"][0]["rung"] == verdict.DEFAULT_RUNG
    assert summary["candidates"][0]["worst_relative_error"] <= 1.0e-9

    copy.apply(patches["delaunay"])
    own, callbacks = run("-c", CALLBACKS, ROOT / "dataset" / "imaging" / "small").split()[-2:]
    assert own == "autoarray.inversion.mesh.knn_barycentric.mesh"
    assert callbacks == "0"

    for name in ("delaunay", "mesh"):
        copy.apply(patches[name], reverse=True)
    assert copy.differences == []
