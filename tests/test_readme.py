"""What the README shows runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_model_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    ran = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert "redshift" in ran.stdout


def test_every_file_it_names_is_there():
    folders = "knn_barycentric|jax_profiling|delaunax|scripts|docs|dataset|results|tests"
    named = set(re.findall(rf"[`(]((?:{folders})/[\w/.]+)[`)]", (ROOT / "README.md").read_text()))
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []
