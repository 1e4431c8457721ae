"""A pytest plugin that patches autoarray before upstream's tests are collected: `-p jax_profiling.patch.upstream_plugin`."""

import autolens as al  # noqa: F401  (before jax: it enables fp64. It also imports the installed packages, not the checkout's.)
from autoarray.inversion.mesh import mesh

import knn_barycentric

STATES = {
    "unchanged": lambda: None,
    "patch()": lambda: knn_barycentric.patch(),
    "patch(delaunay=True, log_det=True)": lambda: knn_barycentric.patch(delaunay=True, log_det=True),
    "Delaunay replaced": lambda: setattr(mesh, "Delaunay", knn_barycentric.KNNBarycentric),
}
"""The states of autoarray that are compared; the first is the one that it ships."""


def pytest_addoption(parser):
    """Add `--state`."""
    parser.addoption("--state", choices=STATES, default="unchanged", help="what is patched before the tests run")


def pytest_configure(config):
    """Patch autoarray."""
    STATES[config.getoption("--state")]()
