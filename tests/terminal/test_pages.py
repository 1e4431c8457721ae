"""The part of a page that a command writes."""

import pytest

from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.pages import rewrite_part

BEGIN, END = "<!-- from here -->", "<!-- to here -->"


@pytest.fixture
def page(tmp_path):
    return tmp_path / "speed.md"


def test_only_the_part_changes(page):
    page.write_text(f"one\n{BEGIN}\nold\n{END}\ntwo\n")
    rewrite_part(page, ["", "new", ""], BEGIN, END)
    assert page.read_text() == f"one\n{BEGIN}\n\nnew\n\n{END}\ntwo\n"


@pytest.mark.parametrize(
    "text", ["no place", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n", f"{BEGIN}\n{END}\n{END}\n"]
)
def test_a_page_without_one_place_stays(text, page):
    page.write_text(text)
    with pytest.raises(BadInput, match="speed.md: needs the lines .* once each"):
        rewrite_part(page, ["new"], BEGIN, END)
    assert page.read_text() == text
