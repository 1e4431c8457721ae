"""Why a triangulation is not certified, in words, with a file for a bug report."""

import json
import platform as host
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from delaunax import oracle
from delaunax.arguments import check_triangulation, coordinates_from
from delaunax.platform import choose
from delaunax.platform.dispatch import platform_override
from delaunax.triangulation import Triangulation, triangulate

PLATFORMS = ("cpu", "gpu")
"""The platforms of the two algorithms. Both can run on a CPU."""


@dataclass(frozen=True)
class Explanation:
    """The result of `explain`: print it, and `save` it if it is a bug.

    Attributes
    ----------
    points
        (N, 2) float, the points.
    tables
        The tables that are explained, by the names of `Triangulation`, as NumPy arrays.
    certified
        Whether the triangulation is certified.
    fault
        The first fault that rational arithmetic finds: in the tables that are explained, then in those of each algorithm.
        None if there is none, or if a point is not finite.
    is_bug
        Whether something is wrong with finite points, or other points are certified. Either is a bug in delaunax.
    lines
        The explanation, line by line.
    """

    points: np.ndarray
    tables: dict[str, np.ndarray]
    certified: bool
    fault: str | None
    is_bug: bool
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def save(self, file: str | Path) -> Path:
        """Write a JSON file to attach to a bug report: the lines, versions, platform, tables, coordinates as hex floats."""
        report = {
            "explanation": self.lines,
            "versions": _versions(),
            "dtype": str(self.points.dtype),
            "certified": self.certified,
            "fault": self.fault,
            "points": [[float(x).hex() for x in point] for point in self.points],
            **{name: table.tolist() for name, table in self.tables.items()},
        }
        path = Path(file)
        path.write_text(json.dumps(report, indent=1) + "\n")
        return path


def points_from_report(file: str | Path) -> np.ndarray:
    """(N, 2) float: the points of a file that `Explanation.save` wrote, bit by bit."""
    report = json.loads(Path(file).read_text())
    return np.array([[float.fromhex(x) for x in point] for point in report["points"]], report["dtype"])


def explain(points: Any, triangulation: Triangulation | None = None) -> Explanation:
    """Why the triangulation of points is not certified, or that it is right.

    Use it if `certified` is false. It reports coordinates that are not finite, coincident points, points on one line, the first
    fault of the triangles or of the tables around them with its place, and the answers of both algorithms. The rational
    `oracle` is the judge. It runs on the host, outside `jit`, and takes seconds.

    Parameters
    ----------
    points
        (N, 2) float, the points.
    triangulation
        The result that is in doubt; by default, `triangulate(points)`.

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError, TypeError
        As `triangulate`, or if the triangulation has another number of vertices.
    """
    array = coordinates_from("points", points)
    if triangulation is not None:
        check_triangulation(triangulation, array)
    else:
        triangulation = triangulate(array)
    points, tables, certified = np.asarray(array), _tables(triangulation), bool(triangulation.certified)
    number = int((tables["simplices"][:, 0] >= 0).sum())
    lines = [f"{len(points)} points of {points.dtype}, {number} triangles, {_certified(certified)}."]
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        first = int(np.flatnonzero(~finite)[0])
        lines += [
            f"{(~finite).sum()} points are not finite, the first is {_place(points, first)}.",
            "No triangulation with such a point is certified: remove these points, or mask the result.",
        ]
        return Explanation(points, tables, certified, None, certified, tuple(lines))

    fault, verdict = _judge(points, tables)
    answers = _answers(points)
    lines += ["All coordinates are finite.", *_positions(points), f"In rational arithmetic, {verdict}."]
    for platform, (their_tables, their_certificate, their_fault, their_verdict) in answers.items():
        text = "the same fault" if fault and their_fault == fault else their_verdict
        compared = _compared(tables["simplices"], their_tables["simplices"])
        lines.append(f"By {_algorithm_of(platform)} ({platform}): {_certified(their_certificate)}; {text}; {compared}.")
    faults = [fault, *(theirs for _, _, theirs, _ in answers.values())]
    is_bug = any(faults) or not all([certified, *(theirs for _, theirs, _, _ in answers.values())])
    lines.append(
        "This is a bug in delaunax. Please report it, with the file that `save` writes."
        if is_bug
        else "Nothing is wrong."
    )
    return Explanation(points, tables, certified, next(filter(None, faults), None), is_bug, tuple(lines))


def _tables(triangulation):
    """Name -> NumPy array, of the integer tables of a `Triangulation`."""
    return {name: np.asarray(getattr(triangulation, name)) for name in ("simplices", "neighbors", "vertex_simplex")}


def _judge(points, tables):
    """The first fault of tables, or None; and the same in words, with the places of its vertices."""
    if fault := oracle.fault_of(points, tables["simplices"]):
        vertices = sorted({int(number) for number in re.findall(r"\d+", fault)})
        places = ", ".join(_place(points, vertex) for vertex in vertices)
        return fault, f"the triangles are wrong: {fault}" + (f", with {places}" if places else "")
    if fault := oracle.fault_of_tables(points, **tables):
        return fault, f"the triangles are Delaunay, but {fault}"
    return None, "the triangles are Delaunay"


def _answers(points):
    """Platform -> the tables of its algorithm, whether they are certified, their fault, and the same in words."""
    answers = {}
    for platform in PLATFORMS:
        # A new function, because a compiled one would not be traced for another platform.
        with platform_override(platform), jax.default_device(jax.devices("cpu")[0]):
            found = Triangulation(*jax.jit(lambda points: tuple(triangulate(points)))(points))
        answers[platform] = _tables(found), bool(found.certified), *_judge(points, _tables(found))
    return answers


def _algorithm_of(platform):
    """Before JAX 0.11, CPUs use stars, too."""
    with platform_override(platform):
        return choose("insertion", "stars")


def _compared(explained, simplices):
    """Whether two tables have the same triangles, in words: of points on one circle, they may differ and both be Delaunay."""
    explained, found = ({tuple(sorted(row)) for row in rows.tolist() if row[0] >= 0} for rows in (explained, simplices))
    if only := sorted(explained - found):
        return f"its triangles differ: {len(only)} of the triangles above are not among them, such as {only[0]}"
    return f"the same triangles and {len(found - explained)} more" if found - explained else "the same triangles"


def _positions(points):
    """What is special about the positions of finite points, in words."""
    _, first, number = np.unique(points, axis=0, return_index=True, return_counts=True)
    again = int((number - 1).sum())
    if again:
        place = _place(points, int(first[number.argmax()]))
        yield f"{again} points coincide with another one, most of them with {place}."
    if oracle.is_on_line(points):
        yield "All points are exactly on one line, so there is no triangle."


def _place(points, vertex):
    return f"points[{vertex}] = ({', '.join(repr(float(x)) for x in points[vertex])})"


def _certified(certified):
    return "certified" if certified else "not certified"


def _versions():
    import delaunax

    return {
        "delaunax": delaunax.__version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": host.python_version(),
        "platform": host.platform(),
        "device": str(jax.devices()[0].device_kind),
        "enable_x64": bool(jax.config.jax_enable_x64),
    }
