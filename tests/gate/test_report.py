"""Reports: their keys, their table, their sentences, and the page that a person opens."""

import base64
import io
import json
import re
from functools import partial
from html.parser import HTMLParser
from unittest import mock

import numpy as np
import pytest
from rich.console import Console

from jax_profiling.gate import report, verdict
from jax_profiling.gate.drift import Drift
from jax_profiling.gate.report import table
from jax_profiling.gate.uncompiled import UncompiledLikelihood
from jax_profiling.lenses import lens as lens_folder

from gate_results import UNSTABLE, candidate_of, compared_with, gate_of, reference_of

DRIFT = Drift(pinned=-990.0, live=-1000.0, release="2026.1.1.1")


def test_summary_has_its_keys_and_is_json():
    peer = candidate_of([float("nan")], rung="autoarray DelaunayNN")
    found = gate_of(candidate_of([0.05]), peer, drift=DRIFT)
    summary = json.loads(json.dumps(report.summary_from(found), allow_nan=False))
    assert list(summary) == [
        *("lens", "autolens", "jax", "device", "vertices", "data_points"),
        *("reference", "candidates", "drift", "passed"),
    ]
    assert list(summary["candidates"][0]) == [
        *("rung", "log_evidence", "nats", "relative_error", "worst_nats", "worst_relative_error"),
        *("unexplained", "worst_unexplained_nats", "draws", "certified", "verdict"),
    ]
    assert summary["reference"] == {
        "mesh": "Delaunay",
        "log_evidence": -1000.0,
        "log_det": "shipped",
        "noise_nats": 0.0,
        **dict.fromkeys(report.KINDS, 0.0),
    }
    assert summary["passed"] is True
    assert summary["drift"] == {"pinned": -990.0, "live": -1000.0, "release": "2026.1.1.1"}
    assert summary["candidates"][1]["nats"] is None


def test_the_table_fits_into_80_columns():
    peer = candidate_of([3.0, 50.0], rung="autoarray KNearestNeighbor fixed")
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(report.table_from(gate_of(candidate_of([0.05, 0.1]), peer)))
    text = console.export_text()
    assert "…" not in text and "worst, nats" in text
    assert [line.split()[-2:] for line in text.splitlines() if "e+0" in line or "e-0" in line][-2:] == [
        ["1.0e-01", "opt-in"],
        ["5.0e+01", "abandon"],
    ]


def test_drift_and_verdict_are_separate_sentences():
    drifted = gate_of(candidate_of([0.05]), drift=DRIFT)
    assert "passed" in report.verdict_sentence(drifted) and "drift" not in report.verdict_sentence(drifted)
    assert "drifted" in report.drift_sentence(drifted) and "2026.1.1.1" in report.drift_sentence(drifted)
    failed = gate_of(candidate_of([5.0]))
    assert "FAILED" in report.verdict_sentence(failed) and report.drift_sentence(failed) is None


def test_sentences_describe_an_imperfect_reference():
    reference = reference_of(UNSTABLE, tied=[True, False], dropped=[False, True], qhull=-1008.0, permuted=-1001.0)
    found = gate_of(compared_with(reference, [-1000.0, -1000.0], perturbed=[[-1000.0, -1000.0]]))
    unstable, inexact = report.reference_sentences(found)
    assert "at 1 of 2 vectors" in unstable and "up to 3.0e+00 nats" in unstable
    assert "1 of 2 meshes have several" in inexact and "drops vertices from 1" in inexact
    assert "8.0e+00 nats away" in inexact and "by up to 7.0e+00 with the order" in inexact
    rows = table.rows_from(found)
    assert [row[0] for row in rows] == ["Delaunay (reference)", table.QHULL, "delaunay (default)"]
    assert rows[1][-1] == "judges nothing" and rows[0][4] == "± 3e+00"


def test_sentences_and_the_table_describe_a_recount():
    reference = reference_of([-1000.0, -1000.0], counted=True, recounted=[True, False], qhull=[-998.0, np.nan])
    found = gate_of(compared_with(reference, [-1000.0, -1000.0]))
    (recount,) = report.reference_sentences(found)
    assert "at 2 of 2 vectors" in recount and "at 1 of them" in recount and "by up to 2.0e+00 nats" in recount
    assert table.rows_from(found)[1][:2] == (table.SHIPPED, "-998.000000")


def test_sentences_name_unexplained_errors_and_faults():
    (unexplained,) = report.reference_sentences(gate_of(candidate_of([0.0, 0.05])))
    assert "at 1 of 2 vectors" in unexplained and "5.0e-02 nats" in unexplained
    reference = reference_of([-1000.0], tied=True, faults=("a vertex has no triangle",))
    *_, fault = report.reference_sentences(gate_of(compared_with(reference, [-1000.0])))
    assert "a vertex has no triangle" in fault


def test_several_lenses_have_one_line_each(tmp_path):
    reference = reference_of(UNSTABLE, tied=[True, False], counted=True, qhull=-1008.0)
    noisy = report.summary_line(gate_of(compared_with(reference, [-1000.0, -1000.0], perturbed=[[-1000.0, -1000.0]])))
    plain = report.summary_line(gate_of(candidate_of([0.05]), drift=DRIFT))
    assert noisy[4:15] == ("+0.0e+00", "0.0e+00", "0.0e+00", "1", "3.0e+00", "0", "1", "1", "0", "2", "0")
    assert plain[4:] == (
        *("+5.0e-02", "-", "-", "0", "0.0e+00", *5 * "0", "1", "drop-in", "passed", "from -990.000000"),
    )
    assert len(plain) == len(noisy) == len(table.LENS_COLUMNS)
    report.write_lines([list(plain), noisy], tmp_path)
    assert len((tmp_path / "summary.md").read_text().splitlines()) == 8


class _Page(HTMLParser):
    """Collects what a browser would load, the text, and tags that are left open."""

    def __init__(self, text):
        super().__init__()
        self.sources, self.words, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.sources += [attributes[name] for name in ("src", "href") if name in attributes]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The report of a real gate with two draws and an approximate rung."""
    compare = partial(verdict.compare, likelihood=UncompiledLikelihood)
    with mock.patch.object(verdict, "compare", compare):
        found = verdict.run(lens_folder.load("small"), rungs=["clip"], draws=2, perturbations=1)
    folder = tmp_path_factory.mktemp("report")
    page = report.write(found, folder, command=["python", "regression.py", "--lens", "a lens & <b>"])
    assert page == folder / "report.html"
    return folder


def test_the_page_is_self_contained_html(folder):
    page = _Page((folder / "report.html").read_text())
    assert page.open == []
    assert len(page.sources) == 4
    for source in page.sources:
        head, _, png = source.partition(";base64,")
        assert head == "data:image/png" and base64.b64decode(png).startswith(b"\x89PNG")
    assert "url(" not in (folder / "report.html").read_text()


def test_the_page_says_what_the_summary_says(folder):
    text = " ".join(_Page((folder / "report.html").read_text()).words)
    summary = json.loads((folder / "summary.json").read_text())
    assert f"{summary['reference']['log_evidence']:.6f}" in text
    assert [each["verdict"] for each in summary["candidates"]] == re.findall(r"drop-in|abandon", text)[1:3]
    assert "small: the gate passed" in text
    for name in ("autolens", "jax", "delaunax", "knn-barycentric"):
        assert name in text
    assert "--lens 'a lens & <b>'" in text


def test_a_report_is_complete(folder):
    figures = {"mesh.png", "reconstruction.png", "three_nearest.png", "verdicts.png"}
    assert {path.name for path in folder.iterdir()} == {"report.html", "summary.json", "summary.md", *figures}
