"""Atomic writes: where the scratch folder is, and which file comes last."""

import io
import os

import pytest
from rich.console import Console

from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.lines import print_line
from jax_profiling.terminal.writing import atomic_writes


@pytest.mark.parametrize("writable, beside", [(True, True), (False, False)])
def test_the_scratch_folder_is_inside_if_the_parent_is_not_writable(writable, beside, tmp_path, monkeypatch):
    folder = tmp_path / "report"
    folder.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: writable)
    with atomic_writes(folder) as scratch:
        assert (scratch.parent == tmp_path) == beside and (scratch.parent == folder) != beside
        (scratch / "summary.md").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["summary.md"]
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_folder_that_refuses_its_files_is_named(tmp_path, monkeypatch):
    def refuse(path, other):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(BadInput, match="chunks: cannot be written"), atomic_writes(tmp_path / "chunks") as scratch:
        (scratch / "lens.0-9.json").write_text("{}")
    assert [path.name for path in tmp_path.iterdir()] == ["chunks"] and not list((tmp_path / "chunks").iterdir())


def test_a_line_is_printed_as_it_is():
    console = Console(file=io.StringIO(), width=20)
    print_line(console, "Report: results/[bold]lens [x]/summary.md")
    assert console.file.getvalue() == "Report: results/[bold]lens [x]/summary.md\n"


def test_info_json_comes_last(tmp_path, monkeypatch):
    moved, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda path, other: moved.append(path.name) or replace(path, other))
    with atomic_writes(tmp_path / "lens") as scratch:
        for name in ("info.json", "model.json", "a.fits"):
            (scratch / name).write_text("")
            os.utime(scratch / name, (1.0, 1.0))
    assert moved[-1] == "info.json" and len(moved) == 3
