"""Sweeps on a cluster of two workers: results, resumption, failures, and what is refused."""

import importlib.util
import json
import os
import shutil
import signal

import numpy as np
import pytest

from jax_profiling.gate import provenance, verdict
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.population import names_of
from jax_profiling.sweep import __main__ as command
from jax_profiling.sweep import records
from jax_profiling.sweep.cells import Cell, Settings, cells_of
from jax_profiling.sweep.cluster import ClusterError, client_of
from jax_profiling.sweep.collect import RETRIES, collect

# On one of xdist's workers, so that the sweep that most of these look at is run once.
pytestmark = pytest.mark.xdist_group("sweep")

LENSES = names_of(4, seed=0)
QUICK = Settings(moves=1, batch=1)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A lens folder whose data are no FITS file."""
    folder = tmp_path_factory.mktemp("lenses") / "broken"
    shutil.copytree(lens_folder.load(LENSES[0]).folder, folder)
    (folder / "data.fits").write_text("nothing")
    return folder


@pytest.fixture(scope="module")
def swept(tmp_path_factory, broken):
    """The output folder of a sweep over four lenses and a broken one, and its exit status."""
    folder = tmp_path_factory.mktemp("sweep")
    return folder, run(folder, *LENSES, broken)


def run(folder, *lenses, draws=1):
    arguments = ["--lenses", *map(str, lenses), "--draws", str(draws), "--workers", "2", "--output", str(folder)]
    return command.main(arguments)


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "cells").glob("*.json")}


def test_a_sweep_judges_every_lens_as_the_gate_does(swept):
    folder, _ = swept
    summary = json.loads((folder / "summary.json").read_text())
    assert [lens["name"] for lens in summary["lenses"]] == LENSES
    for lens in summary["lenses"]:
        assert lens["candidates"][verdict.DEFAULT_RUNG]["verdict"] == "drop-in"
    assert summary["versions"] == provenance.releases()
    gate = verdict.run(lens_folder.load(LENSES[0]), rungs=[verdict.DEFAULT_RUNG], draws=1)
    reference, (candidate,) = records.found_in([records.read(folder / "cells" / f"{LENSES[0]}.0-2.json")])
    np.testing.assert_allclose(reference.log_evidence, gate.log_evidence, rtol=1.0e-9)
    assert (candidate.verdict, list(reference.unstable)) == (gate.default.verdict, list(gate.reference.unstable))


def test_a_failing_lens_does_not_end_a_sweep_and_stands_in_the_report(swept, broken):
    folder, status = swept
    assert status == 1
    text = (folder / "summary.md").read_text()
    assert f"| {broken.name}.0-2 | {broken}/data.fits: not readable as FITS" in text
    assert "FAILED" in text


def test_a_second_sweep_computes_nothing_again(swept, capsys):
    folder, _ = swept
    before = stamps(folder)
    assert len(before) == len(LENSES)
    assert run(folder, *LENSES) == 0
    assert "4 cells of 4 lenses; 4 have a result." in capsys.readouterr().out
    assert stamps(folder) == before


def test_a_sweep_that_was_stopped_goes_on_where_it_was(swept, tmp_path):
    folder = tmp_path / "stopped"
    shutil.copytree(swept[0], folder)
    before = stamps(folder)
    (folder / "cells" / f"{LENSES[2]}.0-2.json").unlink()
    (folder / "cells" / f"{LENSES[3]}.0-2.json").write_text('{"lens": "popu')
    assert run(folder, *LENSES) == 0
    after = stamps(folder)
    assert {name for name in before if after[name] != before[name]} == {f"{lens}.0-2.json" for lens in LENSES[2:]}
    log = (folder / "sweep.log").read_text().splitlines()
    assert [line.split("]")[1].split(",")[0].strip() for line in log[-2:]] == ["1 of 2", "2 of 2"]


def test_a_folder_of_other_versions_or_settings_is_refused(swept, tmp_path, capsys):
    folder = tmp_path / "other"
    shutil.copytree(swept[0], folder)
    own = json.loads((folder / "sweep.json").read_text())
    for change in ({"versions": {"autolens": "2020.1.1.1"}}, {"log_det": "accurate"}):
        (folder / "sweep.json").write_text(json.dumps(own | change))
        assert run(folder, *LENSES) == 2
        error = capsys.readouterr().err
        assert "give another --output" in error
        assert len(error.splitlines()) == 1


def test_two_sweeps_do_not_write_into_one_folder(swept, capsys):
    folder, _ = swept
    with command.locked(folder):
        assert run(folder, *LENSES) == 2
    assert "another sweep is writing there" in capsys.readouterr().err


def test_a_worker_that_is_killed_costs_no_result(tmp_path):
    cells, killed = cells_of(LENSES, draws=0), []
    with client_of("local", workers=2) as client:

        def kill(message):
            if not killed:
                killed.append(next(iter(client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

        assert collect(client, cells, QUICK, provenance.releases(), tmp_path, kill) == {}
        assert killed[0] not in client.run(os.getpid).values()
    assert {path.stem for path in tmp_path.glob("*.json")} == {cell.key for cell in cells}


def test_a_cell_that_fails_is_tried_twice_more(broken, tmp_path):
    said = []
    with client_of("local", workers=2) as client:
        failed = collect(client, [Cell(str(broken), 0, 1)], QUICK, provenance.releases(), tmp_path, said.append)
        log = [each for story in client.cluster.scheduler.transition_log for each in [story] if each[2] == "memory"]
    assert len(failed) == len(said) == 1
    assert len({entry[0] for entry in log}) == 1 + RETRIES
    assert not list(tmp_path.glob("*.json"))


def test_a_worker_of_other_versions_is_given_up_in_a_sentence(tmp_path):
    with client_of("local", workers=1) as client:
        failed = collect(client, [Cell(LENSES[0], 0, 1)], QUICK, {"autolens": "2020.1.1.1"}, tmp_path)
    assert "install there what is installed here" in failed[f"{LENSES[0]}.0-1"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere"])
def test_a_scheduler_that_does_not_answer_is_named(address, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("jax_profiling.sweep.cluster.PATIENCE", 2.0)
    assert command.main(["--population", "1", "--scheduler", address, "--output", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"--scheduler {address}: no scheduler answers there")
    assert len(error.splitlines()) == 1


def test_jobs_for_slurm_are_printed_and_not_submitted(tmp_path, capsys):
    path = tmp_path / "slurm.yaml"
    path.write_text("cores: 16\nmemory: 32GB\nwalltime: '02:00:00'\nqueue: cosma\naccount: dp004\n")
    assert command.main(["--job-script", "--slurm", str(path)]) == 0
    script = capsys.readouterr().out
    for line in ("#SBATCH -p cosma", "#SBATCH -A dp004", "#SBATCH -t 02:00:00", "--nworkers 16", "--nthreads 1"):
        assert line in script


@pytest.mark.parametrize(
    "text, words", [(None, "--slurm FILE.yaml"), ("cores: 2", "cores and memory"), ("- 1", "cores")]
)
def test_a_slurm_file_that_cannot_be_used_is_named(text, words, tmp_path, capsys):
    path = tmp_path / "slurm.yaml"
    if text is not None:
        path.write_text(text)
    assert command.main(["--job-script", *([] if text is None else ["--slurm", str(path)])]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


def test_without_dask_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command.main(["--population", "1"]) == 2
    assert (
        capsys.readouterr().err
        == "distributed is not installed; install what a sweep needs with pip install '.[sweep]'.\n"
    )


def test_a_scheduler_that_goes_away_ends_a_sweep_in_a_sentence(tmp_path):
    cells = cells_of(LENSES, draws=0)
    gone = pytest.raises(ClusterError, match="goes on where this sweep was")
    with gone, client_of("local", workers=1) as client:
        collect(client, cells, QUICK, provenance.releases(), tmp_path, lambda message: client.cluster.close())
    assert 1 <= len(list(tmp_path.glob("*.json"))) < len(cells)
