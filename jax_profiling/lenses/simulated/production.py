"""The lenses of the production matrix: the fits of the pipelines of PyAutoLens, with autolens's own default priors.

Each lens is small and has the geometry of one pipeline. Cases that differ only in a key of `info.json` or in the regularization
are fit cases in `jax_profiling.proof.fit_cases`.
"""

import autofit as af
import autolens as al
import numpy as np

from jax_profiling.lenses.simulated.default_priors import (
    companion_of,
    lens_of,
    mge_of,
    production_spec_of,
    source_of,
    tracer_of,
)
from jax_profiling.lenses.simulated.frame import in_frame_of
from jax_profiling.lenses.simulated.spec import Spec, ell_comps_of, hilbert, sersic_of

BASELINES = 250.0 / 8.7e-4
"""Distance of the antennas from the centre of their array, in wavelengths: 250 m at 0.87 mm."""


def source_pix_1():
    """The first pixelized source of a SLaM pipeline."""
    return production_spec_of(
        "SLaM source-pix 1: Overlay mesh, its ring of edge points half a pixel outside the mask, default priors",
        tracer_of(al.mp.Isothermal(einstein_radius=1.4, ell_comps=ell_comps_of(0.85, 40.0))),
        {
            "mask_radius": 3.0,
            "edge_radius": 3.05,
            "over_sample_size_pixelization": 4,
            "image_mesh": {"type": "Overlay", "shape": [26, 26]},
            "positions_threshold": 0.3,
        },
        light=mge_of(3.0, gaussian_per_basis=2),
    )


def source_pix_2():
    """The second pixelized source of a SLaM pipeline."""
    return production_spec_of(
        "SLaM source-pix 2: power law with default priors, Hilbert mesh on a model image capped at signal to noise 3",
        tracer_of(al.mp.PowerLaw(einstein_radius=1.4, ell_comps=ell_comps_of(0.85, 40.0), slope=2.1)),
        {
            "mask_radius": 3.0,
            "edge_radius": 3.05,
            "over_sample_size_pixelization": 4,
            "image_mesh": hilbert(1000),
            "positions_threshold": 0.3,
        },
        light=mge_of(3.0, gaussian_per_basis=2),
        mass=al.mp.PowerLaw,
        adapt_signal_to_noise=3.0,
    )


def euclid_cpu():
    """The fit of a Euclid pipeline on CPUs."""
    centre = (0.6, -0.4)
    return production_spec_of(
        "Euclid's pipeline on CPUs: NumPy and numba, a mask off the centre of the image, scaled noise on another galaxy",
        tracer_of(
            al.mp.Isothermal(centre=centre, einstein_radius=1.4, ell_comps=ell_comps_of(0.85, 40.0)),
            centre=centre,
            others=[al.Galaxy(redshift=0.5, bulge=sersic_of((2.4, 0.9), 1.5, 0.25))],
        ),
        {
            "mask_radius": 3.0,
            "mask_centre": list(centre),
            "over_sample_size_pixelization": {"signal_to_noise": 3.0, "above": 4, "below": 2},
            "image_mesh": hilbert(500),
            "sparse_operator": "cpu",
        },
        light=mge_of(3.0, centre=centre),
        centre=centre,
        noise_scaled=((2.4, 0.9), 0.5),
        side=3.7,
    )


def interferometer():
    """190 visibilities of one snapshot of 20 antennas."""
    return production_spec_of(
        "190 visibilities, one snapshot of 20 antennas; the mesh is Overlay, the coefficient fixed",
        tracer_of(al.mp.Isothermal(einstein_radius=1.4, ell_comps=ell_comps_of(0.85, 40.0)), light=False),
        {
            "dataset": "interferometer",
            "mask_radius": 3.5,
            "real_space_shape": [256, 256],
            "image_mesh": {"type": "Overlay", "shape": [26, 26]},
        },
        regularization=af.Model(al.reg.ConstantSplit, coefficient=1.0),
    )


def datacube():
    """Four channels of an emission line."""
    mass = al.mp.Isothermal(einstein_radius=1.4, ell_comps=ell_comps_of(0.85, 40.0))
    channels = {
        f"channel_{number}": {
            "tracer": tracer_of(mass, light=False, source=((0.05 + 0.04 * number, 0.0), 3.0 + number))
        }
        for number in range(4)
    }
    return production_spec_of(
        "four channels of 190 visibilities that share every parameter; sparse operator, the coefficient free",
        channels["channel_0"]["tracer"],
        {
            "dataset": "interferometer",
            "mask_radius": 3.5,
            "real_space_shape": [256, 256],
            "image_mesh": {"type": "Overlay", "shape": [26, 26]},
            "sparse_operator": True,
            "shared_preloads": True,
        },
        regularization=af.Model(al.reg.ConstantSplit),
        datasets=channels,
    )


def two_bands():
    """Two images of one lens; the second is shifted and rotated."""
    tracer = tracer_of(al.mp.Isothermal(einstein_radius=1.4, ell_comps=ell_comps_of(0.85, 40.0)))
    frame = {"grid_offset": [0.05, -0.03], "grid_rotation_angle": 1.0}
    return production_spec_of(
        "two bands that share the mass, each with its own light and regularization; one is shifted and rotated",
        tracer,
        {
            "mask_radius": 3.0,
            "over_sample_size_pixelization": 2,
            "image_mesh": hilbert(500),
        },
        datasets={"g": {"tracer": tracer}, "r": {"tracer": in_frame_of(tracer, **frame), "info": frame}},
        shared=("mass", "shear"),
    )


def group():
    """A lens with companions."""
    extra = [((3.0, 2.4), 0.45), ((-3.4, 1.2), 0.35)]
    scaled = [((1.5, -4.2), 0.5), ((-2.0, -4.6), 0.8)]
    companions = [
        al.Galaxy(
            redshift=0.5,
            bulge=sersic_of(centre, 1.5, 0.3),
            mass=al.mp.IsothermalSph(centre=centre, einstein_radius=radius),
        )
        for centre, radius in [*extra, *((centre, 0.4 * luminosity) for centre, luminosity in scaled)]
    ]
    factor = af.UniformPrior(lower_limit=0.0, upper_limit=0.8)
    exponent = af.UniformPrior(lower_limit=0.5, upper_limit=1.5)
    return production_spec_of(
        "a group: two extra galaxies with light and mass of their own, and two more on a scaling relation of luminosity",
        tracer_of(al.mp.Isothermal(einstein_radius=3.2, ell_comps=ell_comps_of(0.85, 40.0)), others=companions),
        {
            "mask_radius": 7.5,
            "over_sample_size_pixelization": 4,
            "image_mesh": {"type": "Overlay", "shape": [22, 22]},
        },
        light=mge_of(7.5),
        extra_galaxies=af.Collection(*(companion_of(centre) for centre, _ in extra)),
        scaling_galaxies=af.Collection(
            *(companion_of(centre, einstein_radius=factor * luminosity**exponent) for centre, luminosity in scaled)
        ),
    )


def double_source_plane():
    """Two sources at different redshifts, with default priors."""
    near = al.Galaxy(
        redshift=1.0,
        bulge=sersic_of((0.04, 0.03), 5.0, 0.08),
        mass=al.mp.IsothermalSph(centre=(0.04, 0.03), einstein_radius=0.15),
    )
    far = al.Galaxy(redshift=2.0, bulge=sersic_of((-0.06, 0.08), 5.0, 0.08))
    lens = tracer_of(al.mp.Isothermal(einstein_radius=1.2, ell_comps=ell_comps_of(0.8, 45.0))).galaxies[0]
    image_mesh = {"type": "Overlay", "shape": [20, 20]}
    info = {"mask_radius": 2.5, "image_mesh": image_mesh, "over_sample_size_pixelization": 2}
    sources = {
        "source_0": source_of(1.0, info, mass=af.Model(al.mp.IsothermalSph)),
        "source_1": source_of(2.0, info),
    }
    model = af.Collection(galaxies=af.Collection(lens=lens_of(al.mp.Isothermal, mge_of(2.5)), **sources))
    return Spec(
        "double source plane: two meshes, each with 30 vertices without flux; adaptive regularization, default priors",
        "euclid",
        al.Tracer(galaxies=[lens, near, far]),
        model,
        info,
    )


def gradient_search():
    """A source near a caustic, for searches by gradients."""
    return production_spec_of(
        "a source near a caustic: strong ellipticity and shear, power law; coarse mesh, for searches by gradients",
        tracer_of(
            al.mp.PowerLaw(einstein_radius=1.4, ell_comps=(0.2, 0.2625), slope=2.1),
            shear=(0.1, 0.05),
            source=((0.2, 0.25), 6.0),
        ),
        {
            "mask_radius": 2.5,
            "over_sample_size_pixelization": 2,
            "image_mesh": hilbert(200),
        },
        light=mge_of(2.5),
        mass=al.mp.PowerLaw,
    )


def uv_wavelengths():
    """(190, 2), the baselines of 20 antennas, in wavelengths; seeded."""
    antennas = BASELINES * np.random.default_rng(20).normal(scale=0.4, size=(20, 2))
    first, second = np.triu_indices(len(antennas), k=1)
    return antennas[first] - antennas[second]


PRODUCTION = {
    "source_pix_1": source_pix_1,
    "source_pix_2": source_pix_2,
    "euclid_cpu": euclid_cpu,
    "interferometer": interferometer,
    "datacube": datacube,
    "two_bands": two_bands,
    "group": group,
    "double_source_plane": double_source_plane,
    "gradient_search": gradient_search,
}
"""Lens folder name -> a function that gives its `Spec`."""
