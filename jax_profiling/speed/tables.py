"""The results of the probe as Markdown tables and a chart."""

import re

import matplotlib.pyplot as plt
import numpy as np

from jax_profiling.gate import report
from jax_profiling.speed import steps

SCIPY = "SciPy, eager"
"""autoarray's NumPy path: Qhull, `find_simplex` and the rest in C, one mesh at a time, without JAX."""

GROUPS = {
    "interpolation and mapper": (16.87, ["interpolation and mapper"]),
    "other inversion set-up": (
        25.0,
        [
            "ray-trace mesh",
            "border relocation",
            "mapping matrix",
            "data vector",
            "curvature matrix",
            "regularization matrix",
        ],
    ),
    "PSF convolution": (9.0, ["blurring", "blurred mapping matrix"]),
    "NNLS and log evidence": (18.2, ["reconstruction and log evidence"]),
}
"""Group of steps -> its ms on an A100, and its members in `steps.STEPS`.

The A100 ran Delaunay in one SciPy callback; the ms are per lane of a batch of 20, 69.5 in total.
"""


def decomposition_table_of(measured):
    """A Markdown table: the steps on this device next to the A100. Empty if the steps were not measured."""
    if "steps" not in measured:
        return []
    rows = [
        (group, f"{GROUPS[group][0]:.1f}", *(f"{ms:.1f}" for ms in by_mesh.values()))
        for group, by_mesh in measured["steps"].items()
    ]
    columns = ("ms", "A100, Delaunay in one callback, lane of 20", *(f"{mesh}, one lane" for mesh in steps.MESHES))
    return ["", *report.markdown_table(columns, rows)]


def table_of(measured):
    """A Markdown table of the times on one device."""
    scipy = next((row["ms_per_lane"] for row in measured["rows"] if row["mesh"] == SCIPY), None)
    delaunay = {(row["program"], row["lanes"]): row for row in measured["rows"] if row["mesh"] == "Delaunay"}
    cells = []
    for row in sorted(measured["rows"], key=lambda row: (row["program"], row["lanes"])):
        lower, upper = row["quartiles"]
        against = delaunay.get((row["program"], row["lanes"]))
        cells.append(
            (
                row["program"],
                str(row["lanes"]),
                row["mesh"],
                f"{_digits(row['ms_per_lane'])} ({_digits(lower)}-{_digits(upper)})",
                f"{row['ms_per_lane'] / scipy:.2f}" if scipy and row["program"] == "interpolation" else "",
                f"{row['ms_per_lane'] / against['ms_per_lane']:.2f}" if against else "",
                _compilation_of(row) if "trace_seconds" in row else "",
                f"{_compile_ratio(row, against):.2f}" if against and "trace_seconds" in row else "",
                f"{row['peak_bytes'] / 2**20:.0f}" if "peak_bytes" in row else "",
            )
        )
    columns = (
        "program",
        "lanes",
        "mesh",
        "ms per lane (quartiles)",
        "to SciPy",
        "to Delaunay",
        "trace + compile, s (range)",
        "to Delaunay",
        "MiB",
    )
    return report.markdown_table(columns, cells)


def _digits(milliseconds):
    """Milliseconds; with two decimals if they are few, as on a GPU."""
    return f"{milliseconds:.1f}" if milliseconds >= 10.0 else f"{milliseconds:.2f}"


def _compilation_of(row):
    seconds = row["to_compile_seconds"]
    return f"{row['trace_seconds']:.1f} + {row['compile_seconds']:.1f} ({min(seconds):.1f}-{max(seconds):.1f})"


def _compile_ratio(row, against):
    """The median ratio of successive compilations, because a slow moment of the machine slows both."""
    return np.median(np.divide(row["to_compile_seconds"], against["to_compile_seconds"]))


def markdown_of(all_measured):
    """The contents of `speed.md`, which compares all devices."""
    lines = ["# Speed, per lane of a batch", ""]
    for measured in all_measured:
        lines += [
            f"## {measured['device']}, {measured['precision']}",
            "",
            f"{measured['lens']}: {measured['vertices']} vertices, {measured['data_points']} data points; median of "
            f"{measured['repeats']}, interleaved; autolens {measured['autolens']}, jax {measured['jax']}.",
            "",
            *table_of(measured),
            *decomposition_table_of(measured),
            "",
        ]
    return "\n".join([*lines, "![milliseconds per lane](speed.png)", ""])


def figure_of(all_measured):
    """Milliseconds per lane over the number of lanes, a line per mesh and device."""
    programs = sorted({row["program"] for measured in all_measured for row in measured["rows"]})
    figure, axes = plt.subplots(
        1, len(programs), figsize=(5.5 * len(programs), 4.5), layout="constrained", squeeze=False
    )
    for ax, program in zip(axes.flat, programs):
        for style, measured in zip(("-", "--", ":", "-."), all_measured):
            for mesh in dict.fromkeys(row["mesh"] for row in measured["rows"] if row["mesh"] != SCIPY):
                rows = [row for row in measured["rows"] if (row["mesh"], row["program"]) == (mesh, program)]
                label = f"{mesh}, {measured['device']}"
                ax.plot([r["lanes"] for r in rows], [r["ms_per_lane"] for r in rows], f"o{style}", label=label)
        ax.set(title=program, xlabel="lanes", ylabel="ms per lane", xscale="log", yscale="log")
    axes.flat[0].legend(fontsize=7)
    return figure


def file_name_of(text):
    """A file name without its suffix, from any text."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
