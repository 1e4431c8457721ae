"""The mesh equals Delaunay with every dataset, operator, setting and penalty that a lens folder can choose."""

import json
import shutil

import autofit as af
import autolens as al
import numpy as np
import pytest
from astropy.io import fits

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.model import galaxies_with_pixelization
from knn_barycentric.mesh import KNNBarycentric

VISIBILITIES = 190
POSITIONS = [[1.6, 0.0], [-1.6, 0.1]]


def _folder(tmp_path, **info):
    """A copy of `small` with further keys in its `info.json`."""
    folder = shutil.copytree(lens_folder.DATASETS / "small", tmp_path / "lens")
    (folder / "expected.json").unlink()
    known = json.loads((folder / "info.json").read_text())
    (folder / "info.json").write_text(json.dumps(known | info))
    return folder


def _folder_of_visibilities(tmp_path, **info):
    """Noise at an interferometer's visibilities, a model without lens light, and a coarse mesh."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "lens"
    folder.mkdir()
    shutil.copy(lens_folder.DATASETS / "no_light" / "model.json", folder)
    tables = {
        "data": rng.standard_normal,
        "noise_map": np.ones,
        "uv_wavelengths": lambda n: 1.0e5 * rng.standard_normal(n),
    }
    for name, draw in tables.items():
        fits.writeto(folder / f"{name}.fits", draw((VISIBILITIES, 2)))
    (folder / "info.json").write_text(
        json.dumps(
            {
                "dataset": "interferometer",
                "real_space_shape": [60, 60],
                "pixel_scale": 0.1,
                "mask_radius": 2.5,
                "redshift_lens": 0.5,
                "redshift_source": 1.0,
                "image_mesh": {"type": "Overlay", "shape": [14, 14]},
                **info,
            }
        )
    )
    return folder


def _log_evidences(lens):
    return [_log_evidence(Likelihood(lens, mesh_cls)) for mesh_cls in (al.mesh.Delaunay, KNNBarycentric)]


def _log_evidence(likelihood):
    return float(likelihood.evidence(likelihood.prior_medians).log_evidence)


@pytest.fixture(scope="module")
def dense(small):
    """The log evidence of `small` itself."""
    return _log_evidence(Likelihood(small, KNNBarycentric))


@pytest.mark.parametrize(
    ("transformer", "sparse_operator"),
    [
        ("NUFFT", True),
        pytest.param("NUFFT", False, marks=pytest.mark.slow),
        pytest.param("DFT", True, marks=pytest.mark.slow),
        pytest.param("DFT", False, marks=pytest.mark.slow),
    ],
)
def test_visibilities(tmp_path, transformer, sparse_operator):
    folder = _folder_of_visibilities(tmp_path, transformer=transformer, sparse_operator=sparse_operator)
    lens = lens_folder.load(folder)
    assert lens.data_points == VISIBILITIES
    delaunay, ours = _log_evidences(lens)
    assert ours == pytest.approx(delaunay, rel=1.0e-9)


def test_sparse_operator_equals_the_dense_one(tmp_path, dense):
    lens = lens_folder.load(_folder(tmp_path, sparse_operator=True))
    delaunay, ours = _log_evidences(lens)
    assert ours == pytest.approx(delaunay, rel=1.0e-9)
    assert ours == pytest.approx(dense, rel=1.0e-6)


def test_settings_reach_the_fit(tmp_path, small):
    lens = lens_folder.load(_folder(tmp_path, settings={"use_positive_only_solver": False}))
    delaunay, ours = _log_evidences(lens)
    assert ours == pytest.approx(delaunay, rel=1.0e-9)
    assert ours != pytest.approx(small.expected[al.__version__]["log_evidence"], rel=1.0e-4)


def test_positions_have_the_penalty_of_a_search(tmp_path, small):
    folder = _folder(tmp_path, positions_threshold=0.01)
    (folder / "positions.json").write_text(json.dumps(POSITIONS))
    lens = lens_folder.load(folder)
    delaunay, ours = _log_evidences(lens)
    assert ours == pytest.approx(delaunay, rel=1.0e-9)
    likelihood = Likelihood(lens, KNNBarycentric)
    analysis = al.AnalysisImaging(
        dataset=lens.dataset,
        adapt_images=lens.adapt_images,
        positions_likelihood_list=lens.factors[0].positions,
        use_jax=True,
    )
    instance = likelihood.model.instance_from_vector(likelihood.prior_medians, ignore_assertions=True)
    assert ours == pytest.approx(float(analysis.log_likelihood_function(instance)), rel=1.0e-9)
    assert ours < small.expected[al.__version__]["log_evidence"] - 1.0e3


def test_over_sampling_by_signal_to_noise(tmp_path):
    sizes = {"signal_to_noise": 3.0, "above": 4, "below": 2}
    dataset = lens_folder.load(_folder(tmp_path, over_sample_size_pixelization=sizes)).dataset
    bright = np.asarray(dataset.signal_to_noise_map.array) > 3.0
    found = np.asarray(dataset.grids.over_sample_size_pixelization.array)
    assert 0 < bright.sum() < len(bright)
    assert (found == np.where(bright, 4, 2)).all()


def test_a_mesh_is_replaced_anywhere_in_the_model(tmp_path, small, dense):
    """The source among the extra galaxies, the shear as a mass field: the same fit."""
    folder = _folder(tmp_path)
    model = small.model.copy()
    source, shear = model.galaxies.source, model.galaxies.lens.shear
    lens = af.Model(al.Galaxy, redshift=0.5, bulge=model.galaxies.lens.bulge, mass=model.galaxies.lens.mass)
    model = af.Collection(
        galaxies=af.Collection(lens=lens),
        extra_galaxies=af.Collection(source=source),
        fields=af.Collection(field=af.Model(al.MassField, redshift=0.5, shear=shear)),
    )
    (folder / "model.json").write_text(json.dumps(model.dict()))
    moved = Likelihood(lens_folder.load(folder), KNNBarycentric)
    path, galaxy = galaxies_with_pixelization(moved.model)[0]
    assert path == ("extra_galaxies", "source")
    assert galaxy.pixelization.mesh.cls is KNNBarycentric
    assert _log_evidence(moved) == pytest.approx(dense, rel=1.0e-9)
