"""The cells of the production matrix: a lens folder, and where the cell's fit differs from what the folder says."""

import copy
from dataclasses import dataclass, field, replace
from itertools import product

import autofit as af
import autolens as al

from jax_profiling.gate.likelihood import BATCH
from jax_profiling.gate.reference import MOVES
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.model import galaxies_with_pixelization
from jax_profiling.lenses.spec import hilbert


@dataclass(frozen=True)
class Cell:
    """One kind of fit that people run.

    Attributes
    ----------
    group
        The pipeline that it belongs to.
    name
        What is special about it, in a few words; unique in its group.
    lens
        The name of a lens folder.
    info
        Keys of its `info.json` that are different.
    regularization
        Another regularization scheme: a class, with autolens's default priors, or an instance; the folder's own by default.
    mesh
        Arguments of the mesh that are different.
    draws
        How many parameter vectors are drawn from the priors.
    moves
        How many times the reference is evaluated again at each, moved by last bits.
    batch
        How many lanes are evaluated at once.
    accurate
        Whether the cell is also shown with the right log determinant of regularization.
    """

    group: str
    name: str
    lens: str
    info: dict = field(default_factory=dict)
    regularization: al.reg.Regularization | type | None = None
    mesh: dict = field(default_factory=dict)
    draws: int = 4
    moves: int = MOVES
    batch: int = BATCH
    accurate: bool = False

    @property
    def key(self):
        """The cell's name as a file has it."""
        words = "".join(letter if letter.isalnum() else " " for letter in f"{self.group} {self.name}").split()
        return "_".join(words).lower()


def lens_of(cell):
    """The lens of a cell, loaded and checked."""
    lens = lens_folder.load(cell.lens, **cell.info)
    model = copy.deepcopy(lens.model)
    for _, galaxy in galaxies_with_pixelization(model):
        if cell.regularization is not None:
            scheme = cell.regularization
            galaxy.pixelization.regularization = af.Model(scheme) if isinstance(scheme, type) else scheme
        for name, value in cell.mesh.items():
            setattr(galaxy.pixelization.mesh, name, value)
    return replace(lens, name=cell.key, model=model, expected={})


PIPELINES = (
    Cell("SLaM", "source-pix 1, Overlay", "source_pix_1", accurate=True),
    Cell("SLaM", "source-pix 2, Hilbert", "source_pix_2", accurate=True),
    Cell("Euclid", "NumPy, sparse operator on CPUs", "euclid_cpu"),
    *(
        Cell(
            "profiling",
            "sparse operator" if sparse else "dense",
            "hst",
            info={"image_mesh": hilbert(1500, 1.0, 0.0), "edge_points": 0, "sparse_operator": sparse},
            mesh={"pixels": 1500, "zeroed_pixels": 0},
            draws=batch - 1,
            moves=1,
            batch=batch,
        )
        for sparse, batch in ((True, 20), (False, 3))
    ),
    Cell("two bands", "offset and rotation", "two_bands", accurate=True),
    Cell("group", "fp64", "group", accurate=True),
    Cell("group", "mixed precision", "group", info={"settings": {"use_mixed_precision": True}}),
    Cell("double source plane", "two meshes", "double_source_plane", accurate=True),
    Cell("gradient search", "near a caustic", "gradient_search", accurate=True),
)

VISIBILITIES = (
    *(
        Cell(
            "interferometer",
            f"{mesh}, {transformer}, {'sparse' if sparse else 'dense'}, {'positive only' if positive else 'linear'}",
            "interferometer",
            info={
                "transformer": transformer,
                "sparse_operator": sparse,
                "settings": {"use_positive_only_solver": positive},
                **({"image_mesh": hilbert(1000)} if mesh == "Hilbert" else {}),
            },
            regularization=al.reg.AdaptSplit if mesh == "Hilbert" else None,
            mesh={"pixels": 1000} if mesh == "Hilbert" else {},
            draws=2,
            moves=2,
            # A lane of the dense NUFFT, a transform per vertex, takes 9 GB.
            batch=1 if (transformer, sparse) == ("NUFFT", False) else BATCH,
        )
        for mesh, transformer, sparse, positive in product(
            ("Overlay", "Hilbert"), ("DFT", "NUFFT"), (True, False), (True, False)
        )
    ),
    *(
        Cell(
            "datacube",
            "preloads shared" if shared else "preloads not shared",
            "datacube",
            info={"shared_preloads": shared},
            draws=2,
        )
        for shared in (True, False)
    ),
)

SCHEMES = tuple(
    Cell("regularization", getattr(scheme, "__name__", type(scheme).__name__), "small", regularization=scheme, draws=3)
    for scheme in (
        *(al.reg.Constant, al.reg.ConstantZeroth, al.reg.ConstantSplit, al.reg.Zeroth),
        # autolens has no default priors for it.
        al.reg.BrightnessZeroth(coefficient=1.0, signal_scale=1.0),
        *(al.reg.Adapt, al.reg.AdaptPower, al.reg.AdaptSplit, al.reg.AdaptSplitPower),
        *(al.reg.AdaptSplitZeroth, al.reg.AdaptSplitZerothPower),
        *(al.reg.GaussianKernel, al.reg.ExponentialKernel, al.reg.MaternKernel),
        *(al.reg.MaternAdaptKernel, al.reg.MaternAdaptPowerKernel),
    )
)
"""Every scheme of `al.reg` that takes a mesh of vertices: `MaternSparse` takes rectangles, and `CurvatureMask` and
`FourthOrderMask` the pixels of a mask."""

SOLVERS = (
    Cell("settings", "linear solver", "small", info={"settings": {"use_positive_only_solver": False}}),
    # autoarray applies it where a mesh is the only linear object.
    Cell("settings", "certified solver", "no_light", info={"settings": {"positive_only_solver": "certified"}}),
    Cell("settings", "no border relocator", "small", info={"settings": {"use_border_relocator": False}}),
    Cell("settings", "log det by slogdet", "small", info={"settings": {"log_det_method": "slogdet"}}),
    Cell("settings", "edge points keep their flux", "small", mesh={"zeroed_pixels": 0}),
    Cell("settings", "KMeans", "small", info={"image_mesh": {"type": "KMeans", "pixels": 200}}, mesh={"pixels": 200}),
)

CELLS = {cell.key: cell for cell in (*PIPELINES, *VISIBILITIES, *SCHEMES, *SOLVERS)}
"""Key -> cell."""
