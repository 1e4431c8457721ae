"""The lenses that this repository simulates: what each consists of, and the model that is fitted to it."""

from dataclasses import dataclass, field

import autofit as af
import autolens as al
import numpy as np

PIXEL_SCALES = {"euclid": 0.1, "hst": 0.05, "jwst": 0.03, "ao": 0.01}
"""Pixel scale of each instrument, and the sigma of its Gaussian PSF (arcsec)."""


@dataclass(frozen=True)
class Spec:
    """One simulated lens.

    Attributes
    ----------
    geometry
        Which geometry the lens stresses, in one line.
    instrument
        A key of `PIXEL_SCALES`.
    tracer
        The truth that is simulated.
    model
        The PyAutoFit model that is fitted; its mesh has the vertices of `info["image_mesh"]` and `EDGE_POINTS`.
    info
        What the lens folder's `info.json` says beside the pixel scale and the redshifts.
    """

    geometry: str
    instrument: str
    tracer: al.Tracer
    model: af.Collection
    info: dict = field(default_factory=dict)


MASK_RADIUS = 3.5
EDGE_POINTS = 30

OVERLAY = {"type": "Overlay", "shape": [39, 39]}
COARSE = {"type": "Overlay", "shape": [29, 29]}
"""Image meshes of `info.json`."""

AROUND = {
    "centre": 0.005,
    "einstein_radius": 0.05,
    "ell_comps": 0.01,
    "slope": 0.05,
    "gamma_1": 0.005,
    "gamma_2": 0.005,
}
"""Standard deviation of the Gaussian prior around the truth of every mass parameter (radii and centres in arcsec)."""


def fiducial(instrument="hst"):
    """The isothermal lens with shear that every figure of the README is quoted for."""
    return _spec(
        "near-circular isothermal lens, source behind its centre: an almost complete ring",
        *_ring(),
        instrument=instrument,
        mask_radius=MASK_RADIUS,
        image_mesh=OVERLAY,
        gaussians=60,
        spread=1.0,
    )


def small():
    """The fiducial where a fit takes little time to compile and to evaluate, and still fits to the noise."""
    return _spec(
        "the fiducial on few pixels and vertices: for the posterior and the tests",
        *_ring(),
        instrument="euclid",
        mask_radius=2.2,
        image_mesh={"type": "Overlay", "shape": [15, 15]},
        gaussians=20,
        spread=1.0,
        # No data point on a vertex: adaptive signals count only weights that are not zero, and with a weight that is zero
        # but for rounding Delaunay's own log evidence differs between its eager and its jitted fit.
        info={"over_sample_size_pixelization": 2},
    )


def ao():
    """The fiducial at the resolution of adaptive optics: 0.4 million data points."""
    return fiducial("ao")


def fold():
    """A source just inside a fold of the caustic."""
    return _spec(
        "source just inside a fold: two images merge on the critical curve; pixelization over-sampled 2 times",
        _elongated(),
        [_source(centre=(0.005, 0.115), intensity=6.0, effective_radius=0.06)],
        info={"over_sample_size_pixelization": 2},
    )


def cusp():
    """A source just inside a cusp of the caustic."""
    return _spec(
        "source just inside a cusp: three images merge to an arc; Hilbert mesh, which crowds where the arc is",
        _elongated(),
        [_source(centre=(0.215, 0.161), intensity=6.0, effective_radius=0.06)],
        image_mesh={"type": "Hilbert", "pixels": 600},
    )


def cross():
    """A compact source behind an elongated lens."""
    return _spec(
        "compact source behind an elongated lens: four separate images; pixelization over-sampled 4 times",
        _elongated(),
        [_source(centre=(0.01, -0.01), intensity=12.0, effective_radius=0.04)],
        info={"over_sample_size_pixelization": 4},
    )


def naked_cusp():
    """A shear so strong that two cusps of the caustic lie outside the cut, where a source has three images on one side."""
    lens = _lens(
        al.mp.Isothermal(einstein_radius=1.0, ell_comps=_ell_comps(0.9, 90.0)), shear=(-0.4, 0.0), bulge=_bulge()
    )
    return _spec(
        "shear 0.4 along the axes: source at a cusp outside the cut; symmetric at the prior median, where the mesh has ties",
        lens,
        [_source(centre=(0.0, 1.2), intensity=4.0, effective_radius=0.1)],
        mask_radius=3.0,
    )


def shallow():
    """A power law shallower than isothermal."""
    return _power_law(
        1.7, "power law of slope 1.7: no deflection at the centre, whose pixels map in among those of the ring"
    )


def steep():
    """A power law steeper than isothermal."""
    return _power_law(
        2.3, "power law of slope 2.3: deflections diverge at the centre and throw its pixels across the source plane"
    )


def clumpy():
    """A source of several components."""
    clumps = al.Galaxy(
        redshift=1.0,
        **{
            f"clump_{number}": _sersic(centre, intensity, radius)
            for number, (centre, intensity, radius) in enumerate(
                [
                    ((0.05, 0.0), 3.0, 0.12),
                    ((0.22, 0.1), 8.0, 0.03),
                    ((-0.15, 0.18), 6.0, 0.04),
                    ((0.0, -0.25), 10.0, 0.025),
                    ((-0.2, -0.12), 5.0, 0.05),
                ]
            )
        },
    )
    return _spec(
        "five clumps on both sides of the caustic; Hilbert mesh and adaptive split regularization",
        _elongated(),
        [clumps],
        image_mesh={"type": "Hilbert", "pixels": 700},
        regularization=af.Model(al.reg.AdaptSplit, inner_coefficient=0.5, outer_coefficient=5.0, signal_scale=0.5),
    )


def no_light():
    """A lens without light of its own."""
    lens = _lens(al.mp.Isothermal(einstein_radius=1.3, ell_comps=_ell_comps(0.8, 20.0)), shear=(0.02, -0.03))
    return _spec(
        "a lens without light: the inversion has no column but the mesh's; regularization coefficient free",
        lens,
        [_source(centre=(0.06, 0.04), intensity=4.0, effective_radius=0.1)],
        regularization=af.Model(al.reg.ConstantSplit, coefficient=af.LogUniformPrior(1.0e-2, 1.0e2)),
    )


def two_planes():
    """Two sources at different redshifts, the nearer of which is a lens too."""
    near = al.Galaxy(
        redshift=1.0,
        bulge=_sersic((0.04, 0.03), 5.0, 0.08),
        mass=al.mp.IsothermalSph(centre=(0.04, 0.03), einstein_radius=0.15),
    )
    far = _source(centre=(-0.06, 0.08), intensity=5.0, effective_radius=0.08, redshift=2.0)
    return _spec(
        "sources on two planes, the nearer deflecting the farther, each with its own pixelization",
        _elongated(),
        [near, far],
        image_mesh={"type": "Overlay", "shape": [23, 23]},
        # Flat sources on both planes cancel in the image: a smoothness alone leaves that combination free, and the
        # log determinant of the reference itself is then good to 1e-5 nats only.
        regularization=af.Model(al.reg.ExponentialKernel, coefficient=1.0, scale=0.2),
    )


def faint():
    """A source far fainter than the lens in front of it."""
    return _spec(
        "a faint source: signal to noise of about 5 per pixel in its images, 12 at most",
        _elongated(),
        [_source(centre=(0.08, -0.05), intensity=0.25, effective_radius=0.12)],
    )


def _ring():
    """The lens and the sources of the fiducial."""
    bulge = al.lp.Sersic(ell_comps=_ell_comps(0.9, 45.0), intensity=2.0, effective_radius=0.6, sersic_index=3.0)
    mass = al.mp.Isothermal(einstein_radius=1.6, ell_comps=_ell_comps(0.9, 45.0))
    return _lens(mass, shear=(0.05, 0.05), bulge=bulge), [_source((0.0, 0.0), intensity=4.0, effective_radius=0.1)]


def _elongated():
    """The lens whose caustic most of these sources are placed on: its cusps are at (+-0.24, +-0.18) arcsec."""
    mass = al.mp.Isothermal(einstein_radius=1.2, ell_comps=_ell_comps(0.65, 45.0))
    return _lens(mass, shear=(0.03, 0.03), bulge=_bulge())


def _power_law(slope, geometry):
    mass = al.mp.PowerLaw(einstein_radius=1.3, ell_comps=_ell_comps(0.8, 110.0), slope=slope)
    lens = _lens(mass, shear=(-0.04, 0.02), bulge=_bulge())
    return _spec(geometry, lens, [_source(centre=(0.05, 0.08), intensity=4.0, effective_radius=0.1)])


def _lens(mass, shear, **light):
    gamma_1, gamma_2 = shear
    return al.Galaxy(redshift=0.5, mass=mass, shear=al.mp.ExternalShear(gamma_1=gamma_1, gamma_2=gamma_2), **light)


def _bulge():
    return al.lp.Sersic(ell_comps=_ell_comps(0.8, 45.0), intensity=1.0, effective_radius=0.5, sersic_index=3.0)


def _source(centre, intensity, effective_radius, redshift=1.0):
    return al.Galaxy(redshift=redshift, bulge=_sersic(centre, intensity, effective_radius))


def _sersic(centre, intensity, effective_radius):
    return al.lp.SersicCore(
        centre=centre,
        ell_comps=_ell_comps(0.8, 60.0),
        intensity=intensity,
        effective_radius=effective_radius,
        sersic_index=1.0,
    )


def _ell_comps(axis_ratio, angle):
    return al.convert.ell_comps_from(axis_ratio=axis_ratio, angle=angle)


def _spec(
    geometry,
    lens,
    sources,
    instrument="hst",
    mask_radius=2.5,
    image_mesh=COARSE,
    gaussians=20,
    spread=3.0,
    regularization=None,
    info=None,
):
    """A spec whose model has MGE light, mass profiles around the truth (`spread` times `AROUND`), and a mesh per source."""
    model = {"lens": _lens_model(lens, gaussians, mask_radius, spread)}
    vertices = _vertices_of(image_mesh, mask_radius, PIXEL_SCALES[instrument])
    for number, source in enumerate(sources):
        name = "source" if len(sources) == 1 else f"source_{number}"
        model[name] = _source_model(source, vertices, regularization, spread)
    return Spec(
        geometry=geometry,
        instrument=instrument,
        tracer=al.Tracer(galaxies=[lens, *sources]),
        model=af.Collection(galaxies=af.Collection(**model)),
        info={"mask_radius": mask_radius, "image_mesh": image_mesh, **(info or {})},
    )


def shape_native_of(mask_radius, pixel_scale):
    """The smallest odd number of pixels, along both axes, that holds a mask (arcsec)."""
    side = 2 * int(np.ceil(mask_radius / pixel_scale)) + 1
    return side, side


def _vertices_of(image_mesh, mask_radius, pixel_scale):
    """How many vertices an image mesh has inside the mask."""
    if image_mesh["type"] == "Hilbert":
        return image_mesh["pixels"]
    mask = al.Mask2D.circular(
        shape_native=shape_native_of(mask_radius, pixel_scale), pixel_scales=pixel_scale, radius=mask_radius
    )
    overlay = al.image_mesh.Overlay(shape=tuple(image_mesh["shape"]))
    return len(overlay.image_plane_mesh_grid_from(mask=mask, adapt_data=None))


def _lens_model(lens, gaussians, mask_radius, spread):
    mass, shear = _around(lens.mass, spread), _around(lens.shear, spread)
    light = {}
    if hasattr(lens, "bulge"):
        light["bulge"] = al.model_util.mge_model_from(
            mask_radius=mask_radius, total_gaussians=gaussians, centre_prior_is_uniform=True
        )
    return af.Model(al.Galaxy, redshift=lens.redshift, **light, mass=mass, shear=shear)


def _around(profile, spread):
    """The model of a mass profile, with Gaussian priors around its parameters."""
    model = af.Model(type(profile))
    for name, sigma in AROUND.items():
        truth = getattr(profile, name, None)
        if not hasattr(model, name) or truth is None:
            continue
        if isinstance(truth, tuple):
            for axis, value in enumerate(truth):
                setattr(getattr(model, name), f"{name}_{axis}", af.GaussianPrior(mean=value, sigma=spread * sigma))
        else:
            setattr(model, name, af.GaussianPrior(mean=truth, sigma=spread * sigma))
    return model


def _source_model(source, vertices, regularization, spread):
    mesh = af.Model(al.mesh.Delaunay, pixels=vertices, zeroed_pixels=EDGE_POINTS, areas_factor=0.5)
    regularization = regularization or af.Model(al.reg.ConstantSplit, coefficient=1.0)
    pixelization = af.Model(al.Pixelization, mesh=mesh, regularization=regularization)
    mass = {"mass": _around(source.mass, spread)} if hasattr(source, "mass") else {}
    return af.Model(al.Galaxy, redshift=source.redshift, **mass, pixelization=pixelization)


SPECS = {
    "euclid": lambda: fiducial("euclid"),
    "hst": fiducial,
    "jwst": lambda: fiducial("jwst"),
    "ao": ao,
    "fold": fold,
    "cusp": cusp,
    "cross": cross,
    "naked_cusp": naked_cusp,
    "shallow": shallow,
    "steep": steep,
    "clumpy": clumpy,
    "no_light": no_light,
    "two_planes": two_planes,
    "faint": faint,
    "small": small,
}
"""Lens folder name -> a function that gives its `Spec`."""

ON_DEMAND = {"ao"}
"""Too large for the repository: simulated where it is asked for, and run where there is memory for it (about 20 GB)."""
