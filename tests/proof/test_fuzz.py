"""Random lens meshes: a few of the thousands that `jax_profiling.proof.fuzz` runs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import triangulate
from jax_profiling.proof import fuzz, random_meshes

import point_sets

GROUP = pytest.mark.xdist_group("lens meshes")
"""One worker for all tests, so that each image plane is compiled once."""


@pytest.fixture(scope="module")
def families():
    return {name: family() for name, family in random_meshes.FAMILIES.items()}


@GROUP
@pytest.mark.parametrize("each", [5, pytest.param(40, marks=pytest.mark.slow(reason="the oracle takes a minute"))])
def test_random_meshes_are_right_in_rational_arithmetic(each, families):
    found = fuzz.run(each * len(families), 1000, families)
    assert found["disagreements"] == []
    assert set(found["outcomes"]) == set(random_meshes.FAMILIES)
    for name, outcomes in found["outcomes"].items():
        assert sum(outcomes.values()) == each
        assert "symmetric" in name or outcomes == {fuzz.AGREE: each}


@GROUP
def test_a_batch_equals_its_lanes(families):
    rng = np.random.default_rng(100)
    batch = np.stack([families["hst"].random(rng)[0] for _ in range(6)])
    lanes = jax.jit(jax.vmap(triangulate))(jnp.asarray(batch))
    for lane, points in enumerate(batch):
        alone = triangulate(points)
        for name in ("simplices", "neighbors", "vertex_simplex", "certified"):
            assert np.array_equal(getattr(lanes, name)[lane], getattr(alone, name)), name
        assert np.allclose(lanes.dual_areas[lane], alone.dual_areas, rtol=1.0e-12)


@GROUP
def test_a_mesh_depends_only_on_its_seed(families):
    first, again = (families["euclid"].random(np.random.default_rng((3, 5)))[0] for _ in range(2))
    assert np.array_equal(first, again)


def test_disagreements_are_found_and_named(monkeypatch):
    points = point_sets.UNIQUE["random"]
    queries = point_sets.queries_of(points)
    assert fuzz.outcome_of(points, queries) == fuzz.AGREE
    right = triangulate(points)
    wrong = right._replace(simplices=np.where(right.simplices == 7, 8, right.simplices))
    monkeypatch.setattr(fuzz, "triangulate", lambda points: wrong)
    assert "not Delaunay" in fuzz.outcome_of(points, queries)
    monkeypatch.setattr(fuzz, "triangulate", lambda points: right._replace(certified=np.array(False)))
    assert fuzz.outcome_of(points, queries) == "not certified"


def test_ties_are_not_disagreements():
    points = point_sets.TIED["grid"]
    assert fuzz.outcome_of(points, point_sets.queries_of(points)) == fuzz.TIED
    points = point_sets.FINE["clusters of 1e-9"]
    assert fuzz.outcome_of(points, point_sets.queries_of(points)) == fuzz.QHULL_ERRS


def test_bad_numbers_are_rejected(capsys):
    with pytest.raises(SystemExit) as exit_:
        fuzz.main(["--meshes", "0"])
    assert exit_.value.code == 2
    assert "--meshes: is 0; give a number of at least 1." in capsys.readouterr().err
