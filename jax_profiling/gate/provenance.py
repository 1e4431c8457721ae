"""What stands beside a figure: where and with which releases it was found."""

import hashlib
import importlib.util
import os
import platform
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import autolens as al
import jax
from autoarray.inversion.inversion.abstract import AbstractInversion


def device():
    """The device that JAX runs on, in words."""
    if jax.default_backend() == "cpu":
        return f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
    return f"{jax.devices()[0].device_kind} ({jax.default_backend()})"


def releases():
    """The releases that results depend on, by name; the mesh has none of its own where autoarray has taken it.

    A release of this repository's packages ends in the digest of their sources, which may change between two releases.
    """
    found = {"autolens": al.__version__, "jax": jax.__version__}
    for name in ("knn-barycentric", "delaunax"):
        with suppress(metadata.PackageNotFoundError):
            found[name] = f"{metadata.version(name)}+{_digest_of(name.replace('-', '_'))}"
    return found


def _digest_of(package):
    """The first digits of the SHA-256 of a package's Python sources."""
    (folder,) = importlib.util.find_spec(package).submodule_search_locations
    sources = sorted(Path(folder).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]


def versions():
    """What stands beside every figure: the releases of autolens and of JAX, and the device."""
    return f"autolens {al.__version__}, jax {jax.__version__}, {device()}"


def log_det():
    """Which log determinant of regularization the evidence has: "shipped", or "accurate" by `patch(log_det=True)`."""
    term = vars(AbstractInversion)["log_det_regularization_matrix_term"]
    return "accurate" if term.fget.__name__ == "log_det_term_of" else "shipped"
