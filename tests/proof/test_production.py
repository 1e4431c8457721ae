"""A production posterior: the lens folder that two chained searches write, restarts, and the page."""

import json
from pathlib import Path
from types import SimpleNamespace

import autofit as af
import autolens as al
import numpy as np
import pytest

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.continuity.transects import mass_parameters
from jax_profiling.proof.searches import chained, posterior, production, production_page
from jax_profiling.terminal.command import BadInput

ROOT = Path(__file__).resolve().parents[2]


def result_of(model):
    """What a search of a model returns: its best fit is at the quantiles 0.4, and it passes on narrow priors.

    As PyAutoFit reads a finished search from JSON, the model has priors of its own.
    """
    model = af.AbstractPriorModel.from_dict(model.dict())
    best = model.vector_from_unit_vector([0.4] * model.prior_count)
    narrow = {prior: af.GaussianPrior(mean=value, sigma=0.01) for prior, value in zip(model.priors_ordered_by_id, best)}
    return SimpleNamespace(
        samples=SimpleNamespace(model=model, max_log_likelihood=lambda as_instance: best),
        model_centred=model.mapper_from_partial_prior_arguments(narrow),
    )


@pytest.fixture
def searched(small, monkeypatch):
    """The names of the searches that ran, which are replaced by `result_of`."""
    names = []

    def fit_of(search_cls, lens, model, name, folder, **arguments):
        names.append(name)
        assert arguments == chained.SEARCHES[name] and lens.name == small.name
        return result_of(model), 1.0, folder

    monkeypatch.setattr(chained, "fit_of", fit_of)
    monkeypatch.setattr(chained, "_adapt_image_of", lambda result: small.dataset.data)
    return names


def test_only_the_mass_is_free_after_two_searches(small, searched, tmp_path):
    chained.write(small, tmp_path / "chained", tmp_path / "searches")
    assert searched == ["source_lp", "source_pix"]
    found = lens_folder.load(tmp_path / "chained")
    assert set(mass_parameters(found.model).values()) == set(mass_parameters(small.model).values())
    assert found.model.prior_count == len(mass_parameters(small.model)) < small.model.prior_count
    assert {prior.sigma for prior in found.model.priors} == {0.01}
    source = found.model.galaxies.source.pixelization
    assert source.mesh.cls is al.mesh.Delaunay and source.regularization.prior_count == 0
    chained.write(small, tmp_path / "chained", tmp_path / "searches")
    assert len(searched) == 2


def test_the_first_search_has_no_mesh(small):
    model = chained._with_gaussian_source(small)
    assert model.galaxies.source.pixelization is None
    instance = model.instance_from_prior_medians()
    assert len(instance.galaxies.source.bulge.profile_list) == chained.SOURCE_GAUSSIANS
    assert set(mass_parameters(model).values()) == set(mass_parameters(small.model).values())


def test_an_interrupted_chain_leaves_no_folder(small, searched, tmp_path, monkeypatch):
    monkeypatch.setattr(chained, "model_with_mesh", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        chained.write(small, tmp_path / "chained", tmp_path / "searches")
    assert searched == ["source_lp"] and not list(tmp_path.iterdir())


def test_a_lens_of_two_meshes_gives_one_sentence(searched, tmp_path):
    with pytest.raises(BadInput, match="two_planes: has more than one image and one mesh"):
        chained.write(lens_folder.load("two_planes"), tmp_path / "chained", tmp_path / "searches")
    assert not searched


def test_a_finished_posterior_is_not_sampled_again(small, tmp_path, monkeypatch):
    size = len(mass_parameters(small.model))
    samples = np.random.default_rng(0).normal(size=(800, size))
    seen = []

    def search(lens, model, name, folder, **arguments):
        seen.append((name, arguments))
        return posterior.Posterior(samples, np.full(800, 1.0 / 800), 1.0, 800, 1.0, folder)

    monkeypatch.setattr(production.posterior, "search", search)
    monkeypatch.setattr(production, "difference_from_delaunay", lambda lens, samples: float(len(samples)))
    for _ in range(2):
        production.sample(small, "linear", production.settings_of(), tmp_path, tmp_path)
    assert seen == [("linear", production.SEARCH_ARGUMENTS)]
    found = json.loads((tmp_path / "small.linear.json").read_text())
    assert np.shape(found["samples"]) == (production.SAMPLES, size) and len(found["free"]) == size
    np.testing.assert_allclose(found["mean"], samples.mean(axis=0))
    assert found["seconds"] == 1.0 and found["difference_from_delaunay"] == production_page.COMPARED


def test_the_seconds_of_a_resumed_search_are_unknown(small, tmp_path, monkeypatch):
    one = posterior.Posterior(np.zeros((2, 7)), np.full(2, 0.5), 1.0, 2, 1.0, tmp_path)
    monkeypatch.setattr(production.posterior, "search", lambda *arguments, **keywords: one)
    (tmp_path / "sibson").mkdir()
    production.sample(small, "sibson", production.settings_of(), tmp_path, tmp_path)
    assert json.loads((tmp_path / "small.sibson.json").read_text())["seconds"] is None


def test_other_releases_search_in_another_folder(small):
    settings = production.settings_of()
    here = production.local_of(small, settings)
    assert here != production.local_of(small, settings | {"releases": {"jax": "0"}}) and small.name in here.name


def test_the_page_shows_the_measured_values(tmp_path):
    found = production_page.write(production.RESULTS, tmp_path)
    assert found and all(set(meshes) >= {"linear", "sibson"} for meshes in found.values())
    assert (tmp_path / "production.md").read_text() == (ROOT / "docs" / "searches" / "production.md").read_text()


def test_an_unknown_mesh_gives_one_sentence(capsys):
    with pytest.raises(SystemExit):
        production.main(["--meshes", "voronoi"])
    assert "voronoi is unknown" in capsys.readouterr().err
