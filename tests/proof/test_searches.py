"""Gradient searches from many starts: their records, restarts and page."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import knn_barycentric
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.proof.kept import keep, kept
from jax_profiling.proof.searches import __main__ as searches
from jax_profiling.proof.searches import page, recorded
from jax_profiling.terminal import command
from knn_barycentric import KNNBarycentric

SETTINGS = {"lens": "small", "mesh": "linear", "search": "lbfgs", "evaluations": 3}


def start(values, slope=1.0):
    best = max(value for value in values if value is not None)
    return {"values": values, "log_posterior": best, "log_prior": 0.0, "slope": slope, "seconds": 1.0}


def file(starts, truth=0.0, **others):
    return SETTINGS | {"starts": starts, "truth": truth} | others


def test_only_mass_parameters_are_free(small):
    likelihood = Likelihood(small, KNNBarycentric)
    model = recorded.mass_model_of(likelihood.model)
    assert model.prior_count == 7 < likelihood.model.prior_count
    assert model.galaxies.source.pixelization.mesh.cls is KNNBarycentric


def test_more_starts_begin_with_the_same(small):
    model = recorded.mass_model_of(small.model)
    few, many = recorded.starts_of(model, 2), recorded.starts_of(model, 5)
    assert (many[:2] == few).all() and len(np.unique(many, axis=0)) == 5


def test_starts_are_about_one_sigma_from_the_truth(small):
    model = recorded.mass_model_of(small.model)
    truth = np.array(model.physical_values_from_prior_medians)
    far = np.abs(recorded.starts_of(model, 200) - truth) / recorded.prior_widths(model)
    assert 1.0 < far.max() < 1.04  # the quantile 0.85 of a Gaussian


def test_an_unfinished_file_is_continued(tmp_path):
    path = tmp_path / "small.linear.lbfgs.json"
    found = kept(path, SETTINGS)
    assert found == SETTINGS
    found["starts"] = [start([1.0, None]), start([2.0])]
    keep(path, found, rows=["starts"])
    assert kept(path, SETTINGS) == found
    assert path.read_text().count("\n  {") == 2


@pytest.mark.parametrize("change", [{"evaluations": 4}, {"releases": {"jax": "0"}}])
def test_a_file_of_other_settings_is_not_overwritten(tmp_path, change):
    path = tmp_path / "small.linear.lbfgs.json"
    keep(path, SETTINGS | {"releases": {"jax": "1"}, "starts": [start([1.0])]}, rows=["starts"])
    (key,) = change
    with pytest.raises(command.BadInput, match=f"small.linear.lbfgs.json: measured with {key} "):
        kept(path, SETTINGS | {"releases": {"jax": "1"}} | change)


def test_undefined_values_have_a_page(tmp_path):
    """A gradient may be NaN where the log posterior is not, and all starts of a mesh may end where it is NaN."""
    every = [
        file([start([1.0], slope=None)], releases={"autolens": "1", "jax": "1"}, device="CPU"),
        file(
            [start([None, 1.0]) | {"log_posterior": None, "log_prior": None, "slope": None}], truth=None, mesh="sibson"
        )
        | {"releases": {"autolens": "1", "jax": "1"}, "device": "CPU"},
    ]
    for each in every:
        keep(tmp_path / f"small.{each['mesh']}.lbfgs.json", each, rows=["starts"])
    page.write(tmp_path, tmp_path / "docs")
    assert "nan" in (tmp_path / "docs" / "searches.md").read_text()


class _Fitness:
    """A parabola with its peak at zero."""

    def __init__(self, small):
        self.model = recorded.mass_model_of(small.model)

    def slope_at(self, parameters):
        return -float(np.sum(np.square(parameters))), 1.0

    def log_prior_at(self, parameters):
        return 0.0


@pytest.mark.parametrize("name, groups", [("lbfgs", [1, 1]), ("prodigy", [2])])
def test_only_missing_starts_run(small, tmp_path, monkeypatch, name, groups):
    seen = []

    def run(fitness, starts, evaluations, lanes=None, say=None):
        seen.append(len(starts))
        return [recorded.Record(np.array([-np.inf, -1.0]), each) for each in starts]

    monkeypatch.setattr(searches, name, run)
    arguments = _Fitness(small), name, SETTINGS | {"search": name}
    path = tmp_path / "file.json"
    searches.follow_gradients(*arguments, 1, 4, path, lambda step: None)
    searches.follow_gradients(*arguments, 3, 4, path, lambda step: None)
    found = json.loads(path.read_text())
    assert seen == [1, *groups] and len(found["starts"]) == 3
    assert found["starts"][0]["values"] == [None, -1.0]


def test_an_undefined_evaluation_is_never_the_best(small, monkeypatch):
    """A bounded search on `small` stepped from the bounds to parameters that are NaN."""
    fitness = SimpleNamespace(model=recorded.mass_model_of(small.model), analysis=None, forget=lambda: None)

    class Search:
        def __init__(self, **arguments):
            pass

        def fit(self, model, analysis):
            fitness.evaluations = [(np.zeros(7), 1.0), (np.ones(7), 2.0), (np.full(7, np.nan), np.nan)]

    monkeypatch.setattr(recorded.af, "LBFGS", Search)
    (record,) = recorded.lbfgs(fitness, recorded.starts_of(fitness.model, 1), 3)
    assert record.values.tolist() == [1.0, 2.0, -np.inf] and record.best.tolist() == 7 * [1.0]


def test_nuts_starts_from_the_posterior_of_nautilus(small, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(searches.nuts, "sample", lambda *arguments: seen.append(arguments[2:4]) or {"mean": [1.0]})
    monkeypatch.setattr(searches.posterior, "emptied", lambda folder: folder)
    path = tmp_path / "small.linear.nuts.json"
    arguments = small, "linear", "nuts", SETTINGS | {"search": "nuts"}, path, tmp_path
    with pytest.raises(command.BadInput, match="small.linear.nautilus.json is missing"):
        searches.sample(*arguments)
    posterior = {"mean": [1.6], "error": [0.1], "releases": {"jax": "1"}}
    path.with_name("small.linear.nautilus.json").write_text(json.dumps(posterior))
    searches.sample(*arguments)
    searches.sample(*arguments)
    assert seen == [([1.6], [0.1])] and json.loads(path.read_text())["mean"] == [1.0]


def test_the_best_is_of_all_searches_and_starts():
    one, other = file([start([5.0]), start([6.0])]), file([start([7.0])], truth=9.0)
    assert page.best_of({"lbfgs": one}) == 6.0
    assert page.best_of({"lbfgs": one, "prodigy": other, "nautilus": {}}) == 7.0


def test_evaluations_count_until_the_target():
    assert page.evaluations_until(start([1.0, None, 8.5, 2.0, 9.0]), 8.0) == 3
    assert np.isnan(page.evaluations_until(start([1.0, 7.9]), 8.0))


@pytest.mark.parametrize(
    "other, apart",
    [
        ({"log_evidence": 103.0}, {"log evidence": 3.0}),
        ({"mean": [1.0, 2.05]}, {"mean": 0.5}),
        ({"error": [0.5, 0.15]}, {"ratio": (0.5, 1.5)}),
    ],
)
def test_posteriors_differ_as_the_bar_counts(other, apart):
    one = {"log_evidence": 100.0, "mean": [1.0, 2.0], "error": [1.0, 0.1]}
    found = page.bar_differences_of(one, one | other)
    for key, value in ({"log evidence": 0.0, "mean": 0.0, "ratio": (1.0, 1.0)} | apart).items():
        assert found[key] == pytest.approx(value)


def test_the_page_shows_the_measured_values(tmp_path):
    found = page.write(searches.RESULTS, tmp_path)
    assert set(found["small"]) == {"linear", "sibson"}
    assert (tmp_path / "searches.md").read_text() == (searches.ROOT / "docs" / "searches" / "searches.md").read_text()


@pytest.mark.parametrize("arguments", [["--meshes", "voronoi"], ["--searches", "adam"]])
def test_an_unknown_word_gives_one_sentence(capsys, arguments):
    with pytest.raises(SystemExit):
        searches.main(arguments)
    assert f"{arguments[1]} is unknown" in capsys.readouterr().err


@pytest.mark.slow
def test_every_search_climbs_from_its_starts(small):
    knn_barycentric.patch(log_det=True, natural_neighbors=True)
    try:
        fitness = recorded.RecordedFitness(small, "sibson")
        starts = recorded.starts_of(fitness.model, 2)
        found = {"lbfgs": recorded.lbfgs(fitness, starts, 5), "prodigy": recorded.prodigy(fitness, starts, 5, 2, print)}
        first = [fitness.slope_at(each)[0] for each in starts]
        for records in found.values():
            # `af.LBFGS` moves its start by up to 1e-8.
            np.testing.assert_allclose([each.values[0] for each in records], first, atol=1.0e-2)
            assert all(len(each.values) >= 5 for each in records)
            assert all(each.values.max() > each.values[0] for each in records)
            best = [fitness.slope_at(each.best)[0] for each in records]
            np.testing.assert_allclose(best, [each.values.max() for each in records], rtol=1.0e-9)
    finally:
        knn_barycentric.unpatch()
