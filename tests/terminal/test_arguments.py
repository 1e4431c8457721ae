"""Unusable arguments and output folders end in one sentence, before any work."""

import argparse

import pytest

from jax_profiling.terminal.arguments import at_least, folder_to_write
from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.writing import atomic_writes


@pytest.mark.parametrize("name", ["file", "file/folder/below"])
def test_path_below_a_file_is_rejected(name, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(argparse.ArgumentTypeError, match="cannot be written .*; give another folder"):
        folder_to_write(str(tmp_path / name))
    with pytest.raises(BadInput, match="give another"), atomic_writes(tmp_path / name):
        pass


def test_an_empty_name_is_rejected():
    with pytest.raises(argparse.ArgumentTypeError, match="is empty"):
        folder_to_write("")


def test_parsing_creates_no_folder(tmp_path):
    assert folder_to_write(str(tmp_path / "to" / "be" / "made")) == tmp_path / "to" / "be" / "made"
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize(
    "text, words", [("-1", "argument --draws: is -1; give a number of at least 0"), ("x", "invalid int value: 'x'")]
)
def test_number_out_of_range_is_named(text, words, capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=at_least(0))
    assert parser.parse_args(["--draws", "0"]).draws == 0
    with pytest.raises(SystemExit):
        parser.parse_args(["--draws", text])
    assert words in capsys.readouterr().err


def test_nan_is_not_at_least_zero():
    with pytest.raises(argparse.ArgumentTypeError):
        at_least(0.0, float)("nan")
