"""A lens folder: load it and check it.

The folder holds PyAuto's own files: `info.json`, `model.json`, `data.fits`, `noise_map.fits`, and `psf.fits` for an image or
`uv_wavelengths.fits` for visibilities. Optional are `mask.fits`, `mask_extra_galaxies.fits`, `adapt_image.fits` and
`positions.json`. A simulated lens also has `tracer.json` (the truth) and `expected.json` (the reference log evidence per
autolens release).

Several datasets of one lens (bands, exposures, channels) have a folder each inside, with their files and an `info.json` of the
keys that differ from the one above.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import autofit as af

from jax_profiling.lenses.factor import Factor, factor_from, inspect_dataset
from jax_profiling.lenses.files import Inspection, LensError, fault_line, json_from
from jax_profiling.lenses.folder.data.fits_image import path_of
from jax_profiling.lenses.folder.misspelt import note_misspelt
from jax_profiling.lenses.folder.written import info_from
from jax_profiling.lenses.model import (
    check_against_info,
    dataset_model_to,
    model_from,
    model_json_of,
    model_of_datasets,
    models_of,
)
from jax_profiling.lenses.simulate import DATASETS, MATRIX, simulate
from jax_profiling.lenses.simulated.population import is_name
from jax_profiling.lenses.simulated.specs import SPECS


@dataclass(frozen=True)
class Lens:
    """A lens that is ready to be fitted.

    Attributes
    ----------
    name
        The folder's name.
    folder
        Where the files are.
    model_path
        The `model.json` that is fitted, from the folder or from a search.
    model
        The PyAutoFit model of `model.json`. Several datasets have a model each, in an `af.Collection`.
    factors
        The datasets, at least one.
    expected
        `expected.json`, {autolens release: {"log_evidence": x}}; empty where the fit has no pins.
    notes
        Lines about the folder that a person should read, such as which FITS extension holds the image.
    """

    name: str
    folder: Path
    model_path: Path
    model: af.AbstractPriorModel
    factors: tuple[Factor, ...]
    expected: dict
    notes: tuple[str, ...] = ()

    @property
    def info(self):
        """`info.json` of the first dataset, with defaults filled in."""
        return self.factors[0].info

    @property
    def dataset(self):
        """The first dataset."""
        return self.factors[0].dataset

    @property
    def adapt_images(self):
        """The `al.AdaptImages` of the first dataset."""
        return self.factors[0].adapt_images

    @property
    def vertices(self):
        """The number of mesh vertices N, edge points included, on the first dataset."""
        return self.factors[0].vertices

    @property
    def data_points(self):
        """The number of image pixels inside the masks, or of visibilities."""
        return sum(factor.dataset.data.shape[0] for factor in self.factors)

    @property
    def use_jax(self):
        """Whether it is fitted under JAX; autoarray's sparse operator for CPUs is NumPy's and numba's."""
        return all(factor.info["sparse_operator"] != "cpu" for factor in self.factors)


def names():
    """The names of the lens folders under `dataset/imaging/`."""
    return sorted(path.parent.name for path in DATASETS.glob("*/info.json"))


def named(lenses):
    """A list of names and folders of lenses, in which "all" stands for every name."""
    return list(dict.fromkeys(name for each in lenses for name in (names() if each == "all" else [each])))


def search_and_lens(lens):
    """The two halves of `SEARCH@LENS`; the first is empty if only a lens is given."""
    # A folder may have the sign in its name.
    search, sign, lens = ("", "", lens) if os.path.isdir(lens) else str(lens).rpartition("@")
    if sign and not search:
        raise LensError(f"@{lens}: names no search; give SEARCH@{lens}, or {lens} alone.")
    return search, lens


def folder_of(lens):
    """The folder of a lens, by its name or path; None if `load` has to simulate it first. With a slash it is a path.

    Raises
    ------
    LensError
        If there is no such lens, or two.
    """
    # Functions of os.path, which do not raise for a name that the file system refuses.
    name, here = str(lens), Path(lens)
    named = (base / name for base in (DATASETS, MATRIX) if os.sep not in name)
    found = next((folder for folder in named if os.path.exists(folder / "info.json")), None)
    is_known = found is not None or name in SPECS or is_name(name)
    if not is_known and not os.path.isdir(here):
        raise LensError(f"{lens}: no such lens; give a folder, or one of {', '.join(sorted({*names(), *SPECS}))}.")
    if is_known and os.path.exists(here / "info.json") and not (found and here.samefile(found)):
        raise LensError(
            f"{lens}: is the name of a lens and a folder here; write ./{lens} for the folder, or rename it."
        )
    return found if is_known else here


def load(lens, operators=True, say=lambda message: None, **changes):
    """Load and check a lens folder.

    Parameters
    ----------
    lens
        The name of a folder under `dataset/imaging/` or `dataset/matrix/`, or the path of any folder. Lenses of `specs.SPECS`
        and drawn lenses (`population`) are simulated first if their folder does not exist. `SEARCH@LENS` combines the model of
        a finished PyAutoFit search, given by its output folder, with the dataset of a lens.
    operators
        Whether to build sparse operators, which take a while.
    say
        Takes a line about the step that begins.
    changes
        Keys of `info.json` that are to have another value than in the file.

    Returns
    -------
    Lens

    Raises
    ------
    LensError
        If files are missing, unreadable, wrong or contradict each other; one line for each fault.
    """
    search, lens = search_and_lens(lens)
    # Not resolved: a link has the name that its owner gave it.
    folder = Path(os.path.abspath(folder_of(lens) or simulate(str(lens))))
    inspection = Inspection()
    say("reading and checking files")
    model_path = inspection.attempt(model_json_of, Path(search)) if search else folder / "model.json"
    datasets = _datasets_of(folder, inspection)
    above = None if datasets == [folder] else folder / "info.json"
    infos = [inspection.attempt(info_from, each / "info.json", above, **changes) for each in datasets]
    model = inspection.attempt(model_from, model_path) if model_path else None
    if model is not None and None not in infos:
        model = inspection.attempt(_model_of, model, infos, model_path, several=above is not None)
    if model is not None and None not in infos and "edge_points" not in changes:
        for part, info in zip(models_of(model), infos, strict=True):
            check_against_info(part, info, model_path, inspection)
    files = [inspect_dataset(each, info, inspection) for each, info in zip(datasets, infos, strict=True)]
    for each in datasets:
        note_misspelt(each, inspection)
    expected = inspection.attempt(_expected_of, folder) if not (search or changes) else {}
    inspection.finish()
    factors = [factor_from(each, part, operators, say) for each, part in zip(files, models_of(model), strict=True)]
    return Lens(
        name=f"{Path(search).name}@{folder.name}" if search else folder.name,
        folder=folder,
        model_path=model_path,
        model=model,
        factors=tuple(factors),
        expected=expected,
        notes=inspection.notes,
    )


def _datasets_of(folder, inspection):
    """The folders of the datasets: those inside with an `info.json`, or else the folder itself."""
    below = sorted(path.parent for path in folder.glob("*/info.json"))
    if not below:
        return [folder]
    if inspection.attempt(path_of, folder, "data"):
        inspection.fault(
            folder, f"holds data.fits and a folder {below[0].name} with another dataset", "keep one of the two"
        )
    for inside in sorted(path for path in folder.iterdir() if path.is_dir() and path not in below):
        if inspection.attempt(path_of, inside, "data"):
            inspection.fault(
                inside / "info.json", "is missing beside data.fits", "write {} if no key differs from the one above"
            )
    return below


def _model_of(model, infos, model_path, several):
    if several or len(models_of(model)) > 1:
        return model_of_datasets(model_path, model, infos)
    dataset_model_to(model, infos[0], model_path)
    return model


def _expected_of(folder):
    """The pins of a lens folder: {autolens release: {"log_evidence": x}}."""
    path = folder / "expected.json"
    if not path.exists():
        return {}
    try:
        pins = {release: pin["log_evidence"] for release, pin in json_from(path).items()}
        are_numbers = all(isinstance(pin, float | int) and not isinstance(pin, bool) for pin in pins.values())
        is_right = all(map(release_order, pins)) and are_numbers and all(map(math.isfinite, pins.values()))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        is_right = False
    if not is_right:
        fix = 'write {"RELEASE": {"log_evidence": NUMBER}} with a release such as 2026.10.26.1, or remove the file'
        raise LensError(fault_line(path, "holds no pins", fix))
    return {release: {"log_evidence": float(pin)} for release, pin in pins.items()}


def release_order(release):
    """The numbers of a release of autolens, such as (2026, 10, 26, 1), by which releases are sorted."""
    return tuple(int(part) for part in release.split("."))
