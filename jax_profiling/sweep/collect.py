"""Send chunks to a cluster, write every result as it arrives, and retry failures."""

from collections import Counter, defaultdict

from distributed import as_completed

from jax_profiling.sweep import records, worker
from jax_profiling.sweep.cluster import ClusterError
from jax_profiling.terminal.command import one_line

RETRIES = 2
"""How often a failed chunk is retried, on another worker if there is one."""


def collect(client, chunks, settings, versions, folder, progress=lambda message: None):
    """Run chunks on a cluster and write their records into a folder.

    Parameters
    ----------
    client
        A `distributed.Client`.
    chunks
        The `Chunk`s to run.
    settings
        The `Settings` of the sweep.
    versions
        The releases that every record must come from (`provenance.releases`).
    folder
        The destination, one file per chunk.
    progress
        Called with a line of text whenever a chunk ends, with a result or without.

    Returns
    -------
    {key of a chunk: reason}, the chunks that have no result after all retries.

    Raises
    ------
    ClusterError
        If the scheduler disappears. Finished results are on disk by then.
    """
    tries, failed_workers, failures = Counter(), defaultdict(set), {}
    running = as_completed()
    chunks = {chunk.key: chunk for chunk in chunks}

    def submit(chunk):
        tries[chunk.key] += 1
        preference = {}
        if failed_workers[chunk.key]:
            others = set(client.scheduler_info(n_workers=-1)["workers"]) - failed_workers[chunk.key]
            # A preference only: without another worker the same one tries again.
            preference = {"workers": list(others), "allow_other_workers": True} if others else {}
        key = f"{chunk.key} {tries[chunk.key]}"
        running.add(client.submit(worker.attempt, chunk, settings, key=key, pure=False, **preference))

    for chunk in chunks.values():
        submit(chunk)
    for future in running:
        if client.status != "running" or future.cancelled():
            raise ClusterError("The scheduler disappeared; run the same command again to resume this sweep.")
        chunk = chunks[future.key.rpartition(" ")[0]]
        record, reason, address = _outcome_of(future)
        if record is not None and record["versions"] != versions:
            releases = ", ".join(f"{name} {release}" for name, release in record["versions"].items())
            record, reason = None, f"its worker has {releases}; install there the releases that are installed here"
        if record is not None:
            records.write(record, folder / f"{chunk.key}.json")
            progress(f"{chunk.key}: {record['seconds']:.1f} s")
        elif tries[chunk.key] <= RETRIES:
            failed_workers[chunk.key].add(address)
            submit(chunk)
        else:
            failures[chunk.key] = reason
            progress(f"{chunk.key}: failed: {reason}")
    return failures


def _outcome_of(future):
    """(record, reason, address of the worker) of a finished future."""
    try:
        # Raises if the chunk killed too many workers, or if its result is lost.
        return future.result()
    except Exception as error:
        return None, one_line(error), None
