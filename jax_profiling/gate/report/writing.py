"""Write the report of one lens, or the page of several, into a folder."""

from pathlib import Path

from jax_profiling.gate.report import figures, nearest_shares
from jax_profiling.gate.report.html import html_from
from jax_profiling.gate.report.markdown import markdown_from, markdown_of_lenses
from jax_profiling.gate.report.summary import summary_from
from jax_profiling.gate.verdict import Gate
from jax_profiling.terminal.writing import atomic_writes, write_json

HTML = "report.html"
"""Name of the page that a person opens."""


def figures_of(gate: Gate):
    """Yield (name, figure) of every figure of a report."""
    yield "reconstruction", figures.reconstruction_figure(gate)
    yield "mesh", figures.mesh_figure(gate)
    yield "verdicts", figures.verdict_figure(gate)
    yield "three_nearest", nearest_shares.figure_from(gate.mapper)


def write(gate: Gate, folder, command=()):
    """Write the report of one lens; the folder never holds half a file, even after an interrupt.

    Parameters
    ----------
    gate
        The result.
    folder
        Where `summary.json`, `summary.md`, `report.html` and the figures go.
    command
        The words of the command that repeats the run.

    Returns
    -------
    Path
        The HTML page.
    """
    with atomic_writes(folder) as scratch:
        images = {}
        for name, figure in figures_of(gate):
            figures.save(figure, scratch / f"{name}.png")
            images[name] = (scratch / f"{name}.png").read_bytes()
        write_json(summary_from(gate), scratch / "summary.json")
        (scratch / "summary.md").write_text(markdown_from(gate))
        (scratch / HTML).write_text(html_from(gate, images, command))
    return Path(folder) / HTML


def write_lines(lines, folder):
    """Write the `summary.md` of several lenses into a folder; `lines` come from `table.summary_line`."""
    with atomic_writes(folder) as scratch:
        (scratch / "summary.md").write_text(markdown_of_lenses(lines))
