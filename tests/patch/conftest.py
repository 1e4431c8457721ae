"""The patches of `make patch`, and copies of autoarray that take them."""

import filecmp
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import autoarray
import pytest

from jax_profiling.patch import diffs

ROOT = Path(__file__).parents[2]
AUTOARRAY = Path(autoarray.__file__).parent
SITE_PACKAGES = AUTOARRAY.parent
METADATA = SITE_PACKAGES / f"autoarray-{autoarray.__version__}.dist-info" / "METADATA"
TOOLS = {
    "patch": ["patch", "--strip=1", "--reverse", "--input"],
    "git apply": ["git", "apply", "--unidiff-zero", "--reverse"],
}


@pytest.fixture(scope="session")
def patches(tmp_path_factory):
    """Name -> file: "mesh", "delaunay" and the others that `make patch` writes."""
    folder = tmp_path_factory.mktemp("patches")
    assert diffs.main(["--output", str(folder)]) == 0
    stem = f"autoarray-{autoarray.__version__}"
    return {path.stem.removeprefix(stem).lstrip("-") or "mesh": path for path in folder.iterdir()}


class Copy:
    """A copy of the installed autoarray.

    Parameters
    ----------
    site
        The new folder above it.
    """

    def __init__(self, site):
        self.site = site
        for folder in (AUTOARRAY, METADATA.parent):
            shutil.copytree(folder, site / folder.name, ignore=shutil.ignore_patterns("__pycache__"))

    def apply(self, file, tool="patch", reverse=False):
        command = [part for part in TOOLS[tool] if reverse or part != "--reverse"]
        subprocess.run([*command, file], cwd=self.site, check=True)

    @property
    def metadata(self):
        return (self.site / METADATA.parent.name / METADATA.name).read_text()

    @property
    def differences(self):
        """Paths that differ from the installed autoarray, relative to its folder."""

        def within(comparison, prefix):
            different = comparison.left_only, comparison.right_only, comparison.diff_files, comparison.funny_files
            for name in itertools.chain(*different):
                yield f"{prefix}{name}"
            for name, sub in comparison.subdirs.items():
                yield from within(sub, f"{prefix}{name}/")

        return sorted(within(filecmp.dircmp(AUTOARRAY, self.site / "autoarray", ignore=["__pycache__"]), ""))

    def run(self, *arguments, python=sys.executable, paths=(ROOT, ROOT / "delaunax" / "src"), cwd=None):
        """What a new Python process prints that imports this copy."""
        # `PYTHONPATH` ignores .pth files, which would add the package itself.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (self.site, *paths, SITE_PACKAGES)))}
        process = subprocess.run(
            [python, *map(str, arguments)], capture_output=True, text=True, cwd=cwd or self.site, env=environment
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path / "site")
