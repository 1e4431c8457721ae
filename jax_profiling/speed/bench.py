"""Run both speed instruments and write the tables of docs/speed.md.

    .venv/bin/python -m jax_profiling.speed.bench

This command runs `jax_profiling.speed.probe` and `delaunax/benchmarks/pieces.py`, and writes their JSON under `results/`. Then
it replaces the text of docs/speed.md between the two comments that name the command. `--tables` does only that.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import autolens as al
import jax

from jax_profiling import ROOT
from jax_profiling.gate import provenance, report
from jax_profiling.speed import probe, tables
from jax_profiling.terminal import command
from jax_profiling.terminal.pages import rewrite_part
from jax_profiling.terminal.writing import atomic_writes, write_json

PAGE = ROOT / "docs" / "speed.md"
PIECES = ROOT / "results" / "pieces"
BATCH_ROW = "triangulate, a batch of 20 lanes"
BEGIN, END = "<!-- from here: make bench -->", "<!-- to here: make bench -->"


def run_pieces():
    """Run `delaunax/benchmarks/pieces.py`. Write medians and quartiles (ms) and the programs' scratch memory (bytes)."""
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
    results = {"autolens": al.__version__, "jax": jax.__version__, "device": provenance.device(), "rows": rows}
    with atomic_writes(PIECES) as scratch:
        name = tables.file_name_of(results["device"])
        write_json(results, scratch / f"{name}.json")


def pieces_table_of(results):
    """A Markdown table: milliseconds of every piece and of its peers by size, and their ratios."""
    columns = list(dict.fromkeys((row["distribution"], row["size"]) for row in results["rows"] if row.get("piece")))
    milliseconds = {
        (row.get("piece", BATCH_ROW), row["distribution"], row["size"]): row["ms"] for row in results["rows"]
    }

    def cells(piece, of=lambda value: f"{value:.1f}"):
        return [of(milliseconds[piece, *column]) if (piece, *column) in milliseconds else "" for column in columns]

    def ratio(pieces, peers):
        sums = [[sum(milliseconds[name, *column] for name in names) for column in columns] for names in (pieces, peers)]
        return [f"{one / other:.2f}" for one, other in zip(*sums)]

    rows = [
        (piece, *cells(piece)) for piece in ("triangulate", "locate", "weights", "Qhull", "find_simplex", "Triangle")
    ]
    rows.append((BATCH_ROW, *cells(BATCH_ROW)))
    rows.append(("triangulate over Qhull", *ratio(["triangulate"], ["Qhull"])))
    rows.append(("triangulate over Triangle", *ratio(["triangulate"], ["Triangle"])))
    rows.append(
        ("all over Qhull + find_simplex", *ratio(["triangulate", "locate", "weights"], ["Qhull", "find_simplex"]))
    )
    return report.markdown_table(("ms", *(f"{size} {distribution}" for distribution, size in columns)), rows)


def lines_of_tables():
    """The lines of the page, from the JSON of all devices."""
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
        lines += ["", f"The pieces alone, 8 queries per vertex, {measured['device']}:", "", *pieces_table_of(measured)]
    return [*lines, ""]


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", action="store_true", help="measure nothing, only rewrite the page")
    arguments = parser.parse_args(argv)
    if not arguments.tables:
        if status := probe.main(["--steps"]):
            return status
        run_pieces()
    rewrite_part(PAGE, lines_of_tables(), BEGIN, END)
    return 0


if __name__ == "__main__":
    command.run(main)
