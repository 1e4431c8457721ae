"""With `use_jax=False` a fit starts no XLA backend, and forked processes finish."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PREPARE = """
import sys
import autolens as al
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.gate.ladder import RUNGS
from jax_profiling.gate.likelihood import model_with_mesh

lens = lens_folder.load(sys.argv[1])
mesh_cls, arguments = RUNGS[sys.argv[2]]
model = model_with_mesh(lens.model, mesh_cls, **arguments)
instance = model.instance_from_prior_medians()
dataset = lens.dataset

def backends():
    bridge = sys.modules.get("jax._src.xla_bridge")
    return dict(bridge._backends) if bridge else {}
"""

EVALUATE = (
    PREPARE
    + """
if sys.argv[3] == "sparse":
    dataset = dataset.apply_sparse_operator_cpu()
analysis = al.AnalysisImaging(dataset=dataset, adapt_images=lens.adapt_images, use_jax=False)
print(analysis.log_likelihood_function(instance=instance))
assert not backends(), f"XLA was started: {backends()}"
"""
)

SEARCH = (
    PREPARE
    + """
import os, tempfile
import autofit as af
from autonerves import conf

def main():
    conf.instance.output_path = tempfile.mkdtemp()
    analysis = al.AnalysisImaging(dataset=dataset, adapt_images=lens.adapt_images, use_jax=False)
    # Forking after an evaluation used to hang.
    analysis.log_likelihood_function(instance=instance)
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


@pytest.mark.parametrize("rung", ["delaunay", "clip", "wendland", "enclosing-5"])
def test_a_numpy_fit_starts_no_xla_backend(small, rung):
    assert float(in_fresh_process(EVALUATE, small.folder, rung, "dense", timeout=300).split()[-1])


def test_sparse_and_dense_numpy_fits_agree(small):
    dense, sparse = (
        float(in_fresh_process(EVALUATE, small.folder, "delaunay", how, timeout=300).split()[-1])
        for how in ("dense", "sparse")
    )
    assert sparse == pytest.approx(dense, rel=1.0e-6)


def test_a_search_on_two_cores_finishes(small, tmp_path):
    printed = in_fresh_process(SEARCH, small.folder, "delaunay", timeout=400, script=tmp_path / "search.py")
    assert int(printed.split("samples")[-1]) > 0
