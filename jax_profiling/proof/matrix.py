"""The production matrix: the gate on every kind of fit that people run.

    .venv/bin/python -m jax_profiling.proof.matrix --workers 2

runs the cells of `jax_profiling.proof.cells` on the default rung, writes a JSON file for each under `results/matrix/`, and from
all of them `docs/matrix.md` and its picture. `--cells` runs some of them, `--page` none.
"""

import argparse
import json
import logging
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import jax_profiling  # noqa: F401  isort: skip  (sets up JAX before anything imports it)

import jax
from autoarray.inversion.mesh.mesh.delaunay import Delaunay
from rich.console import Console

from jax_profiling.gate import report, verdict
from jax_profiling.gate.likelihood import Likelihood, log_dets
from jax_profiling.proof import matrix_page
from jax_profiling.proof.cells import CELLS, lens_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import write_aside

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "matrix"


def runs_under_jit(lens):
    """Whether Delaunay itself can be traced on a lens; autoarray's neighbours of vertices are NumPy's."""
    delaunay = Likelihood(lens, Delaunay)
    try:
        jax.eval_shape(delaunay.evidence, delaunay.prior_medians)
    except (TypeError, jax.errors.JAXTypeError):
        return False
    return True


def summary_of(cell, log_det="shipped", progress=lambda message: None):
    """The summary of a cell's gate; whether Delaunay itself can run as the mesh does; the penalty of positions."""
    lens = lens_of(cell)
    traced = not lens.use_jax or runs_under_jit(lens)
    with log_dets(log_det == "accurate"):
        found = verdict.run(
            lens,
            rungs=[verdict.DEFAULT_RUNG],
            draws=cell.draws,
            moves=cell.moves,
            batch=cell.batch,
            reference_on_numpy=not traced,
            progress=progress,
        )
        summary = report.summary_from(found)
    return summary | {
        "delaunay_under_jit": traced,
        "is_delaunay": found.default.is_delaunay,
        "penalty": float(found.reference.penalties[0]),
    }


def measure(key, log_det):
    """Run the gate of one cell, write its JSON, and say how it went."""
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore")
    with progress_of(Console(), f"{key}, {log_det}") as progress:
        summary = summary_of(CELLS[key], log_det, progress)
    with write_aside(RESULTS) as aside:
        (aside / f"{key}.{log_det}.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n")
    found = summary["candidates"][0]
    worst, unexplained = found["worst_nats"], found["unexplained"]
    print(f"{key}, {log_det}: {found['verdict']}, {worst} nats at worst, {unexplained} unexplained.", flush=True)


@command.refuses_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--cells", help="comma-separated keys, each of a cell or of what several begin with (default all)"
    )
    parser.add_argument(
        "--workers", type=at_least(1), default=1, help="processes, each on cores of its own (default 1)"
    )
    parser.add_argument("--page", action="store_true", help="measure nothing, only rewrite the page")
    arguments = parser.parse_args(argv)
    begins = tuple((arguments.cells or "").split(","))
    if unknown := [each for each in begins if not any(key.startswith(each) for key in CELLS)]:
        parser.error(f"--cells names {unknown[0]}, which no cell begins with; give any of {', '.join(CELLS)}.")
    chosen = [cell for key, cell in CELLS.items() if key.startswith(begins)]
    tasks = [(cell.key, "shipped") for cell in chosen] + [(cell.key, "accurate") for cell in chosen if cell.accurate]
    failed = [] if arguments.page else run(tasks, arguments.workers)
    for task in failed:
        print(f"{', '.join(task)}: failed, its reason is above.", file=sys.stderr)
    found = matrix_page.write(RESULTS, ROOT / "docs")
    return 1 if failed or not all(summary["passed"] for summary in found) else 0


def run(tasks, workers):
    """Run (key, log determinant) tasks, each in a process of its own; those that failed."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    shares = [set(cores[number::workers]) or set(cores) for number in range(workers)]

    def pin():
        # A thread's cores are those of the processes that it starts.
        if cores:
            os.sched_setaffinity(0, shares.pop())

    def run_one(task):
        # Spawned, because JAX cannot be forked; its memory and compiled programs end with it.
        process = get_context("spawn").Process(target=measure, args=task, daemon=True)
        process.start()
        process.join()
        return process.exitcode

    with ThreadPoolExecutor(workers, initializer=pin) as pool:
        return [task for task, status in zip(tasks, pool.map(run_one, tasks)) if status]


if __name__ == "__main__":
    command.run(main)
