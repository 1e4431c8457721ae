"""Evaluate one chunk on a worker: load its lens, compare the meshes at its vectors, return a record for the gate."""

import logging
import time
import warnings

from autoarray.inversion.mesh.mesh.delaunay import Delaunay
from distributed import get_worker

from jax_profiling.gate import provenance, verdict
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.patches import log_dets
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.simulated.population import FACTS
from jax_profiling.sweep import programs, records
from jax_profiling.terminal.command import one_line


def evaluate(chunk, settings):
    """The record of one chunk, a dictionary that is valid JSON."""
    start, programs_before = time.perf_counter(), programs.program_count()
    lens = lens_folder.load(chunk.lens)
    parameters = Likelihood(lens, Delaunay).median_and_draws(chunk.last - 1)[chunk.first :]
    with log_dets(settings.log_det == "accurate"):
        reference, candidates, _ = verdict.compare(
            lens,
            parameters,
            settings.rungs,
            settings.perturbations,
            lambda message: None,
            settings.batch,
            likelihood=programs.SharedLikelihood,
        )
    return {
        "lens": chunk.lens,
        "files": chunk.files,
        "first": chunk.first,
        "last": chunk.last,
        "versions": provenance.releases(),
        "device": provenance.device(),
        "vertices": lens.vertices,
        "data_points": lens.data_points,
        "facts": {key: lens.info[key] for key in FACTS if key in lens.info},
        "seconds": round(time.perf_counter() - start, 3),
        "programs": programs.program_count() - programs_before,
        **records.record_of(reference, candidates),
    }


def attempt(chunk, settings):
    """(record, reason, address): the record of a chunk or None, why there is none, and the address of this worker."""
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore")
    address = get_worker().address
    try:
        return evaluate(chunk, settings), None, address
    except LensError as error:
        return None, str(error), address
    except Exception as error:
        return None, one_line(error), address
