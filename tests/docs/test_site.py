"""The site builds without a warning, and `docs/check_site.py` finds every kind of fault in it."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CHECK = runpy.run_path(str(DOCS / "check_site.py"))

PAGE = '<!doctype html><meta name="viewport" content="width=device-width"><body id="top">'


def test_broken_links_and_anchors_are_found(tmp_path):
    (tmp_path / "index.html").write_text(f'{PAGE}<a href="there.html#part">a</a><a href="https://elsewhere.org">b</a>')
    (tmp_path / "there.html").write_text(f'{PAGE}<h1 id="part">x</h1>')
    assert list(CHECK["broken_links"](tmp_path)) == []
    (tmp_path / "there.html").write_text(f'{PAGE}<img src="gone.png"><a href="#top">x</a>')
    assert list(CHECK["broken_links"](tmp_path)) == [
        "index.html: there.html#part has no such anchor",
        "there.html: gone.png is not there",
    ]


def test_links_to_pages_stay_on_the_site():
    """Sphinx warns of other links, and `make docs` fails."""
    within_the_site = runpy.run_path(str(DOCS / "conf.py"))["links_within_the_site"]
    for page in DOCS.rglob("*.md"):
        source = [page.read_text()]
        within_the_site(None, page.stem, source)
        for link in re.findall(r"\]\(([^):#]+\.md)", source[0]):
            target = DOCS / link[1:] if link.startswith("/") else page.parent / link
            assert target.resolve().is_relative_to(DOCS) and target.is_file(), f"{page.relative_to(DOCS)}: {link}"


@pytest.mark.slow
def test_browser_finds_wide_pages_and_broken_pictures(tmp_path):
    (tmp_path / "good.html").write_text(f"{PAGE}<p>narrow</p>")
    (tmp_path / "picture.html").write_text(f'{PAGE}<img src="good.html">')
    (tmp_path / "wide.html").write_text(f'{PAGE}<div style="width: 700px">wide</div>')
    faults = CHECK["faults_in_browser"](tmp_path)
    assert [fault.partition(":")[0] for fault in faults] == ["picture.html", "picture.html", "wide.html"]
    assert faults[-1].endswith("in a window of 400")


@pytest.mark.slow
def test_site_has_no_fault(tmp_path):
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "docs", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    assert CHECK["main"](tmp_path) == 0


@pytest.mark.slow
def test_drawings_are_what_the_script_draws(tmp_path):
    """Up to date, and computed: the script compares every drawing with the triangulation."""
    script = ROOT / "docs" / "pictures" / "algorithms.py"
    ran = subprocess.run([sys.executable, str(script), str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    for drawing in sorted(tmp_path.iterdir()):
        assert drawing.read_text() == (script.parent / drawing.name).read_text(), drawing.name
    assert len(list(tmp_path.iterdir())) == 4
