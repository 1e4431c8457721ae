"""Contexts in which autoarray is patched."""

from contextlib import contextmanager
from unittest import mock

from autoarray.inversion.mappers import mapper_util

import knn_barycentric
from jax_profiling.gate import provenance


@contextmanager
def patched(**patches):
    """A context with these arguments of `knn_barycentric.patch`. At its end nothing is patched."""
    # A patched autoarray has no `patch`, and needs none.
    knn_barycentric.patch(**patches)
    try:
        yield
    finally:
        knn_barycentric.unpatch()


@contextmanager
def log_dets(accurate, **patches):
    """A context in which log evidences have the accurate log determinants, or the shipped ones if `accurate` is false.

    With the accurate ones, further patches of `knn_barycentric.patch` can be named, such as `natural_neighbors=True`.

    Raises
    ------
    RuntimeError
        If `patch(log_det=True)` is active already: the end of the context would undo it.
    """
    if provenance.log_det() != "shipped":
        raise RuntimeError("patch(log_det=True) is active; call unpatch() first.")
    if not accurate:
        yield
        return
    with patched(log_det=True, **patches):
        yield


@contextmanager
def zero_tiny_weights():
    """A context with `patch(zero_tiny_weights=True)`. It keeps the patches that are active."""
    # A patched autoarray lacks this module, and needs it for counted vectors only.
    from knn_barycentric.evidence.tiny_weights import without_tiny_weights

    shipped = mapper_util.adaptive_pixel_signals_from
    with mock.patch.object(mapper_util, "adaptive_pixel_signals_from", without_tiny_weights(shipped)):
        yield
