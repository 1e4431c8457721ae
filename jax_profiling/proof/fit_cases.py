"""The fit cases of the production matrix: a lens folder, and what the fit changes in it."""

import copy
from dataclasses import dataclass, field, replace
from itertools import product

import autofit as af
import autolens as al

from jax_profiling.gate.likelihood import BATCH
from jax_profiling.gate.live_reference import PERTURBATIONS
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.model import galaxies_with_pixelization
from jax_profiling.lenses.simulated.spec import hilbert


@dataclass(frozen=True)
class FitCase:
    """One kind of fit that PyAutoLens users run.

    Attributes
    ----------
    group
        The pipeline or setting that it belongs to.
    name
        A few words, unique in the group.
    lens
        The name of a lens folder.
    info
        Keys of `info.json` that the case overrides.
    regularization
        A scheme that replaces the folder's: a class, which gets autolens's default priors, or an instance.
    mesh
        Arguments of the mesh that the case overrides.
    draws
        Number of parameter vectors drawn from the priors.
    perturbations
        Number of perturbations of each vector (`live_reference`).
    batch
        Number of lanes of the compiled program.
    accurate
        Whether the case also runs with the accurate log determinants.
    """

    group: str
    name: str
    lens: str
    info: dict = field(default_factory=dict)
    regularization: al.reg.Regularization | type | None = None
    mesh: dict = field(default_factory=dict)
    draws: int = 4
    perturbations: int = PERTURBATIONS
    batch: int = BATCH
    accurate: bool = False

    @property
    def key(self):
        """The name of the case in lower case with underscores, for files and options."""
        words = "".join(letter if letter.isalnum() else " " for letter in f"{self.group} {self.name}").split()
        return "_".join(words).lower()


def lens_of(case):
    """The lens of a fit case, loaded and checked."""
    lens = lens_folder.load(case.lens, **case.info)
    model = copy.deepcopy(lens.model)
    for _, galaxy in galaxies_with_pixelization(model):
        if case.regularization is not None:
            scheme = case.regularization
            galaxy.pixelization.regularization = af.Model(scheme) if isinstance(scheme, type) else scheme
        for name, value in case.mesh.items():
            setattr(galaxy.pixelization.mesh, name, value)
    return replace(lens, name=case.key, model=model, expected={})


PIPELINES = (
    FitCase("SLaM", "source-pix 1, Overlay", "source_pix_1", accurate=True),
    FitCase("SLaM", "source-pix 2, Hilbert", "source_pix_2", accurate=True),
    FitCase("Euclid", "NumPy, sparse operator on CPUs", "euclid_cpu"),
    *(
        FitCase(
            "profiling",
            "sparse operator" if sparse else "dense",
            "hst",
            info={"image_mesh": hilbert(1500, 1.0, 0.0), "edge_points": 0, "sparse_operator": sparse},
            mesh={"pixels": 1500, "zeroed_pixels": 0},
            draws=batch - 1,
            perturbations=1,
            batch=batch,
        )
        for sparse, batch in ((True, 20), (False, 3))
    ),
    FitCase("two bands", "offset and rotation", "two_bands", accurate=True),
    FitCase("group", "fp64", "group", accurate=True),
    FitCase("group", "mixed precision", "group", info={"settings": {"use_mixed_precision": True}}),
    FitCase("double source plane", "two meshes", "double_source_plane", accurate=True),
    FitCase("gradient search", "near a caustic", "gradient_search", accurate=True),
)

VISIBILITIES = (
    *(
        FitCase(
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
            perturbations=2,
            # One lane of the dense NUFFT, with one transform per vertex, takes 9 GB.
            batch=1 if (transformer, sparse) == ("NUFFT", False) else BATCH,
        )
        for mesh, transformer, sparse, positive in product(
            ("Overlay", "Hilbert"), ("DFT", "NUFFT"), (True, False), (True, False)
        )
    ),
    *(
        FitCase(
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
    FitCase(
        "regularization", getattr(scheme, "__name__", type(scheme).__name__), "small", regularization=scheme, draws=3
    )
    for scheme in (
        *(al.reg.Constant, al.reg.ConstantZeroth, al.reg.ConstantSplit, al.reg.Zeroth),
        # autolens has no default priors for this scheme.
        al.reg.BrightnessZeroth(coefficient=1.0, signal_scale=1.0),
        *(al.reg.Adapt, al.reg.AdaptPower, al.reg.AdaptSplit, al.reg.AdaptSplitPower),
        *(al.reg.AdaptSplitZeroth, al.reg.AdaptSplitZerothPower),
        *(al.reg.GaussianKernel, al.reg.ExponentialKernel, al.reg.MaternKernel),
        *(al.reg.MaternAdaptKernel, al.reg.MaternAdaptPowerKernel),
    )
)
"""Every scheme of `al.reg` for a mesh of vertices. `MaternSparse` needs rectangles, `CurvatureMask` and `FourthOrderMask` need
the pixels of a mask."""

SOLVERS = (
    FitCase("settings", "linear solver", "small", info={"settings": {"use_positive_only_solver": False}}),
    # autoarray uses this solver only if the mesh is the only linear object.
    FitCase("settings", "certified solver", "no_light", info={"settings": {"positive_only_solver": "certified"}}),
    FitCase("settings", "no border relocator", "small", info={"settings": {"use_border_relocator": False}}),
    FitCase("settings", "log det by slogdet", "small", info={"settings": {"log_det_method": "slogdet"}}),
    FitCase("settings", "edge points keep their flux", "small", mesh={"zeroed_pixels": 0}),
    FitCase(
        "settings", "KMeans", "small", info={"image_mesh": {"type": "KMeans", "pixels": 200}}, mesh={"pixels": 200}
    ),
)

CASES = {case.key: case for case in (*PIPELINES, *VISIBILITIES, *SCHEMES, *SOLVERS)}
"""Key -> fit case."""

NATURAL_NEIGHBORS = {
    key: replace(CASES[key], draws=1, perturbations=2, batch=1)
    for key in (
        "euclid_numpy_sparse_operator_on_cpus",
        "profiling_sparse_operator",
        "profiling_dense",
        "slam_source_pix_1_overlay",
        "slam_source_pix_2_hilbert",
        "two_bands_offset_and_rotation",
        "double_source_plane_two_meshes",
        "gradient_search_near_a_caustic",
        "interferometer_hilbert_dft_sparse_positive_only",
        "interferometer_hilbert_dft_dense_positive_only",
        "datacube_preloads_shared",
    )
}
"""Key -> fit case that also runs with `NaturalNeighbor`. Its reference is not compiled, so there are fewer vectors."""

ON_A_VERTEX = FitCase(
    "",
    "a data point on a vertex",
    "small",
    info={"image_mesh": {"type": "Overlay", "shape": [13, 13]}, "over_sample_size_pixelization": 1, "edge_points": 0},
    regularization=al.reg.AdaptSplit,
    mesh={"zeroed_pixels": 0},
)
"""Not one of the matrix: rounding decides what is counted. Without over-sampling the central vertex of 13 x 13 is the centre
of a pixel, in the image and in the source plane."""
