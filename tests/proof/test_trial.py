"""Meshes as samplers meet them: some of those that `jax_profiling.proof.trial` draws by the thousand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import triangulate
from jax_profiling.proof import drawn, trial

import point_sets

GROUP = pytest.mark.xdist_group("lens meshes")
"""One worker, which compiles for the two image planes once."""


@pytest.fixture(scope="module")
def families():
    return {name: family() for name, family in drawn.FAMILIES.items()}


@GROUP
def test_three_hundred_lenses_are_right_in_rational_arithmetic(families):
    found = trial.run(320, 1000, families)
    assert found["disagreements"] == []
    assert set(found["outcomes"]) == set(drawn.FAMILIES)
    for name, outcomes in found["outcomes"].items():
        assert sum(outcomes.values()) == 40
        assert "symmetric" in name or outcomes == {trial.AGREE: 40}


@GROUP
def test_a_batch_of_lenses_is_triangulated_as_one_by_one(families):
    rng = np.random.default_rng(100)
    batch = np.stack([families["hst"].drawn(rng)[0] for _ in range(6)])
    lanes = jax.jit(jax.vmap(triangulate))(jnp.asarray(batch))
    for lane, points in enumerate(batch):
        alone = triangulate(points)
        for name in ("simplices", "neighbors", "vertex_simplex", "certified"):
            assert np.array_equal(getattr(lanes, name)[lane], getattr(alone, name)), name
        assert np.allclose(lanes.dual_areas[lane], alone.dual_areas, rtol=1.0e-12)


@GROUP
def test_a_draw_depends_on_seed_and_number_alone(families):
    first, again = (families["euclid"].drawn(np.random.default_rng((3, 5)))[0] for _ in range(2))
    assert np.array_equal(first, again)


def test_disagreement_is_found_and_named(monkeypatch):
    points = point_sets.UNIQUE["random"]
    queries = point_sets.queries_of(points)
    assert trial.outcome_of(points, queries) == trial.AGREE
    right = triangulate(points)
    wrong = right._replace(simplices=np.where(right.simplices == 7, 8, right.simplices))
    monkeypatch.setattr(trial, "_triangulate", lambda points: wrong)
    assert "not Delaunay" in trial.outcome_of(points, queries)
    monkeypatch.setattr(trial, "_triangulate", lambda points: right._replace(certified=np.array(False)))
    assert trial.outcome_of(points, queries) == "not certified"


def test_ties_are_told_from_disagreements():
    points = point_sets.TIED["grid"]
    assert trial.outcome_of(points, point_sets.queries_of(points)) == trial.TIED
    points = point_sets.FINE["clusters of 1e-9"]
    assert trial.outcome_of(points, point_sets.queries_of(points)) == trial.QHULL_ERRS


def test_bad_number_is_refused(capsys):
    with pytest.raises(SystemExit) as exit_:
        trial.main(["--meshes", "0"])
    assert exit_.value.code == 2
    assert "--meshes: is 0; give a number of at least 1." in capsys.readouterr().err
