"""The README's example runs, and every file that a page names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_example_shows_the_promised_log_evidence(capsys, monkeypatch):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (promised,) = re.findall(r"the log evidence is the same: ([\d.]+)\.\n", README)
    monkeypatch.chdir(ROOT)
    exec(compile(example, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) == pytest.approx(float(promised), abs=1e-3)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "delaunax/README.md"])
def test_every_file_a_page_names_is_there(page):
    text, folder = (ROOT / page).read_text(), (ROOT / page).parent
    links = {folder / link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)}
    folders = "knn_barycentric|jax_profiling|delaunax/|scripts|docs|dataset|tests"
    named = {ROOT / name for name in re.findall(rf"`((?:{folders})/?[\w/.-]+/[\w/.-]*)`", text)}
    assert len(links | named) > 1
    assert [str(path) for path in links | named if not path.exists()] == []


def test_readme_is_short():
    assert len(README.splitlines()) <= 120
