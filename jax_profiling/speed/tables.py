"""What the probe measured, as Markdown tables and a chart."""

import re

import matplotlib.pyplot as plt
import numpy as np

from jax_profiling.gate import report
from jax_profiling.speed import steps

SCIPY = "SciPy, eager"
"""autoarray's NumPy path: Qhull, `find_simplex` and the rest in compiled C, one mesh at a time, without JAX."""

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
"""Step of the likelihood -> ms per lane of a batch of 20 on an A100, with all of Delaunay in one SciPy callback (69.5 in all);
and the steps of `steps.STEPS` that it consists of."""


def decomposition_table_of(measured):
    """The lines of a Markdown table: this device's steps beside the A100's, none where they were not measured."""
    if "steps" not in measured:
        return []
    rows = [
        (group, f"{GROUPS[group][0]:.1f}", *(f"{ms:.1f}" for ms in by_mesh.values()))
        for group, by_mesh in measured["steps"].items()
    ]
    columns = ("ms", "A100, Delaunay in one callback, lane of 20", *(f"{mesh}, one lane" for mesh in steps.MESHES))
    return ["", *report.markdown_table(columns, rows)]


def table_of(measured):
    """The lines of a Markdown table of one device."""
    scipy = next((row["ms_per_lane"] for row in measured["rows"] if row["mesh"] == SCIPY), None)
    delaunay = {(row["what"], row["lanes"]): row for row in measured["rows"] if row["mesh"] == "Delaunay"}
    cells = []
    for row in sorted(measured["rows"], key=lambda row: (row["what"], row["lanes"])):
        lower, upper = row["quartiles"]
        against = delaunay.get((row["what"], row["lanes"]))
        cells.append(
            (
                row["what"],
                str(row["lanes"]),
                row["mesh"],
                f"{_digits(row['ms_per_lane'])} ({_digits(lower)}-{_digits(upper)})",
                f"{row['ms_per_lane'] / scipy:.2f}" if scipy and row["what"] == "interpolation" else "",
                f"{row['ms_per_lane'] / against['ms_per_lane']:.2f}" if against else "",
                _compilation_of(row) if "trace_seconds" in row else "",
                f"{_to_compile_against(row, against):.2f}" if against and "trace_seconds" in row else "",
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
    """A GPU's are few."""
    return f"{milliseconds:.1f}" if milliseconds >= 10.0 else f"{milliseconds:.2f}"


def _compilation_of(row):
    seconds = row["to_compile_seconds"]
    return f"{row['trace_seconds']:.1f} + {row['compile_seconds']:.1f} ({min(seconds):.1f}-{max(seconds):.1f})"


def _to_compile_against(row, against):
    """The median of the ratios of compilations next to each other: what slows one down slows the other down."""
    return np.median(np.divide(row["to_compile_seconds"], against["to_compile_seconds"]))


def markdown_of(all_measured):
    """The comparison of all devices."""
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
    """Milliseconds per lane against the number of lanes, a line per mesh and device."""
    programs = sorted({row["what"] for measured in all_measured for row in measured["rows"]})
    figure, axes = plt.subplots(
        1, len(programs), figsize=(5.5 * len(programs), 4.5), layout="constrained", squeeze=False
    )
    for ax, what in zip(axes.flat, programs):
        for style, measured in zip(("-", "--", ":", "-."), all_measured):
            for mesh in dict.fromkeys(row["mesh"] for row in measured["rows"] if row["mesh"] != SCIPY):
                rows = [row for row in measured["rows"] if (row["mesh"], row["what"]) == (mesh, what)]
                label = f"{mesh}, {measured['device']}"
                ax.plot([r["lanes"] for r in rows], [r["ms_per_lane"] for r in rows], f"o{style}", label=label)
        ax.set(title=what, xlabel="lanes", ylabel="ms per lane", xscale="log", yscale="log")
    axes.flat[0].legend(fontsize=7)
    return figure


def file_name_of(words):
    """A name for a file, without its ending."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
