"""One cell: load its lens, compare the meshes at its vectors, give back what the gate needs. Runs on a worker."""

import logging
import time
import warnings

from autoarray.inversion.mesh.mesh.delaunay import Delaunay
from distributed import get_worker

from jax_profiling.gate import provenance, verdict
from jax_profiling.gate.likelihood import Likelihood, log_dets
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.population import FACTS
from jax_profiling.sweep import programs, records
from jax_profiling.terminal.reason import reason_of


def measure(cell, settings):
    """The record of one cell, a dictionary that JSON can hold."""
    began, before = time.perf_counter(), programs.number_of_programs()
    lens = lens_folder.load(cell.lens)
    parameters = Likelihood(lens, Delaunay).median_and_draws(cell.last - 1)[cell.first :]
    with log_dets(settings.log_det == "accurate"):
        reference, candidates, _ = verdict.compare(
            lens,
            parameters,
            settings.rungs,
            settings.moves,
            lambda message: None,
            settings.batch,
            likelihood=programs.SharedLikelihood,
        )
    return {
        "lens": cell.lens,
        "first": cell.first,
        "last": cell.last,
        "versions": provenance.releases(),
        "device": provenance.device(),
        "vertices": lens.vertices,
        "data_points": lens.data_points,
        "facts": {key: lens.info[key] for key in FACTS if key in lens.info},
        "seconds": round(time.perf_counter() - began, 3),
        "programs": programs.number_of_programs() - before,
        **records.record_of(reference, candidates),
    }


def attempt(cell, settings):
    """(record, reason, worker): the record of one cell or None, a line that says why there is none, and who tried."""
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore")
    worker = get_worker().address
    try:
        return measure(cell, settings), None, worker
    except LensError as error:
        return None, str(error), worker
    except Exception as error:
        return None, reason_of(error), worker
