"""Provenance of a result: the device, and the releases of the software."""

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
from autoarray.inversion.mappers import mapper_util


def device():
    """The device that JAX runs on (str)."""
    if jax.default_backend() == "cpu":
        return f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
    return f"{jax.devices()[0].device_kind} ({jax.default_backend()})"


def releases():
    """Name -> release (str) of the packages that are measured; not of `jax_profiling`, which measures.

    This repository's packages have the digest of their sources appended, because sources change between releases. A package
    that is not installed is left out: an autoarray that has taken the patch needs no `knn-barycentric`.
    """
    found = {"autolens": al.__version__, "jax": jax.__version__}
    for name in ("knn-barycentric", "delaunax"):
        with suppress(metadata.PackageNotFoundError):
            found[name] = f"{metadata.version(name)}+{_digest_of(name.replace('-', '_'))}"
    return found


def _digest_of(package):
    """The first eight digits of the SHA-256 of a package's Python sources."""
    (folder,) = importlib.util.find_spec(package).submodule_search_locations
    sources = sorted(Path(folder).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]


def versions():
    """The releases of autolens and JAX and the device, in one line."""
    return f"autolens {al.__version__}, jax {jax.__version__}, {device()}"


def log_det():
    """Which log determinants the log evidence contains: "shipped", or "accurate" after `patch(log_det=True)`."""
    term = vars(AbstractInversion)["log_det_regularization_matrix_term"]
    return "accurate" if term.fget.__name__ == "log_det_term_of" else "shipped"


def tiny_weights():
    """How adaptive regularization counts weights that rounding decides: "shipped", or "zero" with `zero_tiny_weights`."""
    return "zero" if hasattr(mapper_util.adaptive_pixel_signals_from, "__wrapped__") else "shipped"
