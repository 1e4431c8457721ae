"""What the gate found -> `summary.json`, `summary.md`, and a table for the terminal."""

import json
import math
from pathlib import Path

import autolens as al
import jax
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from jax_profiling.gate import figures, ladder, provenance
from jax_profiling.gate.verdict import DEFAULT_RUNG, PEERS, Gate
from jax_profiling.terminal.writing import write_aside

KINDS = ("undefined", "unstable", "tied", "dropped")
"""What a parameter vector can be to the reference (`reference.Reference`)."""

SAME_NATS = 1.0e-3
"""A mesh that is further from Delaunay at the prior median is approximate (nats)."""

QHULL = "Delaunay by Qhull"
"""The row of the reference as it stands, where the reference is Delaunay on the exact triangulation."""

COLUMNS = ("mesh", "log evidence", "nats off", "relative", "worst draw", "verdict")


def summary_from(gate: Gate):
    """The contents of `summary.json`; a number that is not finite becomes null, which JSON can hold."""
    return {
        "lens": gate.lens.name,
        "autolens": al.__version__,
        "jax": jax.__version__,
        "device": provenance.device(),
        "vertices": gate.lens.vertices,
        "data_points": gate.lens.data_points,
        "reference": {
            "mesh": "Delaunay",
            "log_evidence": _number(gate.log_evidence),
            "log_det": provenance.log_det(),
            "noise_nats": _number(_largest(gate.reference.noise)),
            **{kind: float(np.mean(getattr(gate.reference, kind))) for kind in KINDS},
        },
        "candidates": [
            {
                "rung": candidate.rung,
                "log_evidence": _number(candidate.log_evidence),
                "nats": _number(candidate.nats),
                "relative_error": _number(candidate.relative_error),
                "worst_nats": _number(candidate.worst_nats),
                "worst_relative_error": _number(candidate.worst_relative_error),
                "unexplained": int(candidate.unexplained.sum()),
                "worst_unexplained_nats": _number(_largest(candidate.errors[candidate.unexplained])),
                "draws": candidate.draws,
                "certified": candidate.certified,
                "verdict": candidate.verdict,
            }
            for candidate in gate.candidates
        ],
        "drift": None if gate.drift is None else vars(gate.drift),
        "passed": gate.passed,
    }


def _largest(values):
    """The largest of some numbers, those left out that are NaN; 0 if there is none."""
    return float(np.nanmax(values, initial=0.0))


def _number(value):
    return value if math.isfinite(value) else None


def rows_from(gate: Gate):
    """The verdict table, a tuple of strings per mesh in the order of `COLUMNS`."""
    reference = gate.reference
    noise = (f"{noise:.0e} of noise" for noise in (reference.noise[0], _largest(reference.noise)))
    rows = [("Delaunay (reference)", f"{gate.log_evidence:.6f}", next(noise), "", next(noise), "")]
    if reference.odd.any():
        away = f"{_largest(reference.distance):.1e} nats"
        rows.append((QHULL, f"{reference.as_it_stands:.6f}", "", "", away, "judges nothing"))
    for candidate in gate.candidates:
        worst = f"{candidate.worst_relative_error:.1e} of {candidate.draws}" if candidate.draws else "-"
        rows.append(
            (
                candidate.rung + (" (default)" if candidate.rung == DEFAULT_RUNG else ""),
                _log_evidence_of(candidate),
                f"{candidate.nats:+.1e}" if abs(candidate.nats) >= SAME_NATS else f"{candidate.nats:+.2e}",
                f"{candidate.relative_error:.1e}",
                worst,
                _verdict_of(candidate),
            )
        )
    return rows


def _log_evidence_of(candidate):
    """With the digits that are the same on every machine; those of approximate rungs differ by up to 0.06 nats."""
    if abs(candidate.nats) < SAME_NATS or math.isnan(candidate.nats):
        return f"{candidate.log_evidence:.6f}"
    return f"{candidate.log_evidence:.3f}" if candidate.rung in PEERS else f"{round(candidate.log_evidence, -1):.0f}"


def _verdict_of(candidate):
    return candidate.verdict + ("" if candidate.certified else ", not certified")


def conclusion_from(gate: Gate):
    """Sentences that end a report: the default rung's verdict, what the reference is worth and, apart from both, drift."""
    default = gate.default
    held = "it also holds the log evidence to 1e-4" if default.verdict == "drop-in" else "1e-4 does not hold"
    sentences = [
        f"the gate {'passed' if gate.passed else 'FAILED'}: the default rung is '{default.verdict}', "
        f"{default.worst_nats:.1e} nats off at worst ({held}).",
        *_of_reference(gate.reference, default),
    ]
    if gate.drift is not None:
        sentences.append(
            f"the library drifted: Delaunay gives {gate.drift.live:.6f} here and gave {gate.drift.pinned:.6f} under autolens "
            f"{gate.drift.release}; the verdict above is against the live value."
        )
    return [f"{gate.lens.name}: {sentence}" for sentence in sentences]


def _of_reference(reference, default):
    """Sentences on where the reference is unstable, is not Qhull's, does not explain the default rung, or is wrong."""
    count = len(reference.values)
    if reference.unstable.any():
        own, theirs = default.undefined
        yield (
            f"at {reference.unstable.sum()} of {count} vectors the reference is unstable: last bits of the parameters move it "
            f"by up to {_largest(reference.noise):.1e} nats; NaN are {theirs:.0%} of its evaluations there and {own:.0%} of "
            f"the default rung's{', which is too often' if default.undefined_more_often else ''}; at "
            f"{reference.undefined.sum()} it is never defined."
        )
    if reference.odd.any():
        yield (
            f"{reference.tied.sum()} of {count} meshes have several Delaunay triangulations, and of {reference.dropped.sum()} "
            f"Qhull leaves out vertices; there the reference is Delaunay on the exact triangulation. Qhull's answer is up to "
            f"{_largest(reference.distance):.1e} nats away from it, and moves by up to {_largest(reference.permutation):.1e} "
            f"with the order of the vertices."
        )
    if default.unexplained.any():
        yield (
            f"at {default.unexplained.sum()} of {count} vectors the reference's noise does not explain how far the default "
            f"rung is from it, {_largest(default.errors[default.unexplained]):.1e} nats at worst."
        )
    for fault in sorted({fault for fault in reference.faults if fault is not None}):
        yield f"the exact triangulation is not right ({fault}); nothing can be judged by it."


def table_from(gate: Gate):
    """The verdict table for the terminal."""
    table = Table(
        title=f"{gate.lens.name}: {gate.lens.vertices} vertices, {gate.lens.data_points} data points; {provenance.versions()}",
        title_justify="left",
        # So that all of it but long names of meshes is read at 80 columns, too.
        box=SIMPLE_HEAD,
        show_edge=False,
        collapse_padding=True,
        pad_edge=False,
    )
    for column in COLUMNS:
        justify = "left" if column in ("mesh", "verdict") else "right"
        table.add_column(column, justify=justify, no_wrap=column != "mesh", overflow="fold")
    for row in rows_from(gate):
        table.add_row(*row)
    return table


def markdown_from(gate: Gate):
    """The contents of `summary.md`."""
    lines = [
        f"# {gate.lens.name}",
        "",
        f"{gate.lens.vertices} vertices, {gate.lens.data_points} data points; {provenance.versions()}.",
        "",
        *markdown_table(COLUMNS, rows_from(gate)),
        "",
        *conclusion_from(gate),
        "",
        "![difference per mesh](verdicts.png)",
        "",
        *distribution_of(gate),
        "## The source at the prior median",
        "",
        "![the source on both meshes](reconstruction.png)",
        "",
        "## How far away a triangle's vertices are",
        "",
        "Of the data points inside the mesh's hull, the share whose triangle is among their k nearest vertices:",
        "",
        *markdown_table(("k", *map(str, ladder.NEIGHBOURS)), [("share", *shares_of(gate))]),
        "",
        "![data points by whether their three nearest vertices are their triangle](three_nearest.png)",
    ]
    return "\n".join(lines) + "\n"


LENS_COLUMNS = (
    *("lens", "vertices", "data points", "Delaunay", "nats off", "worst draw, nats", "relative", "draws"),
    *("noise, nats", "undefined, unstable, tied, dropped", "unexplained", "verdict", "gate", "library drifted"),
)


def nonzero(gate: Gate):
    """A gate in one line, strings in the order of `LENS_COLUMNS`: the default rung."""
    default, reference = gate.default, gate.reference
    return (
        gate.lens.name,
        str(gate.lens.vertices),
        str(gate.lens.data_points),
        f"{gate.log_evidence:.6f}",
        f"{default.nats:+.1e}",
        f"{default.errors[1:].max():.1e}" if default.draws else "-",
        f"{default.relative_errors[1:].max():.1e}" if default.draws else "-",
        str(default.draws),
        f"{_largest(reference.noise):.1e}",
        ", ".join(str(np.sum(getattr(reference, kind))) for kind in KINDS),
        str(default.unexplained.sum()),
        _verdict_of(default),
        "passed" if gate.passed else "FAILED",
        "no" if gate.drift is None else f"from {gate.drift.pinned:.6f}",
    )


def write_lines(lines, folder):
    """Write the `summary.md` of several lenses, given by their `nonzero`, into a folder."""
    text = [
        "# The gates of all lenses",
        "",
        f"{provenance.versions()}.",
        "",
        *markdown_table(LENS_COLUMNS, sorted(map(tuple, lines))),
    ]
    with write_aside(folder) as aside:
        (aside / "summary.md").write_text("\n".join(text) + "\n")


def markdown_table(columns, rows):
    """The lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)]


def distribution_of(gate: Gate):
    """Lines with quantiles of |nats off| over the draws; none where there are no draws."""
    if not any(candidate.draws for candidate in gate.candidates):
        return []
    rows = []
    for candidate in gate.candidates:
        judged = ~gate.reference.undefined[1:]
        quantiles = np.percentile(candidate.errors[1:][judged], (50, 90, 100), method="higher")
        rows.append((candidate.rung, *(f"{quantile:.1e}" for quantile in quantiles)))
    return ["## Nats off over the draws", "", *markdown_table(("mesh", "median", "90 %", "worst"), rows), ""]


def shares_of(gate: Gate):
    """`ladder.shares_from` in percent, as strings."""
    return [f"{100.0 * share:.1f} %" for share in ladder.shares_from(gate.mapper).values()]


def write(gate: Gate, folder):
    """Write the report of one lens into a folder; whole files only, even if interrupted.

    Returns
    -------
    Path
        The folder.
    """
    with write_aside(folder) as aside:
        (aside / "summary.json").write_text(json.dumps(summary_from(gate), indent=1, allow_nan=False) + "\n")
        (aside / "summary.md").write_text(markdown_from(gate))
        figures.save(figures.reconstruction_figure(gate), aside / "reconstruction.png")
        figures.save(figures.verdict_figure(gate), aside / "verdicts.png")
        figures.save(ladder.figure_from(gate.mapper), aside / "three_nearest.png")
    return Path(folder)
