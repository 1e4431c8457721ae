"""`explain` names what is wrong with a triangulation, and where; and nothing if nothing is."""

import json
from importlib import import_module

import jax.numpy as jnp
import numpy as np
import pytest

import delaunax
from delaunax.explain import points_from_report
from delaunax.platform import cpu

import point_sets

POINTS = point_sets.random(40)
TRIANGULATION = delaunax.triangulate(POINTS)
ON_CPU = "By insertion (cpu)" if cpu.can_fuse() else "By stars (cpu)"


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
    inner = int(np.setdiff1d(np.arange(1, 40), delaunax.convex_hull(TRIANGULATION))[1])
    points = POINTS.copy()
    # A duplicate has no triangle. With 39 points, all would be compiled again.
    points[inner] = points[0]
    found = delaunax.triangulate(points).simplices
    return found[found[:, 0] >= 0]


def interior_row():
    return int(np.flatnonzero((TRIANGULATION.neighbors >= 0).all(axis=1))[0])


def test_nothing_is_wrong_with_a_certified_triangulation():
    found = delaunax.explain(POINTS)
    assert found.certified and found.fault is None and not found.is_bug
    assert str(found).splitlines() == [
        "40 points of float64, 67 triangles, certified.",
        "All coordinates are finite.",
        "In rational arithmetic, the triangles are Delaunay.",
        f"{ON_CPU}: certified; the triangles are Delaunay; the same triangles.",
        "By stars (gpu): certified; the triangles are Delaunay; the same triangles.",
        "Nothing is wrong.",
    ]


@pytest.mark.parametrize(
    "simplices, fault, compared",
    [
        (with_a_wrong_diagonal(), "is inside the circle of", "2 of the triangles above are not among them, such as "),
        (without_a_vertex(), "a vertex has no triangle: ", "of the triangles above are not among them, such as "),
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
            "1 of the triangles above are not among them, such as (0, 0, 1).",
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
    assert f"{ON_CPU}: certified" in str(found) and "By stars (gpu): certified" in str(found)
    assert "This is a bug in delaunax" in str(found)


def test_a_place_is_given_in_coordinates():
    found = delaunax.explain(POINTS, with_simplices(without_a_vertex()))
    vertex = int(found.fault.split(": ")[1])
    x, y = POINTS[vertex].tolist()
    assert f"with points[{vertex}] = ({x!r}, {y!r})" in str(found)


def with_a_wrong_neighbour():
    neighbors = TRIANGULATION.neighbors.copy()
    row, column = np.argwhere(neighbors >= 0)[5]
    right, neighbors[row, column] = neighbors[row, column], row
    return {"neighbors": neighbors}, f"neighbors[{row}, {column}] is {row}, and {right} is right"


def with_a_wrong_turn():
    """A turn around a vertex of the hull starts at its last triangle instead of its first."""
    vertex = int(np.ravel(delaunax.convex_hull(TRIANGULATION))[0])
    right, rows = TRIANGULATION.vertex_simplex[vertex], np.flatnonzero((TRIANGULATION.simplices == vertex).any(axis=1))
    vertex_simplex = TRIANGULATION.vertex_simplex.copy()
    vertex_simplex[vertex] = rows[rows != right][0]
    return {
        "vertex_simplex": vertex_simplex
    }, f"vertex_simplex[{vertex}] is {vertex_simplex[vertex]}, and {right} is right"


def with_a_clockwise_triangle():
    simplices = TRIANGULATION.simplices.copy()
    simplices[2] = simplices[2, ::-1]
    return {"simplices": simplices}, f"triangle {tuple(simplices[2].tolist())} is clockwise"


@pytest.mark.parametrize("certified", [True, False])
@pytest.mark.parametrize("broken", [with_a_wrong_neighbour, with_a_wrong_turn, with_a_clockwise_triangle])
def test_a_fault_beside_the_triangles_is_named(broken, certified):
    tables, fault = broken()
    found = delaunax.explain(POINTS, TRIANGULATION._replace(**tables, certified=np.bool_(certified)))
    assert found.is_bug and found.fault == fault
    assert f"In rational arithmetic, the triangles are Delaunay, but {fault}." in str(found)


def test_explain_wants_the_fan_from_the_lowest_index():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    right, moved = delaunax.triangulate(square), delaunax.triangulate(square[[1, 2, 3, 0]])
    tables = {
        "simplices": np.where(moved.simplices < 0, -1, (moved.simplices + 1) % 4),
        "neighbors": moved.neighbors,
        "vertex_simplex": np.roll(moved.vertex_simplex, 1),
    }
    found = delaunax.explain(square, right._replace(**tables, certified=np.False_))
    assert found.is_bug and "edge" in found.fault and "is against the tie rule, and" in found.fault


def test_a_fault_of_one_algorithm_is_the_fault(monkeypatch, answers):
    """The result in doubt is right, and the other algorithm is wrong."""
    tables, fault = with_a_wrong_neighbour()
    explain = import_module("delaunax.explain")
    wrong = explain._tables(TRIANGULATION) | tables
    theirs = wrong, False, *explain._judge(POINTS, wrong)
    monkeypatch.setattr(explain, "_answers", lambda points: answers | {"gpu": theirs})
    found = delaunax.explain(POINTS)
    assert found.certified and found.is_bug and found.fault == fault


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


def test_the_file_keeps_float32_and_the_tables(tmp_path):
    single = POINTS.astype(np.float32)
    found = delaunax.explain(jnp.asarray(single))
    path = found.save(tmp_path / "report.json")
    loaded = points_from_report(path)
    assert loaded.dtype == np.float32 and np.array_equal(loaded, single)
    report = json.loads(path.read_text())
    assert report["certified"] and report["fault"] is None
    for name in ("simplices", "neighbors", "vertex_simplex"):
        assert report[name] == found.tables[name].tolist()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`points` has 39 rows but `triangulation` has 40 vertices"):
        delaunax.explain(POINTS[:-1], TRIANGULATION)
    with pytest.raises(TypeError, match="`triangulation` is of type ndarray"):
        delaunax.explain(POINTS, POINTS)
