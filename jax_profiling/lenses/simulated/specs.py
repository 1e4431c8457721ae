"""The lenses that this repository simulates: what each consists of."""

import autofit as af
import autolens as al

from jax_profiling.lenses.simulated.spec import MASK_RADIUS, OVERLAY, ell_comps_of, sersic_of, spec_of


def fiducial(instrument="hst"):
    """The isothermal lens with shear that every figure of the README is quoted for."""
    return spec_of(
        "near-circular isothermal lens, source behind its centre: an almost complete ring",
        *_ring(),
        instrument=instrument,
        mask_radius=MASK_RADIUS,
        image_mesh=OVERLAY,
        gaussians=60,
        spread=1.0,
    )


def small():
    """A small fiducial: quick to compile and to evaluate, and it still fits to the noise."""
    return spec_of(
        "the fiducial on few pixels and vertices: for the posterior and the tests",
        *_ring(),
        instrument="euclid",
        mask_radius=2.2,
        image_mesh={"type": "Overlay", "shape": [15, 15]},
        gaussians=20,
        spread=1.0,
        # With over-sampling 2 no data point lies on a vertex. Adaptive signals count the weights that are not zero. A weight
        # that is zero up to rounding makes the log evidence of Delaunay itself differ between eager and jitted fits.
        info={"over_sample_size_pixelization": 2},
    )


def ao():
    """The fiducial at the resolution of adaptive optics: 0.4 million data points."""
    return fiducial("ao")


def fold():
    """A source just inside a fold of the caustic."""
    return spec_of(
        "source just inside a fold: two images merge on the critical curve; pixelization over-sampled 2 times",
        _elongated(),
        [_source(centre=(0.005, 0.115), intensity=6.0, effective_radius=0.06)],
        info={"over_sample_size_pixelization": 2},
    )


def cusp():
    """A source just inside a cusp of the caustic."""
    return spec_of(
        "source just inside a cusp: three images merge to an arc; Hilbert mesh, with most vertices on the arc",
        _elongated(),
        [_source(centre=(0.215, 0.161), intensity=6.0, effective_radius=0.06)],
        image_mesh={"type": "Hilbert", "pixels": 600},
    )


def cross():
    """A compact source behind an elongated lens."""
    return spec_of(
        "compact source behind an elongated lens: four separate images; pixelization over-sampled 4 times",
        _elongated(),
        [_source(centre=(0.01, -0.01), intensity=12.0, effective_radius=0.04)],
        info={"over_sample_size_pixelization": 4},
    )


def naked_cusp():
    """A strong shear: two cusps of the caustic lie outside the cut. A source there has three images on one side."""
    lens = _lens(
        al.mp.Isothermal(einstein_radius=1.0, ell_comps=ell_comps_of(0.9, 90.0)), shear=(-0.4, 0.0), bulge=_bulge()
    )
    return spec_of(
        "shear 0.4 along the axes, source at a cusp outside the cut; symmetric at the prior median, so the mesh has ties there",
        lens,
        [_source(centre=(0.0, 1.2), intensity=4.0, effective_radius=0.1)],
        mask_radius=3.0,
    )


def shallow():
    """A power law shallower than isothermal."""
    return _power_law(
        1.7,
        "power law of slope 1.7: no deflection at the centre, so the central pixels map between the pixels of the ring",
    )


def steep():
    """A power law steeper than isothermal."""
    return _power_law(
        2.3,
        "power law of slope 2.3: deflections diverge at the centre and scatter the central pixels across the source plane",
    )


def clumpy():
    """A source of several components."""
    clumps = al.Galaxy(
        redshift=1.0,
        **{
            f"clump_{number}": sersic_of(centre, intensity, radius)
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
    return spec_of(
        "five clumps on both sides of the caustic; Hilbert mesh and adaptive split regularization",
        _elongated(),
        [clumps],
        image_mesh={"type": "Hilbert", "pixels": 700},
        regularization=af.Model(al.reg.AdaptSplit, inner_coefficient=0.5, outer_coefficient=5.0, signal_scale=0.5),
    )


def no_light():
    """A lens without light of its own."""
    lens = _lens(al.mp.Isothermal(einstein_radius=1.3, ell_comps=ell_comps_of(0.8, 20.0)), shear=(0.02, -0.03))
    return spec_of(
        "a lens without light: the mesh has the only columns of the inversion; regularization coefficient free",
        lens,
        [_source(centre=(0.06, 0.04), intensity=4.0, effective_radius=0.1)],
        regularization=af.Model(al.reg.ConstantSplit, coefficient=af.LogUniformPrior(1.0e-2, 1.0e2)),
    )


def two_planes():
    """Two sources at different redshifts; the nearer source is a lens too."""
    near = al.Galaxy(
        redshift=1.0,
        bulge=sersic_of((0.04, 0.03), 5.0, 0.08),
        mass=al.mp.IsothermalSph(centre=(0.04, 0.03), einstein_radius=0.15),
    )
    far = _source(centre=(-0.06, 0.08), intensity=5.0, effective_radius=0.08, redshift=2.0)
    return spec_of(
        "sources on two planes, each with its own pixelization; the nearer source deflects the farther one",
        _elongated(),
        [near, far],
        image_mesh={"type": "Overlay", "shape": [23, 23]},
        # Flat sources on both planes cancel in the image: a smoothness alone leaves that combination free, and the
        # log determinant of the reference itself is then good to 1e-5 nats only.
        regularization=af.Model(al.reg.ExponentialKernel, coefficient=1.0, scale=0.2),
    )


def faint():
    """A source far fainter than the lens in front of it."""
    return spec_of(
        "a faint source: signal to noise of about 5 per pixel in its images, 12 at most",
        _elongated(),
        [_source(centre=(0.08, -0.05), intensity=0.25, effective_radius=0.12)],
    )


def _ring():
    """The lens and the sources of the fiducial."""
    bulge = al.lp.Sersic(ell_comps=ell_comps_of(0.9, 45.0), intensity=2.0, effective_radius=0.6, sersic_index=3.0)
    mass = al.mp.Isothermal(einstein_radius=1.6, ell_comps=ell_comps_of(0.9, 45.0))
    return _lens(mass, shear=(0.05, 0.05), bulge=bulge), [_source((0.0, 0.0), intensity=4.0, effective_radius=0.1)]


def _elongated():
    """The lens of most specs here. The cusps of its caustic are at (+-0.24, +-0.18) arcsec."""
    mass = al.mp.Isothermal(einstein_radius=1.2, ell_comps=ell_comps_of(0.65, 45.0))
    return _lens(mass, shear=(0.03, 0.03), bulge=_bulge())


def _power_law(slope, geometry):
    mass = al.mp.PowerLaw(einstein_radius=1.3, ell_comps=ell_comps_of(0.8, 110.0), slope=slope)
    lens = _lens(mass, shear=(-0.04, 0.02), bulge=_bulge())
    return spec_of(geometry, lens, [_source(centre=(0.05, 0.08), intensity=4.0, effective_radius=0.1)])


def _lens(mass, shear, **light):
    gamma_1, gamma_2 = shear
    return al.Galaxy(redshift=0.5, mass=mass, shear=al.mp.ExternalShear(gamma_1=gamma_1, gamma_2=gamma_2), **light)


def _bulge():
    return al.lp.Sersic(ell_comps=ell_comps_of(0.8, 45.0), intensity=1.0, effective_radius=0.5, sersic_index=3.0)


def _source(centre, intensity, effective_radius, redshift=1.0):
    return al.Galaxy(redshift=redshift, bulge=sersic_of(centre, intensity, effective_radius))


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
"""Too large for the repository: simulated on request; a fit takes about 20 GB."""
