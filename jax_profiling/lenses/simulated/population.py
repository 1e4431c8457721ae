"""Lenses as surveys see them, drawn by a seed and a number: `population-SEED-NUMBER` is the same lens on every machine.

Collett 2015 (ApJ 811, 20, and the code LensPop) gives the velocity dispersions and flattenings of the deflectors, and the sizes
and flattenings of the sources. The same paper says when a lens is discoverable: a resolved ring, a magnification above 3, a
signal to noise above 20. Half as many lenses have twice the signal to noise. Auger et al. 2010 (ApJ 724, 511) give the slopes.
Redshifts, shear, clumps, the light of the deflector and the instruments are this project's own choice. A ring larger than every
cutout is drawn again. The redshifts only set the Einstein radius.
"""

import re
from dataclasses import replace

import autofit as af
import autolens as al
import numpy as np
from astropy.cosmology import FlatLambdaCDM
from scipy.optimize import brentq

from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.simulated.spec import (
    BACKGROUND_SKY_LEVEL,
    EXPOSURE_TIME,
    PIXEL_SCALES,
    Spec,
    ell_comps_of,
    shape_native_of,
    spec_of,
)

PRIORS = ("truth", "default")
"""The priors of a drawn lens: around the truth, or autolens's own."""

CUTOUTS = {("euclid", 2.0): (15, 15), ("euclid", 3.2): (19, 19), ("hst", 2.0): (21, 21)}
"""(instrument, mask radius in arcsec) -> shape of the Overlay mesh. One compiled program fits all lenses of one cutout."""

SHARE_OF_HST = 0.15
"""The share of lenses with a small ring that have HST's resolution; all others have Euclid's."""

MARGIN = 0.8
"""Distance from the Einstein radius to the mask (arcsec)."""

FACTS = ("einstein_radius", "signal_to_noise")
"""Keys of the `info.json` of a drawn lens that no fit reads (arcsec, and the signal to noise of the lensed source)."""

FWHM = 2.3548
"""Full width at half maximum of a Gaussian, in units of its sigma."""

LEAST_MAGNIFICATION, LEAST_SIGNAL_TO_NOISE, LARGEST_SIGNAL_TO_NOISE = 3.0, 20.0, 1000.0

_NAME = re.compile(r"population-(\d+)-(\d+)(-default)?")
_COSMOLOGY = FlatLambdaCDM(H0=70.0, Om0=0.3)
_REDSHIFTS = np.linspace(0.0, 5.0, 501)
_COMOVING = _COSMOLOGY.comoving_distance(_REDSHIFTS).value


def names_of(number, seed, priors="truth"):
    """The names of the first `number` lenses of a population."""
    end = "" if priors == "truth" else f"-{priors}"
    return [f"population-{seed}-{each:04d}{end}" for each in range(number)]


def is_name(name):
    """Whether a name belongs to a drawn lens."""
    return _NAME.fullmatch(name) is not None


def spec_of_name(name) -> Spec:
    """The `Spec` of a drawn lens, by its name.

    Raises
    ------
    LensError
        If the name does not have the form that `names_of` gives.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise LensError(f"{name}: not a drawn lens; name it population-SEED-NUMBER, or population-SEED-NUMBER-default.")
    seed, number = map(int, match.group(1, 2))
    # Names of one number are one lens.
    rng = np.random.default_rng([seed, number])
    while (spec := _drawn(rng)) is None:
        pass
    if match.group(3):
        spec = replace(spec, model=_with_default_priors(spec.model))
    return replace(spec, noise_seed=int(rng.integers(1, 2**31)))


def _drawn(rng):
    """The `Spec` of one lens, or None if it would not be discovered or does not fit a cutout."""
    sigma, lens_redshift, source_redshift = _deflector(rng)
    einstein_radius = einstein_radius_of(sigma, lens_redshift, source_redshift)
    effective_radius = _source_radius(rng, source_redshift)
    cutout = _cutout(rng, einstein_radius)
    if cutout is None:
        return None
    instrument, mask_radius = cutout
    resolved = einstein_radius**2 > effective_radius**2 + (FWHM * PIXEL_SCALES[instrument] / 2.0) ** 2
    if not resolved:
        return None

    mass = al.mp.PowerLaw(
        centre=tuple(rng.normal(0.0, 0.02, 2)),
        ell_comps=_ell_comps(rng, 0.378 - 0.000572 * sigma),
        einstein_radius=einstein_radius,
        slope=float(np.clip(rng.normal(2.078, 0.16), 1.6, 2.5)),
    )
    gamma_1, gamma_2 = rng.normal(0.0, 0.035, 2)
    shear = al.mp.ExternalShear(gamma_1=gamma_1, gamma_2=gamma_2)
    light = al.lp.Sersic(
        centre=mass.centre,
        ell_comps=mass.ell_comps,
        intensity=1.0,
        effective_radius=einstein_radius * rng.uniform(0.4, 1.0),
        sersic_index=rng.uniform(2.0, 4.0),
    )
    # Uniform inside the Einstein radius, because a singular lens makes at least two images of such a source.
    radius, angle = einstein_radius * np.sqrt(rng.uniform()), rng.uniform(0.0, 2.0 * np.pi)
    centre = (mass.centre[0] + radius * np.sin(angle), mass.centre[1] + radius * np.cos(angle))
    profiles = _source_profiles(rng, centre, effective_radius)
    lens = al.Galaxy(redshift=0.5, bulge=light, mass=mass, shear=shear)
    grid = al.Grid2D.uniform(
        shape_native=shape_native_of(mask_radius, PIXEL_SCALES[instrument]), pixel_scales=PIXEL_SCALES[instrument]
    )
    source = al.Galaxy(redshift=1.0, **profiles)
    lensed = np.asarray(al.Tracer(galaxies=[lens, source]).image_2d_list_from(grid=grid)[-1].array)
    # The flux of a Sersic profile follows from its parameters, so light outside the cutout counts too.
    if lensed.sum() * PIXEL_SCALES[instrument] ** 2 < LEAST_MAGNIFICATION * sum(map(_flux_of, profiles.values())):
        return None

    signal_to_noise = _signal_to_noise_of(rng)
    deflector = np.asarray(light.image_2d_from(grid=grid).array)
    ratio = 10.0 ** rng.uniform(0.0, 1.0) * lensed.sum() / deflector.sum()
    brightness = _brightness(lensed, ratio * deflector, signal_to_noise)
    light.intensity *= brightness * ratio
    for profile in profiles.values():
        profile.intensity *= brightness
    words = (
        f"a drawn lens at {instrument}'s resolution: Einstein radius {einstein_radius:.2f} arcsec, "
        f"axis ratio {al.convert.axis_ratio_from(ell_comps=mass.ell_comps):.2f}, slope {mass.slope:.2f}, a source of "
        f"{effective_radius:.2f} arcsec with {len(profiles) - 1} clumps, signal to noise {signal_to_noise:.0f}"
    )
    return spec_of(
        words,
        lens,
        [source],
        instrument=instrument,
        mask_radius=mask_radius,
        image_mesh={"type": "Overlay", "shape": list(CUTOUTS[cutout])},
        regularization=af.Model(
            al.reg.ConstantSplit, coefficient=af.LogUniformPrior(lower_limit=0.1, upper_limit=100.0)
        ),
        info={
            **dict(zip(FACTS, (round(einstein_radius, 4), round(signal_to_noise, 1)))),
            "over_sample_size_pixelization": 2,
        },
    )


def einstein_radius_of(sigma, lens_redshift, source_redshift):
    """The Einstein radius (arcsec) of a singular isothermal sphere of velocity dispersion `sigma` (km/s)."""
    near, far = np.interp([lens_redshift, source_redshift], _REDSHIFTS, _COMOVING)
    return float(np.degrees(4.0 * np.pi * (sigma / 299792.458) ** 2 * (1.0 - near / far)) * 3600.0)


def _deflector(rng):
    """Velocity dispersion (km/s) and the redshifts of lens and source, weighted by the lensing probability.

    The dispersions follow early-type galaxies (Choi et al. 2007) times the cross section, sigma^4. Deflectors have a constant
    density per comoving volume. Source redshifts follow a deep survey (Smail et al. 1994, mean 1.35).
    """
    sigmas = np.linspace(100.0, 400.0, 301)
    sigma = _from_density(rng, sigmas, sigmas ** (2.32 - 1.0 + 4.0) * np.exp(-((sigmas / 161.0) ** 2.67)))
    while True:
        lens_redshift = _from_density(rng, _REDSHIFTS, np.where(_REDSHIFTS < 1.2, np.gradient(_COMOVING**3), 0.0))
        source_redshift = _from_density(rng, _REDSHIFTS, _REDSHIFTS**2 * np.exp(-((_REDSHIFTS / 0.9) ** 1.5)))
        near, far = np.interp([lens_redshift, source_redshift], _REDSHIFTS, _COMOVING)
        if near < far and rng.uniform() < (1.0 - near / far) ** 2:
            return sigma, lens_redshift, source_redshift


def _from_density(rng, values, density):
    cumulative = np.cumsum(density)
    return float(np.interp(rng.uniform() * cumulative[-1], cumulative, values))


def _source_radius(rng, redshift):
    """The half-light radius of a source (arcsec): larger if brighter and nearer, with a scatter of 0.35 dex."""
    magnitude = rng.normal(-20.0, 0.8)
    kpc = 10.0 ** (-(magnitude + 18.0) / 4.0 + 0.35 * rng.normal()) * ((1.0 + redshift) / 1.6) ** -1.2
    distance = 1000.0 * np.interp(redshift, _REDSHIFTS, _COMOVING) / (1.0 + redshift)
    return float(np.clip(np.degrees(kpc / distance) * 3600.0, 0.03, 0.6))


def _cutout(rng, einstein_radius):
    """A key of `CUTOUTS`, or None if the ring is larger than all cutouts."""
    hst = rng.uniform() < SHARE_OF_HST
    for instrument, mask_radius in CUTOUTS:
        if einstein_radius + MARGIN <= mask_radius:
            return ("hst" if hst and ("hst", mask_radius) in CUTOUTS else instrument), mask_radius
    return None


def _ell_comps(rng, scale):
    """Elliptical components with a random angle; the flattening 1 - q follows a Rayleigh distribution cut at 0.8."""
    while (flattening := rng.rayleigh(scale)) > 0.8:
        pass
    return ell_comps_of(1.0 - flattening, rng.uniform(0.0, 180.0))


def _source_profiles(rng, centre, effective_radius):
    """A disc and up to four clumps of stars on it, each with a tenth to a third of the disc's light."""
    disc = al.lp.SersicCore(
        centre=centre,
        ell_comps=_ell_comps(rng, 0.3),
        intensity=1.0,
        effective_radius=effective_radius,
        sersic_index=rng.uniform(0.8, 1.5),
    )
    profiles = {"disc": disc}
    for number in range(min(rng.poisson(1.0), 4)):
        size = rng.uniform(0.15, 0.4)
        offset = rng.normal(0.0, 0.8 * effective_radius, 2)
        profiles[f"clump_{number}"] = al.lp.SersicCore(
            centre=(centre[0] + offset[0], centre[1] + offset[1]),
            intensity=rng.uniform(0.1, 0.33) / size**2,
            effective_radius=size * effective_radius,
            sersic_index=1.0,
        )
    return profiles


def _signal_to_noise_of(rng):
    """A number of a survey: half of all lenses have twice the least signal to noise or more."""
    return min(LEAST_SIGNAL_TO_NOISE / rng.uniform(), LARGEST_SIGNAL_TO_NOISE)


def _flux_of(profile):
    """The flux of a Sersic profile, summed on a fine grid around it."""
    radius = 6.0 * profile.effective_radius
    grid = al.Grid2D.uniform(shape_native=(121, 121), pixel_scales=2.0 * radius / 121, origin=profile.centre)
    return np.asarray(profile.image_2d_from(grid=grid).array).sum() * (2.0 * radius / 121) ** 2


def _brightness(lensed, deflector, signal_to_noise):
    """The factor for both images that gives the lensed source this signal to noise under Poisson noise."""

    def excess(log_factor):
        source, other = np.exp(log_factor) * lensed, np.exp(log_factor) * deflector
        variance = (source + other + BACKGROUND_SKY_LEVEL) / EXPOSURE_TIME
        return np.log(np.sqrt((source**2 / variance).sum()) / signal_to_noise)

    return float(np.exp(brentq(excess, -30.0, 30.0)))


def _with_default_priors(model):
    """The model of a first fit: an isothermal lens with shear, and a coefficient, with autolens's own priors."""
    model = model.copy()
    galaxies = model.galaxies
    galaxies.lens.mass, galaxies.lens.shear = af.Model(al.mp.Isothermal), af.Model(al.mp.ExternalShear)
    galaxies.source.pixelization.regularization = af.Model(al.reg.ConstantSplit)
    return model
