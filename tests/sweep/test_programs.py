"""One compiled program for lenses of one shape gives each of them its own evidence."""

import autofit as af
import autolens as al
import numpy as np
import pytest
from autoarray.inversion.mesh.mesh.delaunay import Delaunay

from jax_profiling.gate.likelihood import Likelihood, log_dets, model_with_mesh
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses import population
from jax_profiling.sweep import programs
from jax_profiling.sweep.programs import SharedLikelihood, shape_of
from knn_barycentric.mesh import KNNBarycentric


@pytest.fixture(scope="module")
def lenses():
    """Two drawn lenses of one cutout."""
    names = population.names_of(20, seed=0)
    cutouts = [population.spec_of_name(name) for name in names]
    small = [
        name for name, spec in zip(names, cutouts) if (spec.instrument, spec.info["mask_radius"]) == ("euclid", 2.0)
    ]
    return [lens_folder.load(name) for name in small[:2]]


@pytest.mark.parametrize("mesh_cls", [Delaunay, KNNBarycentric])
def test_each_lens_has_its_own_evidence_from_one_program(lenses, mesh_cls):
    before = programs.number_of_programs()
    for lens in lenses:
        own, shared = Likelihood(lens, mesh_cls), SharedLikelihood(lens, mesh_cls)
        parameters = own.median_and_draws(2)
        expected, found = own.evidences(parameters), shared.evidences(parameters)
        np.testing.assert_allclose(found.log_evidence, expected.log_evidence, rtol=1.0e-9)
        np.testing.assert_allclose(found.values, expected.values, rtol=1.0e-5, atol=1.0e-7)
    assert programs.number_of_programs() == before + 1


def test_what_regularization_adapts_to_is_passed_as_well(lenses):
    for lens in lenses:
        lens.model.galaxies.source.pixelization.regularization = af.Model(al.reg.AdaptSplit)
        own, shared = (cls(lens, KNNBarycentric) for cls in (Likelihood, SharedLikelihood))
        vector = own.draws(1)
        np.testing.assert_allclose(
            shared.evidences(vector, 1).log_evidence, own.evidences(vector, 1).log_evidence, rtol=1.0e-9
        )


@pytest.mark.parametrize(
    "changes",
    [{"over_sample_size_pixelization": 4}, {"edge_radius": 2.1}, {"settings": {"use_positive_only_solver": False}}],
)
def test_another_info_is_another_shape(lenses, changes):
    name = lenses[0].name
    one, other = (Likelihood(lens_folder.load(name, **each), Delaunay) for each in ({}, changes))
    assert shape_of(one) != shape_of(other)
    assert shape_of(one) == shape_of(Likelihood(lens_folder.load(name), Delaunay))


def test_another_constant_or_structure_of_the_model_is_another_shape(lenses):
    lens = lens_folder.load(lenses[0].name)
    likelihood = Likelihood(lens, Delaunay)
    before = shape_of(likelihood)
    likelihood.model.galaxies.lens.mass.slope = 2.0
    assert shape_of(likelihood) != before
    assert shape_of(Likelihood(lens, KNNBarycentric)) != before
    assert model_with_mesh(lens.model, Delaunay).prior_count == likelihood.model.prior_count + 1


def test_the_patched_log_determinant_is_another_shape(lenses):
    likelihood = Likelihood(lenses[0], Delaunay)
    before = shape_of(likelihood)
    with log_dets(accurate=True):
        assert shape_of(likelihood) != before


def test_what_cannot_share_is_compiled_for_itself():
    lens = lens_folder.load("small", sparse_operator=True)
    before = programs.number_of_programs()
    found = SharedLikelihood(lens, KNNBarycentric)
    assert np.isfinite(found.evidences(found.prior_medians[None], 1).log_evidence).all()
    assert programs.number_of_programs() == before
