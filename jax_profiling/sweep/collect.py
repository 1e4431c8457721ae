"""Hand cells to a cluster, write each result when it arrives, and try again what failed."""

from collections import Counter

from distributed import as_completed

from jax_profiling.sweep import records
from jax_profiling.sweep.cluster import ClusterError
from jax_profiling.sweep.measure import attempt

RETRIES = 2
"""How often a cell that failed is tried again, on another worker where there is one."""


def collect(client, cells, settings, versions, folder, progress=lambda cell, words: None):
    """Run cells on a cluster and file their records in a folder.

    Parameters
    ----------
    client
        A `distributed.Client`.
    cells
        The `Cell`s to run.
    settings
        The `Settings` of the sweep.
    versions
        Of which releases a record has to be (`report.releases`).
    folder
        Where records go, one file for each cell.
    progress
        Called with a cell and a line of text whenever one is done or given up.

    Returns
    -------
    {key of a cell: reason}, of those that were given up.

    Raises
    ------
    ClusterError
        If the scheduler goes away; what was done is filed.
    """
    tries, refused, failed = Counter(), {}, {}
    running = as_completed()
    cells = {cell.key: cell for cell in cells}

    def submit(cell):
        tries[cell.key] += 1
        others = [
            each for each in client.scheduler_info(n_workers=-1)["workers"] if each not in refused.get(cell.key, ())
        ]
        future = client.submit(
            attempt,
            cell,
            settings,
            key=f"{cell.key} {tries[cell.key]}",
            # Whoever is left takes it where no other worker is.
            workers=others if refused.get(cell.key) and others else None,
            allow_other_workers=bool(refused.get(cell.key) and others),
            pure=False,
        )
        running.add(future)

    for cell in cells.values():
        submit(cell)
    for future in running:
        if client.status != "running" or future.cancelled():
            raise ClusterError("The scheduler went away; the same command goes on where this sweep was.")
        cell = cells[future.key.rpartition(" ")[0]]
        record, reason, worker = _outcome_of(future)
        if record is not None and record["versions"] != versions:
            found = ", ".join(f"{name} {release}" for name, release in record["versions"].items())
            record, reason = None, f"its worker has {found}; install there what is installed here"
        if record is not None:
            records.write(record, folder / f"{cell.key}.json")
            progress(cell, f"{record['seconds']:.1f} s")
        elif tries[cell.key] <= RETRIES:
            refused.setdefault(cell.key, []).append(worker)
            submit(cell)
        else:
            failed[cell.key] = reason
            progress(cell, f"given up: {reason}")
    return failed


def _outcome_of(future):
    """(record, reason, worker) of a future that is done."""
    worker = None
    try:
        if future.status == "finished":
            record, reason, worker = future.result()
            return record, reason, worker
        error = future.exception()
    except Exception as raised:
        error = raised
    words = " ".join(str(error).split())
    return None, f"{type(error).__name__}: {words[:200]}", worker
