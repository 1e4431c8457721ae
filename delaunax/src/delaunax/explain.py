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
from delaunax.platform.dispatch import platform_override
from delaunax.triangulation import Triangulation, triangulate

ALGORITHMS = {"cpu": "insertion", "gpu": "stars"}
"""The algorithm of each platform. Both can run on a CPU."""


@dataclass(frozen=True)
class Explanation:
    """The result of `explain`: print it, and `save` it if it is a bug.

    Attributes
    ----------
    points
        (N, 2) float, the points.
    simplices
        (T, 3) int, the triangles that are explained, without unused rows.
    certified
        Whether the triangulation is certified.
    fault
        The first fault that rational arithmetic finds in the triangles, or None. It is None for points that are not finite.
    is_bug
        Whether the points are finite and something is wrong, which is a bug in delaunax.
    lines
        The explanation, line by line.
    """

    points: np.ndarray
    simplices: np.ndarray
    certified: bool
    fault: str | None
    is_bug: bool
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def save(self, file: str | Path) -> Path:
        """Write a JSON file to attach to a bug report: the lines, versions, platform, triangles, coordinates as hex floats."""
        report = {
            "explanation": self.lines,
            "versions": _versions(),
            "dtype": str(self.points.dtype),
            "points": [[float(x).hex() for x in point] for point in self.points],
            "simplices": self.simplices.tolist(),
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
    geometric fault and its place, and the answers of both algorithms and of the rational oracle. It runs on the host, outside
    `jit`, and takes seconds.

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
    points = np.asarray(array)
    simplices, certified = _used(triangulation.simplices), bool(triangulation.certified)
    lines = [f"{len(points)} points of {points.dtype}, {len(simplices)} triangles, {_certified(certified)}."]
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        first = int(np.flatnonzero(~finite)[0])
        lines += [
            f"{(~finite).sum()} points are not finite, the first is {_place(points, first)}.",
            "No triangulation with such a point is certified: remove these points, or mask the result.",
        ]
        return Explanation(points, simplices, certified, None, certified, tuple(lines))

    fault, answers = oracle.fault_of(points, simplices), _answers(points)
    lines += ["All coordinates are finite.", *_positions(points), f"In rational arithmetic, {_verdict(fault, points)}."]
    lines += [
        f"By {ALGORITHMS[platform]} ({platform}): {text}; {_compared(simplices, theirs)}."
        for platform, (text, theirs, _) in answers.items()
    ]
    is_bug = fault is not None or not certified or not all(right for *_, right in answers.values())
    lines.append(
        "This is a bug in delaunax. Please report it, with the file that `save` writes."
        if is_bug
        else "Nothing is wrong."
    )
    return Explanation(points, simplices, certified, fault, is_bug, tuple(lines))


def _answers(points):
    """Platform -> what its algorithm finds now, in words, its triangles, and whether they are right."""
    answers = {}
    for platform in ALGORITHMS:
        # A new function, because a compiled one would not be traced for another platform.
        with platform_override(platform), jax.default_device(jax.devices("cpu")[0]):
            found = jax.jit(lambda points: tuple(triangulate(points)))(points)
        simplices, certified = _used(found[0]), bool(found[4])
        fault = oracle.fault_of(points, simplices)
        text = f"{_certified(certified)}; {_verdict(fault, points)}"
        answers[platform] = text, simplices, certified and fault is None
    return answers


def _compared(explained, simplices):
    """Whether two tables have the same triangles, in words: of points on one circle, they may differ and both be Delaunay."""
    explained, found = ({tuple(sorted(row)) for row in rows.tolist()} for rows in (explained, simplices))
    if only := sorted(explained - found):
        return f"without {len(only)} of the triangles in doubt, such as {', '.join(map(str, only[0]))}"
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


def _verdict(fault, points):
    if fault is None:
        return "the triangles are Delaunay"
    vertices = sorted({int(number) for number in re.findall(r"\d+", fault)})
    places = ", ".join(_place(points, vertex) for vertex in vertices)
    return f"the triangles are wrong: {fault}" + (f", with {places}" if places else "")


def _place(points, vertex):
    return f"points[{vertex}] = ({', '.join(repr(float(x)) for x in points[vertex])})"


def _certified(certified):
    return "certified" if certified else "not certified"


def _used(simplices):
    simplices = np.asarray(simplices)
    return simplices[simplices[:, 0] >= 0]


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
