"""Every smoke check can fail: it fails on code that is broken on purpose."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import triangulate
from knn_barycentric import InterpolatorKNNBarycentric, KNNBarycentric
from knn_barycentric.natural_neighbor import InterpolatorNaturalNeighbor
from scripts.jax_assertions import jit_and_vmap
from scripts.jax_assertions.case import Case

SCRIPT = Path(__file__).parents[1] / "scripts" / "jax_assertions" / "knn_barycentric.py"


@pytest.fixture(scope="module")
def assertions():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("jax_assertions", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wrong_triangle(mappings, weights, xp):
    """Every tenth query point gets the triangle of the one before it."""
    wrong = (xp.arange(len(mappings)) % 10 == 9)[:, None]
    return xp.where(wrong, xp.roll(mappings, 1, axis=0), mappings), weights


def swapped_weight_in_jax(mappings, weights, xp):
    return mappings, weights if xp is np else weights[:, jnp.array([1, 0, 2])]


def weights_that_do_not_sum_to_1(mappings, weights, xp):
    return mappings, (1.0 - 1.0e-9) * weights


def callback(mappings, weights, xp):
    if xp is np:
        return mappings, weights
    shape = jax.ShapeDtypeStruct(mappings.shape, mappings.dtype)
    return jax.pure_callback(np.asarray, shape, mappings, vmap_method="sequential"), weights


def nan_made_plausible(mappings, weights, xp):
    return mappings, xp.nan_to_num(weights, nan=1.0 / 3.0)


@jax.custom_batching.custom_vmap
def _own_lane(weights):
    return weights


@_own_lane.def_vmap
def _next_lane(axis_size, in_batched, weights):
    return jnp.roll(weights, 1, axis=0), True


def mixed_up_lanes(mappings, weights, xp):
    return mappings, weights if xp is np else _own_lane(weights)


def gradient_stopped(mappings, weights, xp):
    return mappings, weights if xp is np else jax.lax.stop_gradient(weights)


BREAKS = [
    ("jit", swapped_weight_in_jax, "jit and eager weights differ"),
    ("jit", weights_that_do_not_sum_to_1, "a row of weights does not sum to 1"),
    ("no host callback", callback, "host callbacks in the program"),
    ("vmap interpolation", mixed_up_lanes, "of 3 differs from the model alone"),
    ("vmap likelihood", mixed_up_lanes, "log evidence differs"),
    ("vmap not finite", nan_made_plausible, "weights of the non-finite lane are not NaN"),
    ("cross conditioning", wrong_triangle, " differs by "),
    ("nnls", wrong_triangle, "from Delaunay's solution"),
    ("gradient", gradient_stopped, "with Delaunay's mesh"),
    ("determinism", mixed_up_lanes, "two orders of the batch differ"),
]
"""A check, what is broken, and what the check says about it."""


SLOW = {"gradient", "determinism"}
"""Checks that take a minute to fail."""


@pytest.mark.parametrize(
    "what, broken, words",
    [pytest.param(*each, marks=pytest.mark.slow if each[0] in SLOW else ()) for each in BREAKS],
    ids=[f"{what}-{broken.__name__}" for what, broken, _ in BREAKS],
)
def test_check_fails_on_broken_code(what, broken, words, assertions, small, monkeypatch):
    exact = InterpolatorKNNBarycentric._interpolation_at
    monkeypatch.setattr(
        InterpolatorKNNBarycentric, "_interpolation_at", lambda self, points: broken(*exact(self, points), self._xp)
    )
    case = Case(small, small.name)
    if broken is nan_made_plausible:
        monkeypatch.setattr(KNNBarycentric, "interpolator_cls", _certifying_interpolator())
    # One batch shows mixed-up lanes, and fewer models are evaluated alone.
    monkeypatch.setattr(jit_and_vmap, "BATCHES", (3,))
    with pytest.raises(AssertionError, match=words):
        assertions.CHECKS[what](case)


def _certifying_interpolator():
    class Certifying(InterpolatorKNNBarycentric):
        """Marks every triangulation as certified."""

        @property
        def triangulation(self):
            return triangulate(self.mesh_grid_xy)._replace(certified=True)

    return Certifying


@pytest.mark.slow(reason="compiles for half a minute")
def test_natural_neighbours_check_fails_on_broken_weights(assertions, small, monkeypatch):
    exact = InterpolatorNaturalNeighbor._mappings_sizes_weights.func

    def broken(self):
        mappings, sizes, weights = exact(self)
        return mappings, sizes, weights if self._xp is np else 0.999 * weights

    monkeypatch.setattr(InterpolatorNaturalNeighbor, "_mappings_sizes_weights", property(broken))
    with pytest.raises(AssertionError, match="NumPy's"):
        assertions.CHECKS["natural neighbours"](Case(small, small.name))


def test_every_check_has_a_break(assertions):
    assert {what for what, *_ in BREAKS} | {"natural neighbours"} == set(assertions.CHECKS)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["jit", "no host callback", "vmap not finite"])
def test_check_passes_on_the_real_code(what, assertions, small):
    assertions.CHECKS[what](assertions.case_of(small.folder))


def test_main_prints_one_line_per_check(assertions, small, monkeypatch, capsys):
    def fails(case):
        raise AssertionError("broken on purpose")

    monkeypatch.setattr(assertions, "CHECKS", {"good": lambda case: "fine", "bad": fails})
    assert assertions.main(["--lens", str(small.folder)]) == 1
    good, bad = capsys.readouterr().out.strip().splitlines()[-2:]
    assert "good: ok: fine" in good and "bad: FAILED: broken on purpose" in bad
    monkeypatch.setattr(assertions, "CHECKS", {"good": lambda case: "fine"})
    assert assertions.main(["--lens", str(small.folder)]) == 0
    capsys.readouterr()
    assert assertions.main(["--lens", str(small.folder), "--lens", "no-such-lens"]) == 2
    assert not capsys.readouterr().out


def test_a_check_that_raises_has_failed_and_the_others_run(assertions, small, capsys):
    def raises(case):
        raise IndexError("index 211 is out of bounds")

    assert not assertions.passes(Case(small, small.name), "jit", raises)
    assert "small: jit: FAILED: IndexError: index 211 is out of bounds" in capsys.readouterr().out
