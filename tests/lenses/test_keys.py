"""The schema of a lens folder, the table of keys in the docs, and the folders of the repository agree."""

import json
import os
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.folder import keys_page
from jax_profiling.lenses.folder.info_schema import Info, json_schema
from jax_profiling.terminal.pages import with_part

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"
OWN = [folder for folder in os.environ.get("KNN_LENSES", "").split(os.pathsep) if folder]
FOLDERS = sorted(str(path.parent.relative_to(ROOT)) for path in ROOT.glob("dataset/*/*/model.json"))
FOLDERS = [folder for folder in FOLDERS if not folder.startswith("dataset/population")]


def test_docs_have_the_table_of_the_schema():
    page = keys_page.PAGE.read_text()
    assert with_part(page, keys_page.table(), keys_page.BEGIN, keys_page.END) == page


def test_the_table_has_every_key():
    listed = set(re.findall(r"^\| `(\w+)`", "\n".join(keys_page.table()), flags=re.MULTILINE))
    assert listed == set(Info.model_fields)


def test_schema_option_prints_both_schemas(capfd):
    assert runpy.run_path(str(SCRIPT))["main"](["--schema"]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert printed == json_schema()
    assert printed["info.json"]["additionalProperties"] is False
    assert printed["info.json"]["properties"]["pixel_scale"]["unit"] == "arcsec"


@pytest.mark.parametrize("folder", [*FOLDERS, *OWN])
def test_every_folder_has_no_fault(folder):
    lens = lens_folder.load(ROOT / folder, operators=False)
    assert lens.vertices > lens.info["edge_points"]
    assert np.isfinite(np.asarray(lens.dataset.data.array)).all()
