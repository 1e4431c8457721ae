"""Two posteriors agree if their difference is within the sampling noise."""

from pathlib import Path

import autolens as al
import numpy as np
import pytest

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.searches import posterior
from knn_barycentric import KNNBarycentric


def _posterior(seed, shift=0.0, scale=1.0, log_evidence=100.0, size=4000):
    rng = np.random.default_rng(seed)
    samples = shift + scale * rng.standard_normal((size, len(posterior.FREE)))
    weights = rng.random(size)
    return posterior.Posterior(samples, weights / weights.sum(), log_evidence, size, 1.0, Path())


def test_two_samples_of_one_posterior_agree():
    agreed = [posterior.agree(_posterior(seed), _posterior(1000 + seed)) for seed in range(100)]
    # If the seven differences are independent and normal, 98 % of the pairs are within three standard deviations.
    assert 93 <= sum(agreed) <= 100


@pytest.mark.parametrize("other", [{"shift": 0.2}, {"scale": 1.2}, {"log_evidence": 100.5}])
def test_different_posteriors_do_not_agree(other):
    assert not posterior.agree(_posterior(0), _posterior(1, **other))


def test_only_named_parameters_are_free(small):
    for mesh_cls in (al.mesh.Delaunay, KNNBarycentric):
        model = posterior.model_of(small, mesh_cls)
        assert sorted(path[-1] for path, _ in model.path_priors_tuples) == sorted(posterior.FREE)
        assert model.galaxies.source.pixelization.mesh.cls is mesh_cls


def test_the_report_is_complete(small, tmp_path):
    pair = {"Delaunay": _posterior(0), "KNNBarycentric": _posterior(1)}
    lines = posterior.write(small, pair, tmp_path / "report")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["corner.png", "summary.json", "summary.md"]
    assert any(line.startswith("The two searches agree") for line in lines)


def test_a_finished_search_is_a_lens(small, tmp_path):
    """The output folder of a PyAutoFit search loads as a lens on the dataset of another folder."""
    import autofit as af
    from autonerves import conf

    before = conf.instance.output_path
    conf.instance.output_path = str(tmp_path)
    try:
        search = af.Nautilus(name="search", n_live=50)
        search.paths.model = posterior.model_of(small, al.mesh.Delaunay)
        search.paths.save_all()
        folder = Path(search.paths.output_path)
    finally:
        conf.instance.output_path = before
    found = lens_folder.load(f"{folder}@small")
    assert found.name == f"{folder.name}@small"
    assert found.model.prior_count == len(posterior.FREE)
    assert found.expected == {}
    with pytest.raises(lens_folder.LensError, match="holds no files/model.json; give the output folder"):
        lens_folder.load(f"{tmp_path}@small")
