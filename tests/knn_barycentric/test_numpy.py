"""With `use_jax=False` a fit starts no XLA backend, and forked processes finish."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

PREPARE = """
import json, sys
import autolens as al
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.gate.ladder import RUNGS
from jax_profiling.gate.likelihood import model_with_mesh

lens = lens_folder.load(sys.argv[1])

def model_of(rung):
    mesh_cls, arguments = RUNGS[rung]
    return model_with_mesh(lens.model, mesh_cls, **arguments)

def analysis_of(dataset):
    return al.AnalysisImaging(dataset=dataset, adapt_images=lens.adapt_images, use_jax=False)
"""

EVALUATE = (
    PREPARE
    + """
def log_evidence_of(rung, dataset=lens.dataset):
    instance = model_of(rung).instance_from_prior_medians()
    return float(analysis_of(dataset).log_likelihood_function(instance=instance))

found = {rung: log_evidence_of(rung) for rung in sys.argv[2:]}
found["sparse"] = log_evidence_of("delaunay", lens.dataset.apply_sparse_operator_cpu())
bridge = sys.modules.get("jax._src.xla_bridge")
print(json.dumps(found | {"backends": list(bridge._backends) if bridge else []}))
"""
)

SEARCH = (
    PREPARE
    + """
import tempfile
import autofit as af
from autonerves import conf

def main():
    conf.instance.output_path = tempfile.mkdtemp()
    model, analysis = model_of("delaunay"), analysis_of(lens.dataset)
    # Forking after an evaluation used to hang.
    analysis.log_likelihood_function(instance=model.instance_from_prior_medians())
    search = af.Nautilus(name="fork", n_live=20, n_batch=4, n_like_max=40, number_of_cores=2, iterations_per_quick_update=10**9)
    result = search.fit(model=model, analysis=analysis)
    print("samples", len(result.samples.sample_list))

if __name__ == "__main__":
    main()
"""
)


def in_fresh_process(code, *arguments, timeout, script=None):
    """The output of a new Python process that runs the code, from a file if `script` names one."""
    command = [sys.executable, "-c", code] if script is None else [sys.executable, script]
    if script is not None:
        script.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, env=environment, timeout=timeout
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]
    return ran.stdout


@pytest.fixture(scope="module")
def evaluated(small):
    """Rung -> log evidence on NumPy, that of the sparse operator, and the XLA backends of the process after them all."""
    printed = in_fresh_process(EVALUATE, small.folder, "delaunay", "clip", "wendland", "enclosing-5", timeout=300)
    return json.loads(printed.splitlines()[-1])


def test_a_numpy_fit_starts_no_xla_backend(evaluated):
    assert evaluated["backends"] == []
    assert all(np.isfinite(evaluated[rung]) for rung in ("delaunay", "clip", "wendland", "enclosing-5"))


def test_sparse_and_dense_numpy_fits_agree(evaluated):
    assert evaluated["sparse"] == pytest.approx(evaluated["delaunay"], rel=1.0e-6)


def test_a_search_on_two_cores_finishes(small, tmp_path):
    printed = in_fresh_process(SEARCH, small.folder, timeout=400, script=tmp_path / "search.py")
    assert int(printed.split("samples")[-1]) > 0
