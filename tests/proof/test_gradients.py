"""Gradient searches: their start, and gradients that do not depend on the batch size."""

import autolens as al
import numpy as np
import pytest

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.searches import gradients
from knn_barycentric.mesh import KNNBarycentric


@pytest.fixture(scope="module")
def likelihood():
    return gradients.near_truth(lens_folder.load("gradient_search"), KNNBarycentric)


def test_searches_start_around_the_truth(likelihood):
    assert likelihood.model.prior_count == len(gradients.START)
    lens = likelihood.model.instance_from_vector(likelihood.prior_medians).galaxies.lens
    truth = al.from_json(likelihood.lens.folder / "tracer.json").galaxies[0]
    assert lens.mass.einstein_radius == truth.mass.einstein_radius
    assert np.hypot(*lens.mass.ell_comps) == pytest.approx(0.33, abs=1.0e-3)
    assert (lens.mass.ell_comps, lens.mass.slope) == (truth.mass.ell_comps, truth.mass.slope)
    assert (lens.shear.gamma_1, lens.shear.gamma_2) == (truth.shear.gamma_1, truth.shear.gamma_2)
    assert (gradients.start_of(likelihood) != likelihood.prior_medians).all()


@pytest.mark.slow
def test_gradients_depend_on_batches_as_delaunays_do(likelihood):
    delaunay = gradients.near_truth(likelihood.lens, al.mesh.Delaunay)
    ours, theirs = (gradients.spread_of(each) for each in (likelihood, delaunay))
    assert np.isfinite([ours, theirs]).all()
    assert (ours > 1.0e-9).sum() <= (theirs > 1.0e-9).sum() < len(theirs)


def test_a_missing_lens_gives_one_sentence(capsys):
    assert gradients.main(["--lens", "no-such-lens"]) == 2
    assert "no such lens" in capsys.readouterr().err
