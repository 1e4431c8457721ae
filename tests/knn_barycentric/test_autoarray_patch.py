"""`patch` and `unpatch`: what they replace, what they reject, and that nothing stays behind."""

import json
import subprocess
import sys
import threading
from types import SimpleNamespace

import autoarray as aa
import autofit as af
import autogalaxy as ag
import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from autoarray.inversion.mesh.interpolator import delaunay as delaunay_interpolator
from autoarray.inversion.mesh.interpolator import sibson
from autoarray.inversion.mesh.mesh.knn import KNNBarycentric as ShippedKNNBarycentric

import knn_barycentric
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from knn_barycentric import KNNBarycentric, jax_delaunay_tables

import point_sets

FAMILY = [al.mesh.Delaunay, al.mesh.DelaunayNN]


@pytest.fixture
def patched():
    """`knn_barycentric.patch`, undone when the test ends."""
    yield knn_barycentric.patch
    knn_barycentric.unpatch()


def _autoarray_state():
    """Everything that `patch(delaunay=True)` can replace."""
    return (
        al.mesh.KNNBarycentric,
        delaunay_interpolator._jax_delaunay_tables,
        sibson._jax_delaunay_tables,
        vars(delaunay_interpolator.InterpolatorDelaunay)["_mappings_sizes_weights"],
        vars(sibson.InterpolatorDelaunayNN)["_mappings_sizes_weights"],
    )


def test_patch_and_unpatch_are_idempotent(patched):
    before = _autoarray_state()
    for _ in range(2):
        patched()
        assert _autoarray_state() == (KNNBarycentric, *before[1:])
    for _ in range(2):
        patched(delaunay=True)
        assert not set(_autoarray_state()) & set(before)
    for _ in range(2):
        knn_barycentric.unpatch()
        assert _autoarray_state() == before


def test_every_module_names_this_mesh(patched):
    """Every PyAuto module that exports a KNNBarycentric, except the one that defines it."""

    def naming(mesh_cls):
        modules = [(name, module) for name, module in sys.modules.items() if name.startswith("auto")]
        return {name for name, module in modules if any(each is mesh_cls for each in vars(module).values())}

    own = ShippedKNNBarycentric.__module__
    exported = naming(ShippedKNNBarycentric) - {own}
    assert "autoarray.inversion.mesh.mesh" in exported
    patched()
    assert naming(KNNBarycentric) == exported
    assert naming(ShippedKNNBarycentric) == {own}
    assert aa.mesh.KNNBarycentric is ag.mesh.KNNBarycentric is al.mesh.KNNBarycentric is KNNBarycentric


def test_patching_is_thread_safe():
    before = _autoarray_state()
    start = threading.Barrier(8)

    def flip(delaunay):
        start.wait()
        for _ in range(50):
            knn_barycentric.patch(delaunay=delaunay)
            knn_barycentric.unpatch()

    threads = [threading.Thread(target=flip, args=(number % 2 == 0,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    knn_barycentric.unpatch()
    assert _autoarray_state() == before


"""
__Another autoarray__
"""


def _missing(monkeypatch):
    monkeypatch.delattr(delaunay_interpolator, "_jax_delaunay_tables")
    return "interpolator.delaunay has no _jax_delaunay_tables"


def _renamed_argument(monkeypatch):
    monkeypatch.setattr(delaunay_interpolator.DelaunayInterface, "__init__", lambda self, points, simplices: None)
    return "DelaunayInterface takes no dual_areas, mappings, split_points"


def _other_padding(monkeypatch):
    def tables(points_np):
        simplices, neighbors, vertex_simplex = shipped(points_np)
        return np.where(simplices < 0, 0, simplices).astype(np.int32), neighbors, vertex_simplex

    shipped = delaunay_interpolator.scipy_delaunay_tri_only
    monkeypatch.setattr(delaunay_interpolator, "scipy_delaunay_tri_only", tables)
    return "its simplices are not padded with -1"


def _other_neighbors(monkeypatch):
    def tables(points_np):
        simplices, neighbors, vertex_simplex = shipped(points_np)
        return simplices, np.roll(neighbors, 1, axis=1), vertex_simplex

    shipped = delaunay_interpolator.scipy_delaunay_tri_only
    monkeypatch.setattr(delaunay_interpolator, "scipy_delaunay_tri_only", tables)
    return "column k of its neighbours does not hold the triangle opposite vertex k"


@pytest.mark.parametrize("differs", [_missing, _renamed_argument, _other_padding, _other_neighbors])
def test_changed_internals_raise_one_sentence(differs, monkeypatch):
    phrase = differs(monkeypatch)
    shipped = al.mesh.KNNBarycentric
    with pytest.raises(ImportError) as raised:
        knn_barycentric.patch()
    assert phrase in str(raised.value)
    assert "\n" not in str(raised.value)
    assert al.mesh.KNNBarycentric is shipped


def test_a_missing_name_raises_at_import():
    code = "from autoarray.inversion.mesh.interpolator import delaunay; del delaunay.DelaunayInterface; import knn_barycentric"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode != 0
    assert "has no DelaunayInterface; install the autoarray release" in ran.stderr.splitlines()[-1]


"""
__model.json__
"""


@pytest.fixture
def model_json(small, patched, tmp_path):
    """A lens folder with a model that was written under `patch`, with `al.mesh.KNNBarycentric`."""
    patched()
    folder = tmp_path / "patched"
    folder.mkdir()
    for path in small.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    model = af.AbstractPriorModel.from_dict(json.loads((folder / "model.json").read_text()))
    model.galaxies.source.pixelization.mesh = af.Model(al.mesh.KNNBarycentric, pixels=180, zeroed_pixels=30)
    (folder / "model.json").write_text(json.dumps(model.dict()))
    knn_barycentric.unpatch()
    return folder / "model.json"


LOAD = """
import json, sys
import autofit as af, autolens as al

def show():
    model = af.AbstractPriorModel.from_dict(json.load(open(sys.argv[1])))
    mesh = model.instance_from_prior_medians().galaxies.source.pixelization.mesh
    print(f"{type(mesh).__module__}.{type(mesh).__name__}", mesh.pixels, mesh.zeroed_pixels, mesh.areas_factor)

shipped = al.mesh.KNNBarycentric
show()
import knn_barycentric
assert al.mesh.KNNBarycentric is shipped, "importing patches"
knn_barycentric.patch()
assert al.mesh.KNNBarycentric is knn_barycentric.KNNBarycentric
show()
"""


def test_a_written_model_loads_in_another_process(model_json):
    """Patched or not: `model.json` names this class, never autoarray's mesh of the same name. Importing patches nothing."""
    ran = subprocess.run([sys.executable, "-c", LOAD, str(model_json)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["knn_barycentric.mesh.KNNBarycentric", "180", "30", "0.5"] * 2


def test_a_model_of_a_missing_mesh_raises(model_json, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "knn_barycentric"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        lens_folder.LensError, match="names knn_barycentric.mesh.KNNBarycentric, which cannot be imported"
    ):
        lens_folder.load(model_json.parent)


"""
__Delaunay and DelaunayNN without a host callback__
"""


def _evidence_and_gradient(likelihood):
    return jax.value_and_grad(lambda parameters: likelihood.evidence(parameters).log_evidence)


def _evidence_and_gradient_of_weights(likelihood):
    """The tables enter by the weights, and the gradient of the log evidence itself compiles three times as long."""

    def total(parameters):
        vertices, weights, split_vertices, split_weights = likelihood.interpolation(parameters)
        return (weights * jnp.sin(1.0 + vertices)).sum() + (split_weights * jnp.sin(1.0 + split_vertices)).sum()

    return lambda parameters: (likelihood.evidence(parameters).log_evidence, jax.grad(total)(parameters))


def _assert_same_without_callback(lens, mesh_cls, patch, both_of):
    """Log evidence (to 1e-9) and a gradient under jit and vmap are the same with Qhull's tables and with JAX's."""
    found = []
    for each in (lambda: None, lambda: patch(delaunay=True)):
        each()
        likelihood = Likelihood(lens, mesh_cls)
        lanes = jnp.stack([likelihood.prior_medians, *likelihood.draws(1)])
        lowered = jax.jit(jax.vmap(both_of(likelihood))).lower(lanes)
        found.append((lowered.as_text().count("callback"), *map(np.asarray, lowered.compile()(lanes))))
    (calls, values, gradients), (our_calls, our_values, our_gradients) = found
    assert calls > 0 and our_calls == 0
    assert np.isfinite(values).all() and values[0] != values[1]
    assert our_values == pytest.approx(values, rel=1.0e-9)
    assert our_gradients == pytest.approx(gradients, rel=1.0e-5, abs=1.0e-5 * np.abs(gradients).max())


@pytest.mark.parametrize(
    "mesh_cls", [FAMILY[0], pytest.param(FAMILY[1], marks=pytest.mark.slow(reason="compiles for 50 s"))]
)
def test_jax_tables_agree_with_qhulls(small, mesh_cls, patched):
    _assert_same_without_callback(small, mesh_cls, patched, _evidence_and_gradient_of_weights)


@pytest.mark.slow
@pytest.mark.parametrize("mesh_cls", FAMILY)
def test_jax_tables_agree_on_every_lens(lens, mesh_cls, patched):
    _assert_same_without_callback(lens, mesh_cls, patched, _evidence_and_gradient)


@pytest.mark.parametrize("mesh_cls", FAMILY)
def test_uncertified_meshes_are_nan_in_their_lane(mesh_cls, patched, monkeypatch):
    """Without `nan_if_uncertified` every data point would get its nearest vertex, with a plausible log evidence."""
    good, queries = point_sets.UNIQUE["random"], np.random.default_rng(0).uniform(-0.5, 0.5, (5, 2))

    def uncertifying(points):
        tables = triangulate(points)
        return tables._replace(certified=tables.certified & (points[0, 0] == good[0, 0]))

    triangulate = knn_barycentric.triangulate
    monkeypatch.setattr("delaunax.triangulate", uncertifying)
    patched(delaunay=True)
    mesh = mesh_cls(pixels=len(good))

    def weights(vertices):
        return mesh.interpolator_cls(
            mesh=mesh,
            mesh_grid=al.Grid2DIrregular(vertices, xp=jnp),
            data_grid=SimpleNamespace(over_sampled=SimpleNamespace(array=jnp.asarray(queries))),
            xp=jnp,
        ).weights

    certified, uncertified = jax.jit(jax.vmap(weights))(jnp.stack([good, good + 0.1]))
    assert np.isfinite(certified).all()
    assert np.isnan(uncertified).all()
    assert jax_delaunay_tables.UNCERTIFIED < 0
