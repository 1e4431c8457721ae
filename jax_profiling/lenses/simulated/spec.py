"""The specification of a simulated lens, and the PyAutoFit model that is fitted to it."""

from dataclasses import dataclass, field

import autofit as af
import autolens as al
import numpy as np

PIXEL_SCALES = {"euclid": 0.1, "hst": 0.05, "jwst": 0.03, "ao": 0.01}
"""Pixel scale of each instrument, and the sigma of its Gaussian PSF (arcsec)."""

EXPOSURE_TIME, BACKGROUND_SKY_LEVEL = 300.0, 0.1
"""Exposure time (seconds) and sky (electrons per second and pixel) of every simulated image."""


@dataclass(frozen=True)
class Spec:
    """One simulated lens.

    Attributes
    ----------
    geometry
        The geometry that the lens tests, in one line.
    instrument
        A key of `PIXEL_SCALES`.
    tracer
        The truth that is simulated.
    model
        The PyAutoFit model that is fitted; its mesh has the vertices of `info["image_mesh"]` and `EDGE_POINTS`.
    info
        Keys of `info.json`, except the pixel scale and the redshifts.
    side
        Half a side of the image (arcsec); the mask radius by default.
    datasets
        Several datasets: folder name -> its tracer and the keys of its own `info.json`. Empty for one dataset.
    adapt_signal_to_noise
        Write `adapt_image.fits`, the image of the source capped at this signal to noise.
    noise_scaled
        Write `mask_extra_galaxies.fits`, a circle given by its centre and radius (arcsec).
    noise_seed
        The seed of the noise of the data.
    """

    geometry: str
    instrument: str
    tracer: al.Tracer
    model: af.Collection
    info: dict = field(default_factory=dict)
    side: float | None = None
    datasets: dict = field(default_factory=dict)
    adapt_signal_to_noise: float | None = None
    noise_scaled: tuple | None = None
    noise_seed: int = 1


MASK_RADIUS = 3.5
EDGE_POINTS = 30

OVERLAY = {"type": "Overlay", "shape": [39, 39]}
COARSE = {"type": "Overlay", "shape": [29, 29]}
"""Image meshes of `info.json`."""


def hilbert(pixels, weight_power=3.5, weight_floor=0.01):
    """A Hilbert image mesh of `info.json`, with the weights of the SLaM pipelines."""
    return {"type": "Hilbert", "pixels": pixels, "weight_power": weight_power, "weight_floor": weight_floor}


AROUND = {
    "centre": 0.005,
    "einstein_radius": 0.05,
    "ell_comps": 0.01,
    "slope": 0.05,
    "gamma_1": 0.005,
    "gamma_2": 0.005,
}
"""Standard deviation of the Gaussian prior around the truth of every mass parameter (radii and centres in arcsec)."""


def spec_of(
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
    """A spec with MGE light, priors of the mass around the truth (`spread` times `AROUND`), and a mesh per source."""
    model = {"lens": _lens_model(lens, gaussians, mask_radius, spread)}
    vertices = mesh_vertices_of({"image_mesh": image_mesh, "mask_radius": mask_radius}, instrument)
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


def mesh_vertices_of(info, instrument="euclid"):
    """The number of vertices inside the mask, without edge points, of the image mesh of an `info.json`."""
    image_mesh, pixel_scale = info["image_mesh"], PIXEL_SCALES[instrument]
    if image_mesh["type"] == "Hilbert":
        return image_mesh["pixels"]
    shape_native = tuple(info.get("real_space_shape") or shape_native_of(info["mask_radius"], pixel_scale))
    mask = al.Mask2D.circular(shape_native=shape_native, pixel_scales=pixel_scale, radius=info["mask_radius"])
    overlay = al.image_mesh.Overlay(shape=tuple(image_mesh["shape"]))
    return len(overlay.image_plane_mesh_grid_from(mask=mask, adapt_data=None))


def sersic_of(centre, intensity, effective_radius, sersic_index=1.0):
    """A cored Sersic profile, elongated a little."""
    return al.lp.SersicCore(
        centre=centre,
        ell_comps=ell_comps_of(0.8, 60.0),
        intensity=intensity,
        effective_radius=effective_radius,
        sersic_index=sersic_index,
    )


def ell_comps_of(axis_ratio, angle):
    return al.convert.ell_comps_from(axis_ratio=axis_ratio, angle=angle)


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
