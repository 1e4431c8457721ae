"""Provenance tells two states of the sources apart."""

import sys
from importlib import metadata

from jax_profiling.gate import provenance


def test_changed_sources_change_the_release(tmp_path, monkeypatch):
    package = tmp_path / "delaunax"
    package.mkdir()
    source = package / "__init__.py"
    source.write_text("ONE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "delaunax", raising=False)
    before = provenance.releases()
    source.write_text("ONE = 2\n")
    after = provenance.releases()
    assert {name for name in before if before[name] != after[name]} == {"delaunax"}
    assert after["delaunax"].startswith(f"{metadata.version('delaunax')}+")
