"""After a fit, users read the results of autoarray's own mesh, from JAX and from NumPy."""

from pathlib import Path

import autofit as af
import autolens as al
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from autoarray.inversion.linear_obj.neighbors import Neighbors
from autofit.aggregator.aggregator import Aggregator
from autonerves import conf

from jax_profiling.gate.likelihood import Likelihood, model_with_mesh
from jax_profiling.gate.meshes.oracle_natural_neighbors import OracleNaturalNeighbor
from knn_barycentric import KNNBarycentric, NaturalNeighbor

AUTOARRAYS = {KNNBarycentric: al.mesh.Delaunay, NaturalNeighbor: OracleNaturalNeighbor}
"""Mesh -> autoarray's own code with the same weights."""


def _words_of(pair):
    return " ".join(each.__name__ for each in pair)


# On NumPy, `KNNBarycentric` is autoarray's own code.
PAIRS = [(KNNBarycentric, jnp), (NaturalNeighbor, jnp), (NaturalNeighbor, np)]


@pytest.fixture(scope="module", params=PAIRS, ids=_words_of)
def fits(request, small):
    """The fit of one draw with a mesh, and autoarray's fit on NumPy."""
    mesh, xp = request.param
    ours, theirs = (Likelihood(small, mesh_cls) for mesh_cls in (mesh, AUTOARRAYS[mesh]))
    vector = ours.draws(1)[0]
    return ours.fit(vector, xp=xp), theirs.fit(vector, xp=np)


def mapper_of(fit):
    return fit.inversion.cls_list_from(al.Mapper)[0]


def test_neighbours_are_packed_and_indexable(fits):
    ours, theirs = (mapper_of(fit).neighbors for fit in fits)
    assert isinstance(ours, Neighbors)
    assert np.array_equal(ours.sizes, theirs.sizes)
    assert ours.shape == theirs.shape
    for mine, their in zip(ours, theirs, strict=True):
        assert set(mine.tolist()) == set(their.tolist())


def test_reconstruction_is_the_same(fits):
    ours, theirs = (np.asarray(fit.inversion.reconstruction_dict[mapper_of(fit)]) for fit in fits)
    assert np.allclose(ours, theirs, rtol=1.0e-5, atol=1.0e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.5])
def test_source_clumps_are_the_same(fits, threshold):
    ours, theirs = (fit.inversion.source_clumps_from(threshold=threshold) for fit in fits)
    assert len(ours) == len(theirs)
    assert ours or threshold == 0.5
    for mine, their in zip(ours, theirs, strict=True):
        assert sorted(mine.tolist()) == sorted(their.tolist())


@pytest.mark.parametrize("filter_neighbors", [False, True])
def test_brightest_pixels_are_the_same(fits, filter_neighbors):
    ours, theirs = (
        fit.inversion.max_pixel_list_from(total_pixels=5, filter_neighbors=filter_neighbors) for fit in fits
    )
    assert ours == theirs


def test_brightest_centre_is_the_same(fits):
    ours, theirs = (np.asarray(fit.inversion.max_pixel_centre().array) for fit in fits)
    assert np.allclose(ours, theirs, rtol=0.0, atol=1.0e-10)


def test_mappings_have_the_same_types(fits):
    ours, theirs = (fit.inversion.mappings_from(threshold=0.2) for fit in fits)
    assert len(ours) == len(theirs) > 0
    for mine, their in zip(ours, theirs, strict=True):
        assert type(mine) is type(their)


def test_areas_are_the_same(fits):
    ours, theirs = (mapper_of(fit).mesh_geometry for fit in fits)
    assert np.allclose(ours.areas_for_magnification, theirs.areas_for_magnification, rtol=1.0e-9)
    assert np.allclose(ours.voronoi_areas, theirs.voronoi_areas, rtol=1.0e-9)


def test_reconstruction_is_written_as_csv(fits, tmp_path):
    from autoarray.inversion.plot.inversion_plots import save_reconstruction_csv

    for name, fit in zip(("ours", "theirs"), fits, strict=True):
        (tmp_path / name).mkdir()
        save_reconstruction_csv(inversion=fit.inversion, output_path=tmp_path / name)
    ours, theirs = (next((tmp_path / name).rglob("*.csv")).read_text().splitlines() for name in ("ours", "theirs"))
    assert ours[0] == theirs[0] and len(ours) == len(theirs) > 1


def test_figures_are_drawn(fits, tmp_path):
    from autoarray.inversion.plot.inversion_plots import subplot_mappings, subplot_of_mapper

    for function in (subplot_of_mapper, subplot_mappings):
        function(inversion=fits[0].inversion, output_path=tmp_path, output_format="png")
    plt.close("all")
    assert len(list(tmp_path.rglob("*.png"))) >= 2


def test_traced_neighbours_equal_the_eager_ones(small):
    """The number of neighbours is the same under `jit`."""
    likelihood = Likelihood(small, KNNBarycentric)
    vector = likelihood.draws(1)[0]

    def sizes(parameters):
        return likelihood.mapper(parameters, xp=jnp).neighbors.sizes

    assert np.array_equal(jax.jit(sizes)(jnp.asarray(vector)), sizes(vector))


@pytest.mark.parametrize(
    "mesh_cls, arguments",
    [
        (KNNBarycentric, {}),
        pytest.param(NaturalNeighbor, {"kind": "laplace"}, marks=pytest.mark.slow(reason="compiles for a minute")),
    ],
)
def test_the_aggregator_reloads_a_search(small, tmp_path, mesh_cls, arguments):
    """A search with visualization and results on disk, and the fit that the aggregator makes from them."""
    before = conf.instance.output_path
    conf.instance.output_path = str(tmp_path)
    try:
        model = model_with_mesh(small.model, mesh_cls, **arguments)
        analysis = al.AnalysisImaging(dataset=small.dataset, adapt_images=small.adapt_images, use_jax=True)
        search = af.Nautilus(name="reload", n_live=20, n_batch=10, n_like_max=30, iterations_per_quick_update=10**9)
        result = search.fit(model=model, analysis=analysis)
        images = sorted(path.name for path in Path(search.paths.image_path).rglob("*.png"))
        aggregator = Aggregator.from_directory(directory=str(tmp_path))
        (fits,) = list(al.agg.FitImagingAgg(aggregator=aggregator).max_log_likelihood_gen_from())
    finally:
        conf.instance.output_path = before
    fit = fits[0] if isinstance(fits, list) else fits
    assert images, "the search drew nothing"
    assert type(mapper_of(fit).mesh) is mesh_cls
    assert arguments.items() <= vars(mapper_of(fit).mesh).items()
    assert float(fit.figure_of_merit) == pytest.approx(float(max(result.samples.log_likelihood_list)), rel=1.0e-6)
    assert len(fit.inversion.source_clumps_from(threshold=0.1)) >= 1
