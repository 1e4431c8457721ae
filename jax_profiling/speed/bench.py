"""Both speed instruments, and the README's speed tables from what they wrote.

    .venv/bin/python -m jax_profiling.speed.bench

runs `jax_profiling.probe` and `benchmarks/pieces.py`, writes their JSON under `results/`, and replaces what stands in the
README between the two comments that name this command. `--tables` only does the last.
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

from jax_profiling.gate import report
from jax_profiling.speed import probe
from jax_profiling.terminal import command
from jax_profiling.terminal.writing import write_aside

ROOT = Path(__file__).resolve().parents[2]
PIECES = ROOT / "results" / "pieces"
BEGIN, END = "<!-- from here: make bench -->", "<!-- to here: make bench -->"


def run_pieces():
    """Run `benchmarks/pieces.py`, and keep its medians and quartiles (ms) and the programs' scratch memory (bytes)."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "benchmark.json"
        options = ["-o", "addopts=--import-mode=importlib", "-q", f"--benchmark-json={path}"]
        subprocess.run(
            [sys.executable, "-m", "pytest", ROOT / "benchmarks" / "pieces.py", *options], cwd=ROOT, check=True
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
    measured = {"autolens": al.__version__, "jax": jax.__version__, "device": report.device(), "rows": rows}
    with write_aside(PIECES) as aside:
        name = probe.file_name_of(measured["device"])
        (aside / f"{name}.json").write_text(json.dumps(measured, indent=1) + "\n")


def growth_of(measured):
    """The lines of a Markdown table: milliseconds of every piece at every size, then their sum, its growth and SciPy's."""
    sizes = sorted({row["size"] for row in measured["rows"]})
    milliseconds = {(row["piece"], row["size"]): row["ms"] for row in measured["rows"]}
    pieces = list(dict.fromkeys(row["piece"] for row in measured["rows"]))
    rows = [(piece, *(f"{milliseconds[piece, size]:.1f}" for size in sizes)) for piece in pieces]

    def together(size, names):
        return sum(milliseconds[name, size] for name in names)

    ours, theirs = ("stars", "locate", "weights"), ("Qhull", "find_simplex")
    per_vertex = [1.0e3 * together(size, ours) / size for size in sizes]
    ratios = [together(size, ours) / together(size, theirs) for size in sizes]
    rows.append(("stars + locate + weights, us per vertex", *(f"{each:.1f}" for each in per_vertex)))
    rows.append(("the same over Qhull + find_simplex", *(f"{each:.2f}" for each in ratios)))
    scratch = {row["size"]: row["peak_bytes"] for row in measured["rows"] if row["piece"] == "stars"}
    rows.append(("stars, scratch memory, bytes per vertex", *(f"{scratch[size] / size:.0f}" for size in sizes)))
    return report.markdown_table(("ms", *(f"{size} vertices" for size in sizes)), rows)


def tables():
    """The lines that stand in the README, from every JSON that is committed."""
    lines = []
    for path in sorted(probe.RESULTS.glob("*.json")):
        measured = json.loads(path.read_text())
        lines += [
            "",
            f"{measured['device']}, {measured['precision']}, autolens {measured['autolens']}, jax {measured['jax']}; lens "
            f"{measured['lens']}, median of {measured['repeats']} interleaved calls:",
            "",
            *probe.table_of(measured),
            *probe.decomposition_table_of(measured),
        ]
    for path in sorted(PIECES.glob("*.json")):
        measured = json.loads(path.read_text())
        lines += ["", f"The pieces alone, 8 queries per vertex, {measured['device']}:", "", *growth_of(measured)]
    return [*lines, ""]


def rewrite(readme, lines):
    """A README's text with `lines` between the two comments.

    Raises
    ------
    ValueError
        If the comments are not there once each, in order.
    """
    before, found, rest = readme.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not (found and found_end) or BEGIN in rest or END in after:
        raise ValueError(f"README.md needs the lines {BEGIN!r} and {END!r} once each, in this order; put them back.")
    return "\n".join([f"{before}{BEGIN}", *lines, f"{END}{after}"])


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", action="store_true", help="measure nothing, only rewrite the README")
    arguments = parser.parse_args(argv)
    if not arguments.tables:
        probe.main(["--steps"])
        run_pieces()
    try:
        text = rewrite((ROOT / "README.md").read_text(), tables())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    with write_aside(ROOT) as aside:
        (aside / "README.md").write_text(text)
    return 0


if __name__ == "__main__":
    command.run(main)
