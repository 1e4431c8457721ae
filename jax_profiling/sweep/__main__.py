"""The gate over many lenses, on a cluster.

    .venv/bin/python -m jax_profiling.sweep --population 300 --draws 8
    .venv/bin/python -m jax_profiling.sweep --lenses FOLDER... --scheduler tcp://HOST:PORT --output FOLDER

A cell is a lens and a chunk of its parameter vectors. Each one's result is a file of its own in the output folder, and no cell
that has one is run again: a sweep that was stopped goes on by the same command. `summary.md` there says what was found.

The exit status is 0 if the default mesh passed on every lens, 1 if it failed on one or a cell was given up, 2 if the input is
bad or no cluster is to be had.
"""

import argparse
import importlib.util
import json
import os
import warnings
from pathlib import Path

import jax_profiling  # noqa: F401  isort: skip  (sets up JAX before anything imports it)

from filelock import FileLock, Timeout
from rich.console import Console

from jax_profiling.gate import provenance, verdict
from jax_profiling.lenses import population
from jax_profiling.sweep import records, summary
from jax_profiling.sweep.cells import CHUNK, Settings, cells_of, lens_folders_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write
from jax_profiling.terminal.progress import counted_progress_of
from jax_profiling.terminal.writing import write_aside

ROOT = Path(__file__).resolve().parents[2]


def arguments_from(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    lenses = parser.add_mutually_exclusive_group()
    lenses.add_argument(
        "--lenses", nargs="+", metavar="FOLDER", help="lens folders, folders of them, or names of lenses"
    )
    lenses.add_argument(
        "--population", type=at_least(1), metavar="N", help="N drawn lenses (jax_profiling/lenses/population.py)"
    )
    add("--seed", type=at_least(0), default=0, help="of the population (default 0)")
    add(
        "--priors",
        choices=population.PRIORS,
        default="truth",
        help="of the population: around the truth, or autolens's",
    )
    add(
        "--draws",
        type=at_least(0),
        default=8,
        help="parameter vectors drawn from the priors, beside their median (default 8)",
    )
    add("--rungs", default=verdict.DEFAULT_RUNG, help="comma-separated, as the gate has them (default delaunay)")
    add("--log-det", choices=("shipped", "accurate"), default="shipped", help="as the gate has it")
    add("--scheduler", default="local", help="local (default), tcp://HOST:PORT of one that runs, or slurm")
    add("--slurm", metavar="FILE", help="YAML of keyword arguments of dask_jobqueue.SLURMCluster")
    add("--job-script", action="store_true", help="print what would be submitted to SLURM, and submit nothing")
    add("--workers", type=at_least(1), help="processes of one thread (default one a core; of SLURM 1)")
    add(
        "--output",
        type=folder_to_write,
        default=ROOT / "results" / "local" / "sweep",
        help="folder of results and summary",
    )
    arguments = parser.parse_args(argv)
    arguments.rungs = [
        verdict.DEFAULT_RUNG,
        *filter(lambda rung: rung != verdict.DEFAULT_RUNG, arguments.rungs.split(",")),
    ]
    known = [*verdict.RUNGS, *verdict.PEERS]
    if unknown := sorted(set(arguments.rungs) - set(known)):
        parser.error(f"--rungs names {unknown[0]}, which is none of {', '.join(known)}.")
    if not arguments.job_script and not (arguments.lenses or arguments.population):
        parser.error("give --lenses FOLDER, or --population N.")
    return arguments


@command.refuses_bad_input
def main(argv=None):
    arguments = arguments_from(argv)
    if missing := [name for name in ("distributed", "dask_jobqueue") if importlib.util.find_spec(name) is None]:
        raise command.BadInput(
            f"{missing[0]} is not installed; install what a sweep needs with pip install '.[sweep]'."
        )
    from jax_profiling.sweep.cluster import slurm_cluster

    warnings.filterwarnings("ignore")
    if not arguments.job_script:
        return sweep(arguments, Console())
    with slurm_cluster(arguments.slurm) as cluster:
        print(cluster.job_script())
    return 0


def sweep(arguments, console):
    """Run the cells that have no result yet, and write the summary of all; the exit status."""
    from jax_profiling.sweep.cluster import client_of
    from jax_profiling.sweep.collect import collect

    if arguments.population:
        lenses = population.names_of(arguments.population, arguments.seed, arguments.priors)
    else:
        lenses = lens_folders_of(arguments.lenses)
    cells = cells_of(lenses, arguments.draws)
    settings = Settings(rungs=tuple(arguments.rungs), log_det=arguments.log_det)
    versions, folder = provenance.releases(), arguments.output
    with locked(folder):
        claim(folder, settings.as_json() | {"chunk": CHUNK, "versions": versions})
        filed = folder / "cells"
        todo = [cell for cell in cells if records.read(filed / f"{cell.key}.json") is None]
        print(f"{len(cells)} cells of {len(set(lenses))} lenses; {len(cells) - len(todo)} have a result.", flush=True)
        failed = {}
        if todo:
            with client_of(arguments.scheduler, arguments.workers, arguments.slurm) as client:
                print(f"Dashboard: {client.dashboard_link}", flush=True)
                with counted_progress_of(console, "cells", len(todo), folder / "sweep.log") as progress:
                    failed = collect(client, todo, settings, versions, filed, progress)
        found = summary.summary_from(cells, filed, settings, versions, failed)
        summary.write(found, folder)
    for line in summary.conclusion_from(found):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"Report: {os.path.relpath(folder)}/summary.md", highlight=False, soft_wrap=True)
    return 0 if found["passed"] else 1


def locked(folder):
    """A lock on an output folder, which it creates."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".sweep.lock")
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        raise command.BadInput(
            f"{folder}: another sweep is writing there; wait for it, or give another --output."
        ) from None


def claim(folder, own):
    """Say in `sweep.json` what the results of a folder are of, or check that they are of the same.

    Raises
    ------
    command.BadInput
        If the folder holds results of other versions or settings.
    """
    path = folder / "sweep.json"
    found = records.read(path)
    if found is None:
        with write_aside(folder) as aside:
            (aside / path.name).write_text(json.dumps(own, indent=1) + "\n")
        return
    for name, value in own.items():
        if found.get(name) != value:
            raise command.BadInput(
                f"{folder}: holds a sweep with {name} {found.get(name)}, not {value}; give another --output."
            )


if __name__ == "__main__":
    command.run(main)
