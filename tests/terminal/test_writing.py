"""A folder that cannot be written is refused in a sentence, before any work where an argument names it."""

import argparse

import pytest

from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.writing import folder_to_write, write_aside


@pytest.mark.parametrize("name", ["file", "file/folder/below"])
def test_a_folder_that_cannot_be_is_refused_in_a_sentence(name, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(argparse.ArgumentTypeError, match="file is no folder that can be written; give another one"):
        folder_to_write(str(tmp_path / name))
    with pytest.raises(BadInput, match="give another"), write_aside(tmp_path / name):
        pass


def test_asking_makes_no_folder(tmp_path):
    assert folder_to_write(str(tmp_path / "to" / "be" / "made")) == tmp_path / "to" / "be" / "made"
    assert not (tmp_path / "to").exists()
