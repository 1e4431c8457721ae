"""`summary.md`: the result of the gate on one lens as Markdown, and the page of several lenses."""

from jax_profiling.gate import provenance
from jax_profiling.gate.report import nearest_shares
from jax_profiling.gate.report.sentences import drift_sentence, reference_sentences, verdict_sentence
from jax_profiling.gate.report.table import COLUMNS, LENS_COLUMNS, quantile_rows_from, rows_from, summary_line
from jax_profiling.gate.verdict import Gate


def markdown_table(columns, rows):
    """The lines of a Markdown table. A bar inside a cell would end it."""
    rows = [[cell.replace("|", r"\|") for cell in cells] for cells in (columns, *rows)]
    return [f"| {' | '.join(cells)} |" for cells in (rows[0], ["---"] * len(columns), *rows[1:])]


def markdown_from(gate: Gate):
    """The contents of `summary.md` (str)."""
    lines = [
        f"# {gate.lens.name}",
        "",
        f"{gate.lens.vertices} vertices, {gate.lens.data_points} data points; {provenance.versions()}.",
        "",
        *markdown_table(COLUMNS, rows_from(gate)),
        "",
        *filter(None, (verdict_sentence(gate), *reference_sentences(gate), drift_sentence(gate))),
        "",
        "![error of every mesh](verdicts.png)",
        "",
    ]
    if quantiles := quantile_rows_from(gate):
        table = markdown_table(("mesh", "median", "90 %", "worst"), quantiles)
        lines += [f"## Errors over {gate.default.draws} draws, nats", "", *table, ""]
    lines += [
        "## The source at the prior median",
        "",
        "![the source on both meshes](reconstruction.png)",
        "",
        "## The mesh",
        "",
        "![the mesh in the image plane and in the source plane](mesh.png)",
        "",
        "## How near the vertices of a triangle are",
        "",
        "The share of data points (inside the hull) for which the Delaunay triangle is among the k nearest vertices:",
        "",
        *markdown_table(("k", *map(str, nearest_shares.NEIGHBOURS)), [("share", *nearest_shares.percentages_of(gate))]),
        "",
        "![data points, coloured by whether their three nearest vertices are their triangle](three_nearest.png)",
        "",
        "## The default mesh in one line",
        "",
        *markdown_table(LENS_COLUMNS, [summary_line(gate)]),
    ]
    return "\n".join(lines) + "\n"


def markdown_of_lenses(lines):
    """The page with one line per lens (str); `lines` come from `table.summary_line`."""
    text = [
        "# The gates of all lenses",
        "",
        f"{provenance.versions()}.",
        "",
        *markdown_table(LENS_COLUMNS, sorted(map(tuple, lines))),
    ]
    return "\n".join(text) + "\n"
