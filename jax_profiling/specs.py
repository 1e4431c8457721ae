"""The lenses that this repository simulates: what each consists of, and the model that is fitted to it."""

from dataclasses import dataclass, field

import autofit as af
import autolens as al

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


def fiducial(instrument="hst"):
    """The isothermal lens with shear that every figure of the README is quoted for."""
    ell_comps = al.convert.ell_comps_from(axis_ratio=0.9, angle=45.0)
    lens = al.Galaxy(
        redshift=0.5,
        bulge=al.lp.Sersic(ell_comps=ell_comps, intensity=2.0, effective_radius=0.6, sersic_index=3.0),
        mass=al.mp.Isothermal(einstein_radius=1.6, ell_comps=ell_comps),
        shear=al.mp.ExternalShear(gamma_1=0.05, gamma_2=0.05),
    )
    source = al.Galaxy(
        redshift=1.0,
        bulge=al.lp.SersicCore(
            ell_comps=al.convert.ell_comps_from(axis_ratio=0.8, angle=60.0),
            intensity=4.0,
            effective_radius=0.1,
            sersic_index=1.0,
        ),
    )
    return Spec(
        geometry="near-circular isothermal lens, source behind its centre: an almost complete ring",
        instrument=instrument,
        tracer=al.Tracer(galaxies=[lens, source]),
        model=af.Collection(galaxies=af.Collection(lens=_lens_model(lens), source=_source_model(source, pixels=1201))),
        info={"mask_radius": MASK_RADIUS, "image_mesh": {"type": "Overlay", "shape": [39, 39]}},
    )


def _lens_model(lens):
    """MGE light, and mass and shear with Gaussian priors at the truth."""
    mass = af.Model(al.mp.Isothermal)
    mass.centre.centre_0 = af.GaussianPrior(mean=lens.mass.centre[0], sigma=0.005)
    mass.centre.centre_1 = af.GaussianPrior(mean=lens.mass.centre[1], sigma=0.005)
    mass.einstein_radius = af.GaussianPrior(mean=lens.mass.einstein_radius, sigma=0.05)
    mass.ell_comps.ell_comps_0 = af.GaussianPrior(mean=lens.mass.ell_comps[0], sigma=0.01)
    mass.ell_comps.ell_comps_1 = af.GaussianPrior(mean=lens.mass.ell_comps[1], sigma=0.01)
    shear = af.Model(
        al.mp.ExternalShear,
        gamma_1=af.GaussianPrior(mean=lens.shear.gamma_1, sigma=0.005),
        gamma_2=af.GaussianPrior(mean=lens.shear.gamma_2, sigma=0.005),
    )
    bulge = al.model_util.mge_model_from(mask_radius=MASK_RADIUS, total_gaussians=60, centre_prior_is_uniform=True)
    return af.Model(al.Galaxy, redshift=lens.redshift, bulge=bulge, mass=mass, shear=shear)


def _source_model(source, pixels):
    mesh = af.Model(al.mesh.Delaunay, pixels=pixels, zeroed_pixels=EDGE_POINTS, areas_factor=0.5)
    regularization = af.Model(al.reg.ConstantSplit, coefficient=1.0)
    pixelization = af.Model(al.Pixelization, mesh=mesh, regularization=regularization)
    return af.Model(al.Galaxy, redshift=source.redshift, pixelization=pixelization)


SPECS = {"hst": fiducial}
"""Lens folder name -> a function that gives its `Spec`."""
