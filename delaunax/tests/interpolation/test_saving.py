"""What is saved and loaded gives the same numbers, or an error where JAX could not represent it."""

import os
import pickle
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import LinearInterpolator, NaturalNeighborInterpolator, Triangulation, triangulate

SITES = np.array([[0.1, 0.2], [1.0, 0.0], [0.9, 1.1], [0.0, 0.8], [0.4, 0.5]])
VALUES = np.array([3.0, -1.0, 4.0, 1.0, -5.0])


@pytest.mark.parametrize("rescale", [False, True])
@pytest.mark.parametrize("cls", [LinearInterpolator, NaturalNeighborInterpolator])
def test_an_interpolator_can_be_pickled(cls, rescale):
    first = cls(SITES, VALUES + 1.0j, rescale=rescale)
    second = pickle.loads(pickle.dumps(first))
    assert second(0.5, 0.5) == first(0.5, 0.5) and repr(second) == repr(first)


def test_a_triangulation_can_be_saved_and_loaded(tmp_path):
    triangulation = triangulate(SITES)
    triangulation.save(tmp_path / "mesh")
    loaded = Triangulation.load(tmp_path / "mesh")
    assert jax.tree.structure(loaded) == jax.tree.structure(triangulation)
    for one, other in zip(jax.tree.leaves(loaded), jax.tree.leaves(triangulation), strict=True):
        assert one.dtype == other.dtype and np.array_equal(one, other)
    assert np.allclose(LinearInterpolator(SITES, VALUES, triangulation=loaded)(SITES), VALUES)
    assert pickle.loads(pickle.dumps(triangulation)).certified


@pytest.mark.parametrize("contents", ["some arrays", "rows of another mesh", "one array", "nothing", "text"])
def test_another_file_is_no_triangulation(tmp_path, contents):
    file = tmp_path / "mesh"
    with file.open("wb") as handle:
        if contents == "some arrays":
            np.savez(handle, simplices=triangulate(SITES).simplices)
        elif contents == "rows of another mesh":
            triangulation = triangulate(SITES)
            triangulation._replace(simplices=triangulation.simplices[:5]).save(file)
        elif contents == "one array":
            np.save(handle, SITES)
        elif contents == "text":
            handle.write(b"PK not a zip file")
    with pytest.raises(ValueError, match="has other arrays than a triangulation; give one that `save` wrote"):
        Triangulation.load(file)


IN_FLOAT32 = """
import pickle, sys
import numpy as np
import delaunax

with open(sys.argv[1], "rb") as file:
    interpolators, from_numpy, from_jax = pickle.load(file)
points = np.asarray(from_jax.tree.unscaled)
queries = np.random.default_rng(5).random((40, 2), np.float32)
for call in (lambda: interpolators[0](queries), lambda: interpolators[1](queries),
             lambda: delaunax.find_simplex(from_numpy, points, queries)):
    try:
        print(call())
    except TypeError as error:
        print(error)
print(np.array_equal(delaunax.find_simplex(from_jax, points, queries), delaunax.find_simplex(
    delaunax.triangulate(points), points, queries)))
"""


def test_float64_from_a_file_is_not_misread_in_float32(tmp_path):
    """JAX itself loads its own float64 arrays as float32; location is then that of rounded points."""
    made = LinearInterpolator(SITES, VALUES, 0.0), NaturalNeighborInterpolator(SITES, VALUES, fill_value=0.0)
    saved = made, triangulate(SITES), triangulate(jnp.asarray(SITES))
    (tmp_path / "saved").write_bytes(pickle.dumps(saved))
    environment = os.environ | {"JAX_ENABLE_X64": "0"}
    command = [sys.executable, "-c", IN_FLOAT32, str(tmp_path / "saved")]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env=environment)
    *refused, same = run.stdout.splitlines()
    assert len(refused) == 3 and all("is float64 but JAX runs in float32" in line for line in refused)
    assert same == "True"
