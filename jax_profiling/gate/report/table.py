"""The verdict table of one lens, and one line per lens for several."""

import math

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from jax_profiling.gate import provenance
from jax_profiling.gate.ladder import DEFAULT_RUNG, PEERS
from jax_profiling.gate.report.summary import KINDS, largest
from jax_profiling.gate.verdict import Gate

COLUMNS = ("mesh", "log evidence", "nats off", "relative", "worst, nats", "verdict")
"""Columns of the verdict table. The first errors are those at the prior median; the worst is that of all draws."""

QHULL, SHIPPED = "Delaunay by Qhull", "Delaunay as shipped"
"""The row of the shipped value: shown if the reference uses the exact triangulation at any vector, or counts otherwise."""

EXACT_NATS = 1.0e-3
"""A mesh further from Delaunay than this at the prior median is approximate, and its row has fewer digits (nats)."""

LENS_COLUMNS = (
    *("lens", "vertices", "data points", "Delaunay", "nats off", "worst draw, nats", "relative", "draws"),
    *("noise, nats", *KINDS, "unexplained", "verdict", "gate", "library drifted"),
)
"""Columns of the table with one line per lens."""


def title_from(gate: Gate):
    """The lens, its size, the releases and the device, in one line."""
    return (
        f"{gate.lens.name}: {gate.lens.vertices} vertices, {gate.lens.data_points} data points; {provenance.versions()}"
    )


def rows_from(gate: Gate):
    """The verdict table: one tuple of strings per mesh, in the order of `COLUMNS`. `±` is the noise of the reference (nats)."""
    reference = gate.reference
    at_median, at_worst = (f"± {noise:.0e}" for noise in (reference.noise[0], largest(reference.noise)))
    rows = [("Delaunay (reference)", f"{gate.log_evidence:.6f}", at_median, "", at_worst, "")]
    if not reference.is_shipped.all():
        name = QHULL if reference.uses_exact_triangulation.any() else SHIPPED
        error = f"{largest(reference.qhull_error):.1e} nats"
        rows.append((name, f"{reference.qhull_log_evidence:.6f}", "", "", error, "judges nothing"))
    for candidate in gate.candidates:
        worst = f"{candidate.errors[1:].max():.1e}" if candidate.draws else "-"
        rows.append(
            (
                candidate.rung + (" (default)" if candidate.rung == DEFAULT_RUNG else ""),
                _log_evidence_of(candidate),
                f"{candidate.nats:+.1e}" if abs(candidate.nats) >= EXACT_NATS else f"{candidate.nats:+.2e}",
                f"{candidate.relative_error:.1e}",
                worst,
                _verdict_of(candidate),
            )
        )
    return rows


def _log_evidence_of(candidate):
    """The log evidence with the digits that every machine agrees on; approximate rungs differ by up to 0.06 nats."""
    if abs(candidate.nats) < EXACT_NATS or math.isnan(candidate.nats):
        return f"{candidate.log_evidence:.6f}"
    return f"{candidate.log_evidence:.3f}" if candidate.rung in PEERS else f"{candidate.log_evidence:.0f}"


def _verdict_of(candidate):
    return candidate.verdict + ("" if candidate.certified else ", not certified")


def table_from(gate: Gate):
    """The verdict table for the terminal, a `rich.table.Table` that fits into 80 columns."""
    table = Table(
        title=Text(title_from(gate)),
        title_justify="left",
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


def quantile_rows_from(gate: Gate):
    """(mesh, median, 90 %, worst) of the errors over the draws (nats), as strings; empty without draws."""
    judged = ~gate.reference.undefined[1:]
    if not judged.any():
        return []
    rows = []
    for candidate in gate.candidates:
        quantiles = np.percentile(candidate.errors[1:][judged], (50, 90, 100), method="higher")
        rows.append((candidate.rung, *(f"{quantile:.1e}" for quantile in quantiles)))
    return rows


def summary_line(gate: Gate):
    """The default rung of one lens in one line: strings in the order of `LENS_COLUMNS`."""
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
        f"{largest(reference.noise):.1e}",
        *(str(np.sum(getattr(reference, kind))) for kind in KINDS),
        str(default.unexplained.sum()),
        _verdict_of(default),
        "passed" if gate.passed else "FAILED",
        "no" if gate.drift is None else f"from {gate.drift.pinned:.6f}",
    )
