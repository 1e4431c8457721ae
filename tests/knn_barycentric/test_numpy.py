"""With `use_jax=False` a fit starts no XLA backend, and forked processes finish."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

RUNGS = ("delaunay", "clip", "wendland", "enclosing-5")

PROGRAM = """
import json, sys, tempfile
import autofit as af
import autolens as al
from autonerves import conf
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.gate.ladder import RUNGS
from jax_profiling.gate.likelihood import model_with_mesh

lens = lens_folder.load(sys.argv[1])

def model_of(rung):
    mesh_cls, arguments = RUNGS[rung]
    return model_with_mesh(lens.model, mesh_cls, **arguments)

def analysis_of(dataset):
    return al.AnalysisImaging(dataset=dataset, adapt_images=lens.adapt_images, use_jax=False)

def log_evidence_of(rung, dataset=lens.dataset):
    instance = model_of(rung).instance_from_prior_medians()
    return float(analysis_of(dataset).log_likelihood_function(instance=instance))

def main():
    found = {rung: log_evidence_of(rung) for rung in sys.argv[2:]}
    found["sparse"] = log_evidence_of("delaunay", lens.dataset.apply_sparse_operator_cpu())
    # Forking after an evaluation used to hang.
    conf.instance.output_path = tempfile.mkdtemp()
    search = af.Nautilus(name="fork", n_live=20, n_batch=4, n_like_max=40, number_of_cores=2, iterations_per_quick_update=10**9)
    result = search.fit(model=model_of("delaunay"), analysis=analysis_of(lens.dataset))
    bridge = sys.modules.get("jax._src.xla_bridge")
    backends = list(bridge._backends) if bridge else []
    print(json.dumps({"found": found, "samples": len(result.samples.sample_list), "backends": backends}))

if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def ran(small, tmp_path_factory):
    """What one new process found: a log evidence per rung and of the sparse operator, the samples of a search, XLA's backends.

    Its code is in a file, because forked processes of the search may import it.
    """
    script = tmp_path_factory.mktemp("numpy") / "fit.py"
    script.write_text(PROGRAM)
    command = [sys.executable, script, small.folder, *RUNGS]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=400)
    assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-4000:]
    return json.loads(process.stdout.splitlines()[-1])


def test_numpy_fits_and_searches_start_no_xla_backend(ran):
    assert ran["backends"] == []
    assert all(np.isfinite(ran["found"][rung]) for rung in RUNGS)


def test_sparse_and_dense_numpy_fits_agree(ran):
    assert ran["found"]["sparse"] == pytest.approx(ran["found"]["delaunay"], rel=1.0e-6)


def test_a_search_on_two_cores_finishes(ran):
    assert ran["samples"] > 0
