"""Specs with autolens's own default priors: the parts of the lenses of the production matrix."""

import autofit as af
import autolens as al
import numpy as np

from jax_profiling.lenses.simulated.spec import EDGE_POINTS, Spec, mesh_vertices_of, sersic_of


def production_spec_of(
    geometry,
    tracer,
    info,
    light=None,
    mass=al.mp.Isothermal,
    regularization=None,
    centre=(0.0, 0.0),
    datasets=None,
    shared=None,
    extra_galaxies=None,
    scaling_galaxies=None,
    **files,
):
    """A spec at Euclid's resolution with autolens's own default priors.

    `shared` names the parts of the lens galaxy that several datasets share. If it is None, they share every parameter.
    """
    others = {"extra_galaxies": extra_galaxies, "scaling_galaxies": scaling_galaxies}

    def model_of(lens):
        source = source_of(1.0, info, regularization=regularization)
        return af.Collection(
            galaxies=af.Collection(lens=lens, source=source),
            **{name: galaxies for name, galaxies in others.items() if galaxies is not None},
        )

    lens = lens_of(mass, light, centre)
    if shared is None:
        model = model_of(lens)
    else:
        kept = {name: getattr(lens, name) for name in shared}
        model = af.Collection(
            [model_of(af.Model(al.Galaxy, redshift=0.5, bulge=mge_of(info["mask_radius"]), **kept)) for _ in datasets]
        )
    return Spec(geometry, "euclid", tracer, model, info, datasets=datasets or {}, **files)


def tracer_of(mass, centre=(0.0, 0.0), light=True, shear=(0.05, -0.02), source=((0.07, 0.05), 4.0), others=()):
    """A lens, other galaxies, and a source. `source` holds its centre, relative to `centre`, and its intensity."""
    bulge = {"bulge": sersic_of(centre, 1.5, 0.6, sersic_index=3.0)} if light else {}
    gamma_1, gamma_2 = shear
    lens = al.Galaxy(redshift=0.5, mass=mass, shear=al.mp.ExternalShear(gamma_1=gamma_1, gamma_2=gamma_2), **bulge)
    place, intensity = source
    # autolens's shear is zero at the origin, so it moves the source of a lens that is off the origin.
    moved = np.add(np.add(centre, place), np.negative(_sheared(centre, shear)))
    return al.Tracer(galaxies=[lens, *others, al.Galaxy(redshift=1.0, bulge=sersic_of(tuple(moved), intensity, 0.1))])


def _sheared(centre, shear):
    """The deflection of an external shear at a point (arcsec)."""
    grid = al.Grid2DIrregular([centre])
    field = al.mp.ExternalShear(gamma_1=shear[0], gamma_2=shear[1])
    return np.asarray(field.deflections_yx_2d_from(grid=grid).array)[0]


def mge_of(mask_radius, **arguments):
    return al.model_util.mge_model_from(mask_radius=mask_radius, total_gaussians=20, **arguments)


def lens_of(mass, light, centre=(0.0, 0.0)):
    """A lens galaxy with default priors; its centre has Gaussian priors around `centre`."""
    mass = af.Model(mass)
    for axis, value in enumerate(centre):
        setattr(mass.centre, f"centre_{axis}", af.GaussianPrior(mean=value, sigma=0.1))
    light = {} if light is None else {"bulge": light}
    return af.Model(al.Galaxy, redshift=0.5, mass=mass, shear=af.Model(al.mp.ExternalShear), **light)


def source_of(redshift, info, regularization=None, **profiles):
    """A source galaxy with adaptive regularization of default priors, unless another one is given."""
    mesh = af.Model(al.mesh.Delaunay, pixels=mesh_vertices_of(info), zeroed_pixels=EDGE_POINTS, areas_factor=0.5)
    pixelization = af.Model(al.Pixelization, mesh=mesh, regularization=regularization or af.Model(al.reg.AdaptSplit))
    return af.Model(al.Galaxy, redshift=redshift, pixelization=pixelization, **profiles)


def companion_of(centre, einstein_radius=None):
    """A galaxy near the lens. Its centre is known; its Einstein radius has a prior or follows a relation."""
    mass = af.Model(al.mp.IsothermalSph, centre=centre)
    mass.einstein_radius = einstein_radius or af.UniformPrior(lower_limit=0.0, upper_limit=1.0)
    return af.Model(al.Galaxy, redshift=0.5, bulge=mge_of(1.5, centre_fixed=centre), mass=mass)
