"""A lens folder: load it and check it.

The folder holds PyAuto's own files: `info.json`, `model.json`, `data.fits`, `noise_map.fits`, and `psf.fits` for an image or
`uv_wavelengths.fits` for visibilities; optionally `mask.fits`, `mask_extra_galaxies.fits`, `adapt_image.fits` and
`positions.json`. A simulated lens also has `tracer.json` (the truth) and `expected.json` (the reference log evidence per
autolens release).

Several datasets of one lens (bands, exposures, channels) have a folder each inside of it, with their files and an `info.json`
that says where they differ from the one above.
"""

from dataclasses import dataclass
from pathlib import Path

import autofit as af

from jax_profiling.lenses.factor import Factor, factor_from
from jax_profiling.lenses.files import LensError, info_from, json_from
from jax_profiling.lenses.model import dataset_model_to, model_from, model_json_of, model_of_datasets, models_of
from jax_profiling.lenses.population import is_name
from jax_profiling.lenses.simulate import DATASETS, MATRIX, simulate
from jax_profiling.lenses.specs import SPECS


@dataclass(frozen=True)
class Lens:
    """A lens that is ready to be fitted.

    Attributes
    ----------
    name
        The folder's name.
    folder
        Where its files are.
    model_path
        The `model.json` that is fitted: the folder's own, or that of a search.
    model
        The PyAutoFit model: that of `model.json`, or one per dataset in an `af.Collection`, as an `af.FactorGraphModel` has it.
    factors
        Its datasets, at least one.
    expected
        `expected.json`, {autolens release: {"log_evidence": x}}; empty where the fit has no pins.
    """

    name: str
    folder: Path
    model_path: Path
    model: af.AbstractPriorModel
    factors: tuple[Factor, ...]
    expected: dict

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


def search_and_lens(lens):
    """The two halves of `SEARCH@LENS`; the first is empty where there is a lens only."""
    # A folder may have the sign in its name.
    search, _, lens = ("", "", lens) if Path(lens).is_dir() else str(lens).rpartition("@")
    return search, lens


def folder_of(lens):
    """The folder of a lens, by its name or path; None if `load` has to simulate it first.

    Raises
    ------
    LensError
        If there is no such lens.
    """
    named = (base / str(lens) for base in (DATASETS, MATRIX))
    if found := next((folder for folder in named if (folder / "info.json").exists()), None):
        return found
    if str(lens) in SPECS or is_name(str(lens)):
        return None
    if not Path(lens).is_dir():
        raise LensError(f"{lens}: no such lens; give a folder, or one of {', '.join(sorted({*names(), *SPECS}))}.")
    return Path(lens)


def load(lens, **changes):
    """Load and check a lens folder.

    Parameters
    ----------
    lens
        The name of a folder under `dataset/imaging/` or `dataset/matrix/`, or the path of one anywhere. A lens of `specs.SPECS`
        whose folder does not exist yet is simulated first, and so is a drawn one (`population`). `SEARCH@LENS` is the model of
        a finished PyAutoFit search, by its output folder, on the dataset of such a lens.
    changes
        Keys of `info.json` that are to have another value than in the file.

    Returns
    -------
    Lens

    Raises
    ------
    LensError
        If a file is missing, unreadable or does not fit the others.
    """
    search, lens = search_and_lens(lens)
    folder = (folder_of(lens) or simulate(str(lens))).resolve()
    model_path = model_json_of(Path(search)) if search else folder / "model.json"
    below = sorted(path.parent for path in folder.glob("*/info.json"))
    if below and (folder / "data.fits").exists():
        raise LensError(
            f"{folder}: holds data.fits and a folder {below[0].name} with another dataset; keep one of the two."
        )
    infos = [info_from(path / "info.json", above=folder / "info.json", **changes) for path in below]
    infos = infos or [info_from(folder / "info.json", **changes)]
    model = model_from(model_path)
    if below:
        model = model_of_datasets(model_path, model, infos)
    else:
        dataset_model_to(model, infos[0], model_path)
    expected = folder / "expected.json"
    factors = map(factor_from, below or [folder], infos, models_of(model))
    return Lens(
        name=f"{Path(search).name}@{folder.name}" if search else folder.name,
        folder=folder,
        model_path=model_path,
        model=model,
        factors=tuple(factors),
        expected=json_from(expected) if expected.exists() and not (search or changes) else {},
    )
