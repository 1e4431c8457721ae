"""Which inversions `patch(log_det=True)` concerns: every linear object and regularization of autoarray, with and without it."""

import copy

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import knn_barycentric
from jax_profiling.gate.likelihood import analysis_of
from jax_profiling.lenses import lens as lens_folder
from knn_barycentric.evidence.differences import BUILDERS, differences_of
from knn_barycentric.evidence.reconstruction import with_bounded_penalties
from knn_barycentric.upstream.patch import EVIDENCE_TERMS

BACKENDS = {"numpy": np, "jax": jnp}

BY_DIFFERENCES = {
    "Constant": al.reg.Constant(1.0),
    "Adapt": al.reg.Adapt(1.0, 2.0, 0.5),
    "AdaptPower": al.reg.AdaptPower(1.0, 2.0, 0.5),
    "ConstantSplit": al.reg.ConstantSplit(1.0),
    "AdaptSplit": al.reg.AdaptSplit(1.0, 2.0, 0.5),
    "AdaptSplitPower": al.reg.AdaptSplitPower(1.0, 2.0, 0.5),
    "AdaptSplitZeroth": al.reg.AdaptSplitZeroth(1.0, 1.0, 1.0, 2.0, 0.5),
    "AdaptSplitZerothPower": al.reg.AdaptSplitZerothPower(1.0, 1.0, 1.0, 2.0, 0.5),
}

OTHER_SCHEMES = {
    "none": None,
    "Zeroth": al.reg.Zeroth(1.0),
    "BrightnessZeroth": al.reg.BrightnessZeroth(1.0, 1.0),
    "ConstantZeroth": al.reg.ConstantZeroth(1.0, 1.0),
    "GaussianKernel": al.reg.GaussianKernel(1.0, 0.1),
    "ExponentialKernel": al.reg.ExponentialKernel(1.0, 0.1),
    "MaternKernel": al.reg.MaternKernel(1.0, 0.1, 0.5),
    "MaternAdaptKernel": al.reg.MaternAdaptKernel(scale=0.1, nu=0.5),
    "MaternAdaptPowerKernel": al.reg.MaternAdaptPowerKernel(scale=0.1, nu=0.5),
}

TRIANGLES = {
    "Delaunay": al.mesh.Delaunay,
    "DelaunayNN": al.mesh.DelaunayNN,
    "KNNBarycentric": knn_barycentric.KNNBarycentric,
}

NEAREST = {"KNearestNeighbor": al.mesh.KNearestNeighbor, "KNNBarycentric as shipped": al.mesh.KNNBarycentric}

RECTANGLES = {
    "RectangularUniform": (al.mesh.RectangularUniform, al.reg.Constant(1.0)),
    "RectangularRTUAdaptDensity": (al.mesh.RectangularRTUAdaptDensity, al.reg.Constant(1.0)),
    "RectangularRTUAdaptImage": (al.mesh.RectangularRTUAdaptImage, al.reg.Adapt(1.0, 2.0, 0.5)),
    "RectangularBilinearAdaptDensity": (al.mesh.RectangularBilinearAdaptDensity, al.reg.AdaptPower(1.0, 2.0, 0.5)),
    "RectangularBilinearAdaptImage": (al.mesh.RectangularBilinearAdaptImage, al.reg.Constant(1.0)),
    "MaternSparse": (al.mesh.RectangularUniform, al.reg.MaternSparse(1.0, 0.3)),
}


@pytest.fixture
def patched():
    """`knn_barycentric.patch`, undone when the test ends."""
    yield knn_barycentric.patch
    knn_barycentric.unpatch()


def _inversion_of(lens, xp, change):
    """The inversion of a lens at its prior median, after `change` of its galaxies."""
    instance = copy.deepcopy(lens.model.instance_from_prior_medians(ignore_assertions=True))
    change(instance.galaxies)
    return analysis_of(lens.factors[0], use_jax=xp is jnp).fit_from(instance=instance).inversion


def _with_source(mesh, scheme):
    def change(galaxies):
        galaxies.source.pixelization = al.Pixelization(mesh=mesh, regularization=scheme)

    return change


def _with_schemes(first, second):
    def change(galaxies):
        galaxies.source_0.pixelization.regularization = first
        galaxies.source_1.pixelization.regularization = second

    return change


def _delaunay(cls=al.mesh.Delaunay):
    return cls(pixels=185, zeroed_pixels=30)


def _terms_of(inversion):
    """Each term's value, or the name of the error in its place."""

    def value_of(name):
        try:
            return float(getattr(inversion, name))
        except (np.linalg.LinAlgError, al.exc.InversionException) as error:
            return type(error).__name__

    return [value_of(name) for name in EVIDENCE_TERMS]


def _assert_autoarrays_own(inversion, patch):
    """The three terms are autoarray's bit by bit, and the source is solved from the same matrix."""
    shipped = _terms_of(inversion)
    patch(log_det=True)
    assert differences_of(inversion) is None
    np.testing.assert_array_equal(_terms_of(inversion), shipped)
    assert with_bounded_penalties(inversion) is inversion


def _assert_by_differences(inversion, patch, curvature_rounding=2.0e-6):
    """The three terms are autoarray's to rounding where coefficients are small, by another route."""
    shipped = _terms_of(inversion)
    patch(log_det=True)
    assert differences_of(inversion) is not None
    for found, expected, rounding in zip(_terms_of(inversion), shipped, (2.0e-6, curvature_rounding, 2.0e-6)):
        assert found == pytest.approx(expected, rel=1.0e-9, abs=rounding)


def test_every_scheme_of_autoarray_stands_in_a_table():
    tabled = [*BY_DIFFERENCES.values(), *OTHER_SCHEMES.values(), *(scheme for _, scheme in RECTANGLES.values())]
    # These two take the pixels of a mask, which no linear object of autolens has.
    without_mesh = {al.reg.Regularization, al.reg.CurvatureMask, al.reg.FourthOrderMask}
    every = {each for each in vars(al.reg).values() if isinstance(each, type)}
    assert every - without_mesh == {type(scheme) for scheme in tabled} - {type(None)}
    assert set(BUILDERS) == {type(scheme) for scheme in BY_DIFFERENCES.values()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", BY_DIFFERENCES)
def test_schemes_by_differences_on_triangles_take_it(small, name, backend, patched):
    change = _with_source(_delaunay(knn_barycentric.KNNBarycentric), BY_DIFFERENCES[name])
    _assert_by_differences(_inversion_of(small, BACKENDS[backend], change), patched)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", TRIANGLES)
def test_every_mesh_of_triangles_takes_it(small, name, backend, patched):
    change = _with_source(_delaunay(TRIANGLES[name]), al.reg.AdaptSplit(1.0, 2.0, 0.5))
    _assert_by_differences(_inversion_of(small, BACKENDS[backend], change), patched)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NEAREST)
def test_nearest_neighbours_keep_autoarrays_terms(small, name, backend, patched):
    """Under JAX autoarray leaves the own vertex out of rows that are full, so that H penalises flux."""
    change = _with_source(_delaunay(NEAREST[name]), al.reg.AdaptSplit(1.0, 2.0, 0.5))
    _assert_autoarrays_own(_inversion_of(small, BACKENDS[backend], change), patched)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", OTHER_SCHEMES)
def test_other_schemes_keep_autoarrays_terms(small, name, backend, patched):
    _assert_autoarrays_own(
        _inversion_of(small, BACKENDS[backend], _with_source(_delaunay(), OTHER_SCHEMES[name])), patched
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", RECTANGLES)
def test_rectangles_keep_autoarrays_terms(small, name, backend, patched):
    mesh_cls, scheme = RECTANGLES[name]
    change = _with_source(mesh_cls(shape=(12, 12)), scheme)
    _assert_autoarrays_own(_inversion_of(small, BACKENDS[backend], change), patched)


@pytest.mark.parametrize("backend", BACKENDS)
def test_light_alone_keeps_autoarrays_terms(small, backend, patched):
    def without_source(galaxies):
        galaxies.source.pixelization = None

    _assert_autoarrays_own(_inversion_of(small, BACKENDS[backend], without_source), patched)


@pytest.mark.parametrize("backend", BACKENDS)
def test_regularized_light_keeps_autoarrays_terms(small, backend, patched):
    """Of a basis, beside a mesh: which of the two are differences is then not for the mesh to say."""

    def regularized(galaxies):
        galaxies.lens.bulge = al.lp_basis.Basis(
            profile_list=galaxies.lens.bulge.profile_list, regularization=al.reg.Constant(1.0)
        )

    _assert_autoarrays_own(_inversion_of(small, BACKENDS[backend], regularized), patched)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scheme", [None, al.reg.GaussianKernel(1.0, 0.1)], ids=["none", "kernel"])
def test_second_mesh_without_differences_keeps_autoarrays_terms(scheme, backend, patched):
    changed = _with_schemes(al.reg.AdaptSplit(1.0, 2.0, 0.5), scheme)
    _assert_autoarrays_own(_inversion_of(lens_folder.load("two_planes"), BACKENDS[backend], changed), patched)


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_meshes_by_differences_take_it(backend, patched):
    changed = _with_schemes(al.reg.AdaptSplit(1.0, 2.0, 0.5), al.reg.ConstantSplit(1.0))
    inversion = _inversion_of(lens_folder.load("two_planes"), BACKENDS[backend], changed)
    assert len(differences_of(inversion)) == 2
    # A constant on one plane and its negative on the other cancel in the data, which F has lost in either log determinant.
    _assert_by_differences(inversion, patched, curvature_rounding=0.02)


@pytest.mark.parametrize("use_jax", [False, True])
def test_fit_of_light_alone_is_unchanged(small, use_jax, patched):
    """SLaM's first stage; under `jit` the terms were a TypeError."""
    analysis = analysis_of(small.factors[0], use_jax=use_jax)
    instance = copy.deepcopy(small.model.instance_from_prior_medians(ignore_assertions=True))
    instance.galaxies.source.pixelization = None

    def figure_of_merit(radius):
        instance.galaxies.lens.mass.einstein_radius = radius
        return analysis.fit_from(instance=instance).figure_of_merit

    def evaluated():
        return float(jax.jit(lambda radius: figure_of_merit(radius))(1.6) if use_jax else figure_of_merit(1.6))

    shipped = evaluated()
    patched(log_det=True)
    assert evaluated() == pytest.approx(shipped, rel=1.0e-12)
