"""`explain` names what is wrong with a triangulation, and where; and nothing if nothing is."""

import json
from importlib import import_module

import jax.numpy as jnp
import numpy as np
import pytest

import delaunax
from delaunax.explain import points_from_report

import point_sets

POINTS = point_sets.random(40)
TRIANGULATION = delaunax.triangulate(POINTS)


@pytest.fixture(scope="module")
def answers():
    """The answers of both algorithms for `POINTS`, compiled once."""
    return import_module("delaunax.explain")._answers(POINTS)


@pytest.fixture(autouse=True)
def _answered_once(answers, monkeypatch):
    """The answers for `POINTS`, and none for other points, which would be compiled again."""
    known = lambda points: answers if np.array_equal(points, POINTS) else {}  # noqa: E731
    monkeypatch.setattr(import_module("delaunax.explain"), "_answers", known)


def with_simplices(simplices):
    """The triangulation with other triangles, as a fault would leave it."""
    table = np.full_like(TRIANGULATION.simplices, -1)
    table[: len(simplices)] = simplices
    return TRIANGULATION._replace(simplices=table, certified=np.False_)


def used():
    return TRIANGULATION.simplices[TRIANGULATION.simplices[:, 0] >= 0].copy()


def with_a_wrong_diagonal():
    """Two neighbours that form a convex pair get its other diagonal."""
    for row, column in np.argwhere(TRIANGULATION.neighbors >= 0):
        across, simplices = TRIANGULATION.neighbors[row, column], used()
        apex, tail, head = np.roll(simplices[row], -column)
        (tip,) = set(simplices[across]) - {tail, head}
        simplices[row], simplices[across] = (apex, tail, tip), (apex, tip, head)
        if "inside the circle" in (delaunax.oracle.fault_of(POINTS, simplices) or ""):
            return simplices
    raise AssertionError("no convex pair")


def without_a_vertex():
    """The triangulation of all points but an inner one, which lies in a triangle of others."""
    inner = int(np.setdiff1d(np.arange(40), delaunax.convex_hull(TRIANGULATION))[1])
    others = np.delete(np.arange(40), inner)
    found = delaunax.triangulate(POINTS[others]).simplices
    return others[found[found[:, 0] >= 0]]


def interior_row():
    return int(np.flatnonzero((TRIANGULATION.neighbors >= 0).all(axis=1))[0])


def test_nothing_is_wrong_with_a_certified_triangulation():
    found = delaunax.explain(POINTS)
    assert found.certified and found.fault is None and not found.is_bug
    assert str(found).splitlines() == [
        "40 points of float64, 67 triangles, certified.",
        "All coordinates are finite.",
        "In rational arithmetic, the triangles are Delaunay.",
        "By insertion (cpu): certified; the triangles are Delaunay; the same triangles.",
        "By stars (gpu): certified; the triangles are Delaunay; the same triangles.",
        "Nothing is wrong.",
    ]


@pytest.mark.parametrize(
    "simplices, fault, compared",
    [
        (with_a_wrong_diagonal(), "is inside the circle of", "without 2 of the triangles in doubt, such as "),
        (without_a_vertex(), "a vertex has no triangle: ", "of the triangles in doubt, such as "),
        (
            np.delete(used(), interior_row(), axis=0),
            "the hull is not covered exactly once: edge ",
            "the same triangles and 1 more.",
        ),
        (
            np.vstack([used(), used()[3:4]]),
            "two triangles lie on the same side of an edge: ",
            "the same triangles.",
        ),
        (
            np.vstack([used(), [[0, 0, 1]]]),
            "triangle (0, 0, 1) is flat",
            "without 1 of the triangles in doubt, such as 0, 0, 1.",
        ),
        (used()[:0], "no triangle, but the vertices are not on one line", "the same triangles and 67 more."),
    ],
    ids=["diagonal", "vertex", "hole", "double", "flat", "empty"],
)
def test_an_injected_fault_is_named_with_its_place(simplices, fault, compared):
    found = delaunax.explain(POINTS, with_simplices(simplices))
    assert found.is_bug and not found.certified
    assert fault in found.fault and fault in str(found) and str(found).count(compared) == 2
    assert ("with points[" in str(found)) == (fault != "no triangle, but the vertices are not on one line")
    assert "By insertion (cpu): certified" in str(found) and "By stars (gpu): certified" in str(found)
    assert "This is a bug in delaunax" in str(found)


def test_a_place_is_given_in_coordinates():
    found = delaunax.explain(POINTS, with_simplices(without_a_vertex()))
    vertex = int(found.fault.split(": ")[1])
    x, y = POINTS[vertex].tolist()
    assert f"with points[{vertex}] = ({x!r}, {y!r})" in str(found)


def test_a_wrong_certificate_of_right_triangles_is_a_bug():
    found = delaunax.explain(POINTS, TRIANGULATION._replace(certified=np.False_))
    assert found.is_bug and found.fault is None
    assert "67 triangles, not certified." in str(found)


def test_a_fault_inside_the_library_is_found(monkeypatch):
    """As a user would meet it: `triangulate` itself gives wrong triangles."""
    wrong = with_simplices(with_a_wrong_diagonal())
    monkeypatch.setattr(import_module("delaunax.explain"), "triangulate", lambda points: wrong)
    found = delaunax.explain(POINTS)
    assert found.is_bug and "is inside the circle of" in found.fault


def test_points_that_are_not_finite_are_named_and_no_bug():
    points = POINTS.copy()
    points[7, 1], points[9, 0] = np.nan, np.inf
    found = delaunax.explain(points)
    assert not found.certified and not found.is_bug
    assert f"2 points are not finite, the first is points[7] = ({float(points[7, 0])!r}, nan)." in str(found)


def test_coincident_points_and_lines_are_named():
    points = np.repeat(np.stack([np.arange(8.0), np.arange(8.0)], axis=1), 5, axis=0)
    found = delaunax.explain(points)
    assert found.certified and not found.is_bug
    assert "32 points coincide with another one, most of them with points[0] = (0.0, 0.0)." in str(found)
    assert "All points are exactly on one line, so there is no triangle." in str(found)


def test_the_file_has_the_points_bit_by_bit(tmp_path):
    points = np.vstack([POINTS[:38] * 1.0e-310, [[np.nan, 0.1], [-np.inf, 1.0]]])
    path = delaunax.explain(points).save(tmp_path / "report.json")
    assert np.array_equal(points_from_report(path), points, equal_nan=True)
    report = json.loads(path.read_text())
    assert report["versions"]["delaunax"] == delaunax.__version__
    assert {"jax", "numpy", "python", "platform", "device", "enable_x64"} <= set(report["versions"])
    assert report["explanation"][0].startswith("40 points of float64")


def test_the_file_keeps_float32_and_the_triangles(tmp_path):
    single = POINTS.astype(np.float32)
    found = delaunax.explain(jnp.asarray(single))
    path = found.save(tmp_path / "report.json")
    loaded = points_from_report(path)
    assert loaded.dtype == np.float32 and np.array_equal(loaded, single)
    assert json.loads(path.read_text())["simplices"] == found.simplices.tolist()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`points` has 39 rows but `triangulation` has 40 vertices"):
        delaunax.explain(POINTS[:-1], TRIANGULATION)
    with pytest.raises(TypeError, match="`triangulation` is of type ndarray"):
        delaunax.explain(POINTS, POINTS)
