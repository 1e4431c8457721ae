"""Both speed instruments, and the speed page's speed tables from what they wrote.

    .venv/bin/python -m jax_profiling.speed.bench

runs `jax_profiling.speed.probe` and `delaunax/benchmarks/pieces.py`, writes their JSON under `results/`, and replaces what
stands in docs/speed.md between the two comments that name this command. `--tables` only does the last.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import jax_profiling  # noqa: F401  isort: skip  (sets up JAX before anything imports it)

import autolens as al
import jax

from jax_profiling.gate import provenance, report
from jax_profiling.speed import probe, tables
from jax_profiling.terminal import command
from jax_profiling.terminal.writing import write_aside

ROOT = Path(__file__).resolve().parents[2]
PIECES = ROOT / "results" / "pieces"
LANES = "triangulate, 20 lanes of a batch together"
BEGIN, END = "<!-- from here: make bench -->", "<!-- to here: make bench -->"


def run_pieces():
    """Run `delaunax/benchmarks/pieces.py`, and keep its medians and quartiles (ms) and the programs' scratch memory (bytes)."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "benchmark.json"
        options = ["-o", "addopts=--import-mode=importlib", "-q", f"--benchmark-json={path}"]
        subprocess.run(
            [sys.executable, "-m", "pytest", ROOT / "delaunax" / "benchmarks" / "pieces.py", *options],
            cwd=ROOT,
            check=True,
        )
        benchmarks = json.loads(path.read_text())["benchmarks"]
    rows = [
        {
            **each["params"],
            "ms": 1.0e3 * each["stats"]["median"],
            "quartiles": [1.0e3 * each["stats"][key] for key in ("q1", "q3")],
            **each["extra_info"],
        }
        for each in benchmarks
    ]
    measured = {"autolens": al.__version__, "jax": jax.__version__, "device": provenance.device(), "rows": rows}
    with write_aside(PIECES) as aside:
        name = tables.file_name_of(measured["device"])
        (aside / f"{name}.json").write_text(json.dumps(measured, indent=1) + "\n")


def growth_of(measured):
    """The lines of a Markdown table: milliseconds of every piece at every size, then the sum and what others take."""
    columns = list(dict.fromkeys((row["distribution"], row["size"]) for row in measured["rows"] if row.get("piece")))
    milliseconds = {(row.get("piece", LANES), row["distribution"], row["size"]): row["ms"] for row in measured["rows"]}

    def cells(piece, of=lambda value: f"{value:.1f}"):
        return [of(milliseconds[piece, *column]) if (piece, *column) in milliseconds else "" for column in columns]

    def ratio(ours, theirs):
        together = [
            [sum(milliseconds[piece, *column] for piece in pieces) for column in columns] for pieces in (ours, theirs)
        ]
        return [f"{one / other:.2f}" for one, other in zip(*together)]

    rows = [
        (piece, *cells(piece)) for piece in ("triangulate", "locate", "weights", "Qhull", "find_simplex", "Triangle")
    ]
    rows.append((LANES, *cells(LANES)))
    rows.append(("triangulate over Qhull", *ratio(["triangulate"], ["Qhull"])))
    rows.append(("triangulate over Triangle", *ratio(["triangulate"], ["Triangle"])))
    rows.append(
        ("all over Qhull + find_simplex", *ratio(["triangulate", "locate", "weights"], ["Qhull", "find_simplex"]))
    )
    return report.markdown_table(("ms", *(f"{size} {distribution}" for distribution, size in columns)), rows)


def lines_of_tables():
    """The lines that stand in the page, from every JSON that is committed."""
    lines = []
    for path in sorted(probe.RESULTS.glob("*.json")):
        measured = json.loads(path.read_text())
        lines += [
            "",
            f"{measured['device']}, {measured['precision']}, autolens {measured['autolens']}, jax {measured['jax']}; lens "
            f"{measured['lens']}, median of {measured['repeats']} interleaved calls:",
            "",
            *tables.table_of(measured),
            *tables.decomposition_table_of(measured),
        ]
    for path in sorted(PIECES.glob("*.json")):
        measured = json.loads(path.read_text())
        lines += ["", f"The pieces alone, 8 queries per vertex, {measured['device']}:", "", *growth_of(measured)]
    return [*lines, ""]


def rewrite(page, lines, begin=BEGIN, end=END):
    """A speed page's text with `lines` between two comments.

    Raises
    ------
    command.BadInput
        If the comments are not there once each, in order.
    """
    before, found, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end) or begin in rest or end in after:
        raise command.BadInput(
            f"docs/speed.md needs the lines {begin!r} and {end!r} once each, in this order; put them back."
        )
    return "\n".join([f"{before}{begin}", *lines, f"{end}{after}"])


def rewrite_page(lines, begin=BEGIN, end=END):
    """`rewrite` the speed page itself."""
    page = ROOT / "docs" / "speed.md"
    text = rewrite(page.read_text(), lines, begin, end)
    with write_aside(page.parent) as aside:
        (aside / page.name).write_text(text)


@command.refuses_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", action="store_true", help="measure nothing, only rewrite the page")
    arguments = parser.parse_args(argv)
    if not arguments.tables:
        probe.main(["--steps"])
        run_pieces()
    rewrite_page(lines_of_tables())
    return 0


if __name__ == "__main__":
    command.run(main)
