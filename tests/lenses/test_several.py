"""Several datasets of one lens: the sum of their log evidences equals the value of an `af.FactorGraphModel`."""

import json
import shutil

import autofit as af
import autolens as al
import jax.numpy as jnp
import pytest

from jax_profiling.gate.likelihood import Likelihood, analysis_of
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.model import models_of
from knn_barycentric.mesh import KNNBarycentric


@pytest.fixture(scope="module")
def two_bands():
    return lens_folder.load("two_bands")


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(lens_folder.MATRIX / "two_bands", tmp_path / "two_bands")


def _graph_of(likelihood):
    factors = zip(models_of(likelihood.model), likelihood.lens.factors, strict=True)
    return af.FactorGraphModel(
        *(
            af.AnalysisFactor(prior_model=model, analysis=analysis_of(factor, use_jax=True))
            for model, factor in factors
        ),
        use_jax=True,
    )


def _of_graph(likelihood, parameters):
    graph = _graph_of(likelihood)
    instance = graph.global_prior_model.instance_from_vector(jnp.asarray(parameters), ignore_assertions=True, xp=jnp)
    return float(graph.log_likelihood_function(instance))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two_bands", "datacube"])
def test_log_evidence_equals_a_factor_graph(name):
    likelihood = Likelihood(lens_folder.load(name), KNNBarycentric)
    parameters = likelihood.draws(1, seed=2)[0]
    expected = _of_graph(likelihood, parameters)
    assert float(likelihood.jitted(parameters).log_evidence) == pytest.approx(expected, rel=1.0e-8)


def test_bands_share_only_the_mass(two_bands):
    first, second = models_of(two_bands.model)
    assert first.galaxies.lens.mass.einstein_radius is second.galaxies.lens.mass.einstein_radius
    coefficients = [part.galaxies.source.pixelization.regularization.inner_coefficient for part in (first, second)]
    assert coefficients[0] is not coefficients[1]
    assert getattr(first, "dataset_model", None) is None
    assert (second.dataset_model.grid_offset, second.dataset_model.grid_rotation_angle) == ((0.05, -0.03), 1.0)
    assert two_bands.data_points == sum(len(factor.dataset.data) for factor in two_bands.factors)


def test_a_single_dataset_may_have_an_offset(tmp_path, small):
    folder = shutil.copytree(small.folder, tmp_path / "lens")
    info = json.loads((folder / "info.json").read_text())
    (folder / "info.json").write_text(json.dumps(info | {"grid_offset": [0.1, 0.2]}))
    assert lens_folder.load(folder).model.dataset_model.grid_offset == (0.1, 0.2)


def test_channels_share_every_parameter():
    cube = lens_folder.load("datacube")
    assert len(cube.factors) == len(models_of(cube.model)) == 4
    assert cube.model.prior_count == models_of(cube.model)[0].prior_count
    assert all(factor.info["shared_preloads"] for factor in cube.factors)


def test_takes_the_model_of_a_factor_graph_search(folder, two_bands):
    written = _graph_of(Likelihood(two_bands, KNNBarycentric)).global_prior_model.dict()
    assert "factor" in written["arguments"]
    for number in ("0", "1"):
        written["arguments"][number]["arguments"].pop("dataset_model", None)
    (folder / "model.json").write_text(json.dumps(written))
    assert lens_folder.load(folder).model.prior_count == two_bands.model.prior_count


def test_refuses_another_number_of_models(folder):
    shutil.copytree(folder / "r", folder / "z")
    with pytest.raises(lens_folder.LensError, match="model.json: holds 2 models for 3 datasets"):
        lens_folder.load(folder)


def test_a_fault_above_is_named_once(folder):
    info = json.loads((folder / "info.json").read_text())
    (folder / "info.json").write_text(json.dumps(info | {"edge_points": -3}))
    with pytest.raises(lens_folder.LensError) as raised:
        lens_folder.load(folder)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{folder / 'info.json'}: edge_points is -3")


def test_refuses_several_models_of_one_dataset(folder):
    shutil.rmtree(folder / "r")
    with pytest.raises(lens_folder.LensError, match="model.json: holds 2 models for 1 datasets"):
        lens_folder.load(folder)


def test_refuses_a_dataset_without_info(folder):
    (folder / "r" / "info.json").unlink()
    with pytest.raises(lens_folder.LensError, match=r"r/info.json: is missing beside data.fits; write {}"):
        lens_folder.load(folder)


def test_refuses_an_offset_in_model_and_info(folder):
    model = json.loads((folder / "model.json").read_text())
    second = list(model["arguments"].values())[1]
    second["arguments"]["dataset_model"] = af.Model(al.DatasetModel).dict()
    (folder / "model.json").write_text(json.dumps(model))
    with pytest.raises(lens_folder.LensError, match="has a dataset_model, and info.json grid_offset"):
        lens_folder.load(folder)


def test_refuses_data_above_folders_of_datasets(folder):
    shutil.copy(folder / "g" / "data.fits", folder)
    with pytest.raises(lens_folder.LensError, match="holds data.fits and a folder g"):
        lens_folder.load(folder)


@pytest.mark.parametrize(
    "info, words",
    [
        ({"grid_offset": 0.1}, "r/info.json: grid_offset is 0.1"),
        ({"grid_rotation": 1.0}, "r/info.json: grid_rotation is 1.0, an unknown key; write grid_rotation_angle"),
        ({"mask_radius": 9.0}, "r/info.json: mask_radius is 9"),
    ],
)
def test_refuses_bad_keys(folder, info, words):
    (folder / "r" / "info.json").write_text(json.dumps(info))
    with pytest.raises(lens_folder.LensError, match=words):
        lens_folder.load(folder)
