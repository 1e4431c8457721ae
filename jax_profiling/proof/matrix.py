"""The production matrix: the gate on every kind of fit that PyAutoLens users run.

    .venv/bin/python -m jax_profiling.proof.matrix --workers 2

Runs the default rung on the cases of `jax_profiling.proof.fit_cases`, and `NaturalNeighbor` on some of them. It writes one
JSON file per case and variant to `results/matrix/`. Then it rewrites `docs/proofs/matrix.md` and its figure from all files.
`--cases` and `--variants` select tasks; `--page` measures nothing.
"""

import argparse
import logging
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import jax
from autoarray.inversion.mesh.mesh.delaunay import Delaunay
from rich.console import Console

from jax_profiling import ROOT
from jax_profiling.gate import natural_neighbors, report, verdict
from jax_profiling.gate.ladder import DEFAULT_RUNG
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.patches import log_dets
from jax_profiling.proof import matrix_page
from jax_profiling.proof.fit_cases import CASES, NATURAL_NEIGHBORS, lens_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import atomic_writes, write_json

RESULTS = ROOT / "results" / "matrix"
PAGES = ROOT / "docs" / "proofs"

TASKS = (
    *((key, "shipped") for key in CASES),
    *((key, "accurate") for key, case in CASES.items() if case.accurate),
    *((key, "natural_neighbors") for key in NATURAL_NEIGHBORS),
)
"""(key, variant): the default rung with the shipped or the accurate log determinants, and `NaturalNeighbor`."""


def runs_under_jit(lens):
    """Whether `al.mesh.Delaunay` can be traced on a lens. Regularization by neighbours runs on NumPy there."""
    delaunay = Likelihood(lens, Delaunay)
    try:
        jax.eval_shape(delaunay.evidence, delaunay.prior_medians)
    except (TypeError, jax.errors.JAXTypeError):
        return False
    return True


def summary_of(case, log_det="shipped", progress=lambda message: None):
    """Run the gate on a fit case.

    Returns
    -------
    dict
        `report.summary_from`, with "draws", "delaunay_under_jit" (whether Delaunay ran under JAX too), "is_delaunay"
        (`Candidate.is_delaunay`) and "penalty" (of positions, nats).
    """
    lens = lens_of(case)
    traced = not lens.use_jax or runs_under_jit(lens)
    with log_dets(log_det == "accurate"):
        found = verdict.run(
            lens,
            rungs=[DEFAULT_RUNG],
            draws=case.draws,
            perturbations=case.perturbations,
            batch=case.batch,
            reference_on_numpy=not traced,
            progress=progress,
        )
        summary = report.summary_from(found)
    return summary | {
        "draws": case.draws,
        "delaunay_under_jit": traced,
        "is_delaunay": found.default.is_delaunay,
        "penalty": float(found.reference.penalties[0]),
    }


def summary_of_natural_neighbors(case):
    """`report.summary_from` of `NaturalNeighbor` on a fit case, with "draws" and "penalty" (of positions, nats).

    The reference has right weights (`gate.natural_neighbors`).
    """
    lens = lens_of(case)
    candidate = natural_neighbors.candidate_of(lens, case.draws, case.perturbations, case.batch)
    gate = verdict.Gate(lens, candidate.reference, [candidate], drift=None, mapper=None, sources={})
    summary = report.summary_from(gate)
    summary["reference"]["mesh"] = "right natural neighbour weights"
    penalty = float(candidate.reference.penalties[0])
    return summary | {"passed": candidate.passed, "draws": case.draws, "penalty": penalty}


def measure(key, variant):
    """Run one task, write its JSON file and print its result."""
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore")
    if variant == "natural_neighbors":
        summary = summary_of_natural_neighbors(NATURAL_NEIGHBORS[key])
    else:
        with progress_of(Console(), f"{key}, {variant}") as progress:
            summary = summary_of(CASES[key], variant, progress)
    with atomic_writes(RESULTS) as scratch:
        write_json(summary, scratch / f"{key}.{variant}.json")
    found = summary["candidates"][0]
    worst, unexplained = found["worst_nats"], found["unexplained"]
    print(f"{key}, {variant}: {found['verdict']}, {worst} nats at worst, {unexplained} unexplained.", flush=True)


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--cases",
        default=",".join(CASES),
        help="comma-separated keys of fit cases, or the beginnings of keys (default all)",
    )
    variants = sorted({variant for _, variant in TASKS})
    parser.add_argument("--variants", nargs="+", choices=variants, default=variants, help="some of them (default all)")
    parser.add_argument("--workers", type=at_least(1), default=1, help="processes, each on its own cores (default 1)")
    parser.add_argument("--page", action="store_true", help="measure nothing, only rewrite the page")
    arguments = parser.parse_args(argv)
    begins = tuple(filter(None, arguments.cases.split(",")))
    if unknown := [each for each in begins if not any(key.startswith(each) for key in CASES)]:
        parser.error(f"--cases: no key begins with {unknown[0]}; give any of {', '.join(CASES)}.")
    tasks = [(key, variant) for key, variant in TASKS if key.startswith(begins) and variant in arguments.variants]
    failed = [] if arguments.page else run(tasks, arguments.workers)
    for task in failed:
        print(f"{', '.join(task)}: failed; the reason is printed above.", file=sys.stderr)
    found = matrix_page.write(RESULTS, PAGES)
    return 1 if failed or not all(summary["passed"] for summary in found) else 0


def run(tasks, workers):
    """Run (key, variant) tasks in one process each, and return the tasks that failed."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    shares = [set(cores[number::workers]) or set(cores) for number in range(workers)]

    def pin():
        # Processes inherit the cores of the thread that starts them.
        if cores:
            os.sched_setaffinity(0, shares.pop())

    def run_one(task):
        # Spawned because JAX cannot be forked. Memory and compiled programs end with the process.
        process = get_context("spawn").Process(target=measure, args=task, daemon=True)
        process.start()
        process.join()
        return process.exitcode

    with ThreadPoolExecutor(workers, initializer=pin) as pool:
        return [task for task, status in zip(tasks, pool.map(run_one, tasks)) if status]


if __name__ == "__main__":
    command.run(main)
