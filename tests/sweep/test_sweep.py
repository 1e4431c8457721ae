"""Sweeps on a cluster: results, resumption, failures and rejected input."""

import importlib.util
import json
import os
import shutil
import signal

import numpy as np
import pytest

from jax_profiling.gate import provenance, verdict
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.sweep import __main__ as command
from jax_profiling.sweep import records
from jax_profiling.sweep.chunks import Chunk, Settings, chunks_of
from jax_profiling.sweep.cluster import ClusterError, client_of
from jax_profiling.sweep.collect import RETRIES, collect

# One xdist worker runs all of them, because they share one cluster and one sweep.
pytestmark = pytest.mark.xdist_group("sweep")

QUICK = Settings(perturbations=1)


@pytest.fixture(scope="module")
def broken(names, tmp_path_factory):
    """A lens folder with a corrupt FITS file."""
    folder = tmp_path_factory.mktemp("lenses") / "broken"
    shutil.copytree(lens_folder.load(names[0]).folder, folder)
    (folder / "data.fits").write_text("nothing")
    return folder


@pytest.fixture(scope="module")
def client():
    """A cluster of one worker, which compiles each program once for all tests."""
    with client_of("local", workers=1) as client:
        yield client


@pytest.fixture(scope="module")
def sweep(client):
    """Run the command on the cluster: (output folder, lenses) -> exit status."""
    return lambda folder, *lenses: run(folder, *lenses, scheduler=client.scheduler.address)


@pytest.fixture(scope="module")
def swept(names, broken, sweep, tmp_path_factory):
    """The output folder of a sweep over four lenses and a broken one, and its exit status."""
    folder = tmp_path_factory.mktemp("sweep")
    return folder, sweep(folder, *names, broken)


def run(folder, *lenses, scheduler="local"):
    options = ["--draws", "1", "--workers", "1", "--scheduler", scheduler, "--output", str(folder)]
    return command.main(["--lenses", *map(str, lenses), *options])


def modification_times(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "chunks").glob("*.json")}


def test_sweep_judges_lenses_as_the_gate_does(names, swept):
    folder, _ = swept
    summary = json.loads((folder / "summary.json").read_text())
    assert [lens["name"] for lens in summary["lenses"]] == names
    for lens in summary["lenses"]:
        assert lens["candidates"][verdict.DEFAULT_RUNG]["verdict"] == "drop-in"
    assert summary["versions"] == provenance.releases()
    # The program of the first lens has evaluated the second one.
    gate = verdict.run(lens_folder.load(names[1]), rungs=[verdict.DEFAULT_RUNG], draws=1)
    record = records.read(folder / "chunks" / f"{names[1]}.0-2.json")
    reference, (candidate,) = records.reference_and_candidates_of([record])
    np.testing.assert_allclose(reference.log_evidence, gate.log_evidence, rtol=1.0e-9)
    assert (candidate.verdict, list(reference.unstable)) == (gate.default.verdict, list(gate.reference.unstable))


def test_broken_lens_is_reported_and_sweep_ends(swept, broken):
    folder, status = swept
    assert status == 1
    text = (folder / "summary.md").read_text()
    assert f"| {broken.name}.0-2 | {broken}/data.fits: is not readable as FITS" in text
    assert "FAILED" in text


def test_second_sweep_recomputes_nothing(names, swept, sweep, capsys):
    folder, _ = swept
    before = modification_times(folder)
    assert len(before) == len(names)
    assert sweep(folder, *names) == 0
    assert "4 chunks of 4 lenses; 4 have a result." in capsys.readouterr().out
    assert modification_times(folder) == before


def test_stopped_sweep_resumes(names, swept, sweep, tmp_path):
    folder = tmp_path / "stopped"
    shutil.copytree(swept[0], folder)
    before = modification_times(folder)
    (folder / "chunks" / f"{names[2]}.0-2.json").unlink()
    (folder / "chunks" / f"{names[3]}.0-2.json").write_text('{"lens": "popu')
    assert sweep(folder, *names) == 0
    after = modification_times(folder)
    assert {name for name in before if after[name] != before[name]} == {f"{lens}.0-2.json" for lens in names[2:]}
    log = (folder / "sweep.log").read_text().splitlines()
    assert [line.split("]")[1].split(",")[0].strip() for line in log[-2:]] == ["1 of 2", "2 of 2"]


def test_other_versions_or_settings_are_rejected(names, swept, sweep, tmp_path, capsys):
    folder = tmp_path / "other"
    shutil.copytree(swept[0], folder)
    own = json.loads((folder / "sweep.json").read_text())
    for change in ({"versions": {"autolens": "2020.1.1.1"}}, {"log_det": "accurate"}):
        (folder / "sweep.json").write_text(json.dumps(own | change))
        assert sweep(folder, *names) == 2
        error = capsys.readouterr().err
        assert "give another --output" in error
        assert len(error.splitlines()) == 1


def test_locked_folder_rejects_a_second_sweep(names, swept, sweep, capsys):
    folder, _ = swept
    with command.lock_of(folder):
        assert sweep(folder, *names) == 2
    assert "another sweep writes there now" in capsys.readouterr().err


def test_local_cluster_belongs_to_the_command(broken, tmp_path):
    assert run(tmp_path, broken) == 1
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert "is not readable as FITS" in summary["failures"]["broken.0-2"]


def test_worker_of_other_versions_is_named(names, client, tmp_path):
    failures = collect(client, [Chunk(names[0], 0, 1)], QUICK, {"autolens": "2020.1.1.1"}, tmp_path)
    assert "install there the releases that are installed here" in failures[f"{names[0]}.0-1"]


def test_killed_worker_costs_no_result(names, client, tmp_path):
    chunks, killed = chunks_of(names, draws=0), []
    client.cluster.scale(2)
    client.wait_for_workers(2)

    def kill(message):
        if not killed:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    assert collect(client, chunks, QUICK, provenance.releases(), tmp_path, kill) == {}
    client.wait_for_workers(2)
    assert killed[0] not in client.run(os.getpid).values()
    assert {path.stem for path in tmp_path.glob("*.json")} == {chunk.key for chunk in chunks}


def test_failed_chunk_is_tried_twice_more(client, broken, tmp_path):
    messages = []
    chunks = [Chunk(str(broken), 3, 4)]
    failures = collect(client, chunks, QUICK, provenance.releases(), tmp_path, messages.append)
    log = client.cluster.scheduler.transition_log
    assert len(failures) == len(messages) == 1
    assert len({key for key, _, state, *_ in log if state == "memory" and key.startswith("broken.3-4")}) == 1 + RETRIES
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere"])
def test_silent_scheduler_is_named(address, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("jax_profiling.sweep.cluster.CONNECT_TIMEOUT_SECONDS", 0.5)
    assert command.main(["--population", "1", "--scheduler", address, "--output", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"--scheduler {address}: no scheduler answers there")
    assert len(error.splitlines()) == 1


def test_slurm_job_script_is_printed_not_submitted(tmp_path, capsys):
    path = tmp_path / "slurm.yaml"
    path.write_text("cores: 16\nmemory: 32GB\nwalltime: '02:00:00'\nqueue: cosma\naccount: dp004\n")
    assert command.main(["--job-script", "--slurm", str(path)]) == 0
    script = capsys.readouterr().out
    assert script.rpartition("--memory-limit ")[2].split()[0] == "0"  # The last one counts.
    for line in ("#SBATCH -p cosma", "#SBATCH -A dp004", "#SBATCH -t 02:00:00", "--nworkers 16", "--nthreads 1"):
        assert line in script


@pytest.mark.parametrize(
    "program, words",
    [
        (None, "sbatch does not start here"),
        ("#!/bin/sh\necho 'Invalid account' >&2; exit 1\n", "sbatch refuses the job (Invalid account)"),
    ],
)
def test_slurm_that_takes_no_job_ends_the_sweep(program, words, tmp_path, monkeypatch, capsys):
    (tmp_path / "slurm.yaml").write_text("cores: 2\nmemory: 8GB\ninterface: lo\n")
    if program:
        (tmp_path / "sbatch").write_text(program)
        (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep if program else None)
    options = ["--scheduler", "slurm", "--slurm", str(tmp_path / "slurm.yaml"), "--output", str(tmp_path / "out")]
    assert command.main(["--population", "1", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


@pytest.mark.parametrize("text", [None, "[]", '{"rungs": ["delau'])
def test_results_of_unknown_settings_are_rejected(text, tmp_path, capsys):
    (tmp_path / "chunks").mkdir()
    (tmp_path / "chunks" / "small.0-9.json").write_text("{}")
    if text:
        (tmp_path / "sweep.json").write_text(text)
    assert command.main(["--lenses", "small", "--output", str(tmp_path)]) == 2
    assert "sweep.json: is missing or damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text, words", [(None, "--slurm FILE.yaml"), ("cores: 2", "memory is missing"), ("- 1", "cores")]
)
def test_unusable_slurm_file_is_named(text, words, tmp_path, capsys):
    path = tmp_path / "slurm.yaml"
    if text is not None:
        path.write_text(text)
    assert command.main(["--job-script", *([] if text is None else ["--slurm", str(path)])]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


def test_missing_dask_names_the_extra(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command.main(["--population", "1"]) == 2
    message = "distributed is not installed; install the requirements of a sweep with pip install '.[sweep]'.\n"
    assert capsys.readouterr().err == message


@pytest.mark.slow(reason="a cluster of its own")
def test_lost_scheduler_ends_the_sweep(names, tmp_path):
    chunks = chunks_of(names, draws=0)
    lost = pytest.raises(ClusterError, match="resume this sweep")
    with lost, client_of("local", workers=1) as client:
        collect(client, chunks, QUICK, provenance.releases(), tmp_path, lambda message: client.cluster.close())
    assert 1 <= len(list(tmp_path.glob("*.json"))) < len(chunks)
