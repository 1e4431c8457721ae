"""`make upstream` on small checkouts: which differences it finds, and what it says about a wrong folder."""

import autoarray
import pytest

from jax_profiling.patch import upstream_tests

TESTS = """
import autoarray as aa
import numpy as np
import pytest
from autoarray.inversion.inversion.abstract import AbstractInversion


def test_evidence_is_the_shipped_one():
    assert AbstractInversion.log_det_regularization_matrix_term.fget.__module__.startswith("autoarray")


def test_delaunay_is_the_shipped_one():
    assert aa.mesh.Delaunay.__module__.startswith("autoarray")


def test__mesh_class__inherits_knn_knobs():
    assert aa.mesh.KNNBarycentric(pixels=10).k_neighbors == 10


@pytest.mark.parametrize("pixels", [9, 16])
def test_meshes_have_pixels(pixels):
    assert aa.mesh.Delaunay(pixels=pixels).pixels == pixels


def test_that_fails_everywhere():
    assert np.ones(2).sum() == 3


def test_installed_package_is_under_test():
    assert not hasattr(aa, "FROM_THE_CHECKOUT")
"""
"""A module of tests. Its first three tests see a patch; the last fails if the checkout's sources are imported."""

MODULE = "test_autoarray.test_mesh"


@pytest.fixture
def source(tmp_path):
    """A folder with three checkouts; autoarray's has tests."""
    for package in upstream_tests.PACKAGES:
        checkout = tmp_path / f"Py{package}"
        for name in (package, f"test_{package}"):
            (checkout / name).mkdir(parents=True)
            (checkout / name / "__init__.py").write_text(
                f'__version__ = "{autoarray.__version__}"\nFROM_THE_CHECKOUT = True\n'
            )
    (tmp_path / "Pyautoarray" / "test_autoarray" / "test_mesh.py").write_text(TESTS)
    return tmp_path


def test_differences_are_found_in_every_state(source):
    """Four processes, each of which imports autolens."""
    checkout = upstream_tests.checkouts_in(source)["autoarray"]
    shipped, *patched = (upstream_tests.outcomes_of("autoarray", checkout, state) for state in upstream_tests.STATES)
    assert len(shipped) == 7
    assert [name for name, (outcome, _) in shipped.items() if outcome != "passed"] == [
        f"{MODULE}::test_that_fails_everywhere"
    ]
    differences = [
        upstream_tests.differences_between(shipped, each, state)
        for each, state in zip(patched, upstream_tests.PATCHED, strict=True)
    ]
    seen = [[sentence.split(": ")[0] for sentence in unexpected] for unexpected, _ in differences]
    assert seen == [
        [],
        [f"{MODULE}::test_evidence_is_the_shipped_one"],
        [f"{MODULE}::test_delaunay_is_the_shipped_one"],
    ]
    assert [len(by_design) for _, by_design in differences] == [1, 1, 0]


PASSED, FAILED = {"a::b": ("passed", "")}, {"a::b": ("failure", "assert 1 == 2")}


@pytest.mark.parametrize("changed, status", [(PASSED, 0), (FAILED, 1), ({}, 1), (PASSED | {"a::c": ("passed", "")}, 1)])
def test_status_is_one_if_an_outcome_changes(changed, status, source, monkeypatch, capsys):
    monkeypatch.setattr(
        upstream_tests,
        "outcomes_of",
        lambda package, checkout, state, options: PASSED if state == upstream_tests.SHIPPED else changed,
    )
    assert upstream_tests.main(["--source", str(source)]) == status
    printed = capsys.readouterr().out
    assert "autolens, unchanged: 1 tests pass, 0 fail, 0 are skipped." in printed
    assert ("a::b: passed, then failure (assert 1 == 2)" in printed) == (changed is FAILED)


BROKEN = {"a::b": ("error", "no config"), "a::c": ("skipped", "")}


@pytest.mark.parametrize("outcomes, status, words", [(BROKEN, 2, "(a::b: no config)"), ({}, 2, "(there is none)")])
def test_nothing_passes_unchanged(outcomes, status, words, source, monkeypatch, capsys):
    monkeypatch.setattr(upstream_tests, "outcomes_of", lambda *arguments: outcomes)
    assert upstream_tests.main(["--source", str(source)]) == status
    error = capsys.readouterr().err
    assert words in error and "jax_profiling.patch.upstream_plugin --state unchanged" in error


def test_only_may_leave_packages_out(source, monkeypatch, capsys):
    monkeypatch.setattr(
        upstream_tests, "outcomes_of", lambda package, *others: PASSED if package == "autoarray" else {}
    )
    assert upstream_tests.main(["--source", str(source), "--only", "mesh"]) == 0
    monkeypatch.setattr(upstream_tests, "outcomes_of", lambda *arguments: {})
    assert upstream_tests.main(["--source", str(source), "--only", "mesh"]) == 2
    assert "matches mesh" in capsys.readouterr().err


BY_DESIGN = "a::test__log_det_curvature_reg_matrix_term__real_inversion__fast_path_matches_dense[1-x::y]"


@pytest.mark.parametrize(
    "state, outcome, counts",
    [
        (upstream_tests.BOTH, "failure", [0, 1]),
        (upstream_tests.PATCH, "failure", [1, 0]),
        (upstream_tests.BOTH, None, [1, 0]),
    ],
)
def test_a_test_may_fail_by_design_in_some_states(state, outcome, counts):
    after = {BY_DESIGN: (outcome, "assert 0 == 1")} if outcome else {}
    found = upstream_tests.differences_between({BY_DESIGN: ("passed", "")}, after, state)
    assert [len(each) for each in found] == counts


REPORT = """<testsuites><testsuite>
<testcase classname="a" name="b"><failure message="assert 1 == 2&#10;more"/></testcase>
<testcase classname="a" name="b"><error message="failed on teardown"/></testcase>
<testcase name="a.c"><error message="collection failure">line&#10;E   ImportError: no module d</error></testcase>
</testsuite></testsuites>"""


def test_outcomes_have_one_line_that_says_why(tmp_path):
    (tmp_path / "junit.xml").write_text(REPORT)
    assert upstream_tests.outcomes_from(tmp_path / "junit.xml") == {
        "a::b": ("failure", "assert 1 == 2"),
        "a.c": ("error", "ImportError: no module d"),
    }


def test_a_wrong_folder_is_one_sentence(source, tmp_path, capsys):
    assert upstream_tests.main(["--source", str(source / "missing")]) == 2
    assert "has no folder test_autoarray" in capsys.readouterr().err
    (source / "Pyautolens" / "autolens" / "__init__.py").write_text('__version__ = "2020.1.1.1"\n')
    assert upstream_tests.main(["--source", str(source)]) == 2
    error = capsys.readouterr().err
    assert (
        "2020.1.1.1" in error and f"check out the tag {autoarray.__version__}" in error and len(error.splitlines()) == 1
    )
