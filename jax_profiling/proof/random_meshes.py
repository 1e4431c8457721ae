"""Random meshes as samplers meet them: random lenses over several image meshes, traced to the source plane.

`ImagePlane` traces lenses from a range much wider than any prior. `DefaultPriors` traces an isothermal mass with shear, with
autolens's default priors: all parameters random, or one random and the others at the prior median, as in the first steps of a
search.
"""

import autofit as af
import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
from autoarray.inversion.mesh.image_mesh.abstract import append_with_circle_edge_points

from jax_profiling.lenses.simulated.spec import EDGE_POINTS, MASK_RADIUS, PIXEL_SCALES, shape_native_of


class ImagePlane:
    """Random lenses from a wide range, over an Overlay image mesh.

    Parameters
    ----------
    instrument
        A key of `PIXEL_SCALES`, which sets the data grid.
    shape
        Shape of the Overlay mesh.
    """

    def __init__(self, instrument, shape=(39, 39)):
        pixel_scale = PIXEL_SCALES[instrument]
        shape_native = shape_native_of(MASK_RADIUS, pixel_scale)
        mask = al.Mask2D.circular(shape_native=shape_native, pixel_scales=pixel_scale, radius=MASK_RADIUS)
        self.grid = al.Grid2D.from_mask(mask=mask, over_sample_size=1)
        self.relocator = al.BorderRelocator(mask=mask, sub_size=1)
        overlay = al.image_mesh.Overlay(shape=shape).image_plane_mesh_grid_from(mask=mask)
        self.mesh_grid = append_with_circle_edge_points(
            overlay, centre=(0.0, 0.0), radius=MASK_RADIUS, n_points=EDGE_POINTS
        )

    def random(self, rng):
        """(N, 2) vertices and (Q, 2) data points of a random lens in the source plane, both relocated (arcsec)."""
        return self.traced(random_tracer(rng))

    def traced(self, tracer):
        """(N, 2) vertices and (Q, 2) data points in the source plane of a tracer, both relocated (arcsec)."""
        grid, mesh_grid = (tracer.traced_grid_2d_list_from(grid=each)[-1] for each in (self.grid, self.mesh_grid))
        vertices = self.relocator.relocated_mesh_grid_from(grid=grid, mesh_grid=mesh_grid)
        return np.array(vertices.array), np.array(self.relocator.relocated_grid_from(grid=grid).over_sampled.array)


def random_tracer(rng):
    """A random lens from a range much wider than a sampler's priors.

    The mass is a power law, a power law with an m=4 multipole, isothermal, NFW or cored (PIEMD). Einstein radius 0.3 to 3.2
    arcsec, slope 1.5 to 2.5, axis ratio 0.3 to 1, off-centre by up to 0.2 arcsec, each shear component up to 0.2.
    """
    centre = tuple(rng.uniform(-0.2, 0.2, 2))
    ell_comps = al.convert.ell_comps_from(axis_ratio=rng.uniform(0.3, 1.0), angle=rng.uniform(0.0, 180.0))
    radius, slope = rng.uniform(0.3, 3.2), rng.uniform(1.5, 2.5)
    power_law = {"centre": centre, "einstein_radius": radius, "slope": slope}
    profiles = (
        lambda: {"mass": al.mp.PowerLaw(ell_comps=ell_comps, **power_law)},
        lambda: {
            "mass": al.mp.PowerLaw(ell_comps=ell_comps, **power_law),
            "multipole": al.mp.PowerLawMultipole(m=4, multipole_comps=tuple(rng.uniform(-0.1, 0.1, 2)), **power_law),
        },
        lambda: {"mass": al.mp.Isothermal(centre=centre, ell_comps=ell_comps, einstein_radius=radius)},
        lambda: {
            "mass": al.mp.NFW(
                centre=centre, ell_comps=ell_comps, kappa_s=0.1 * radius, scale_radius=rng.uniform(5.0, 20.0)
            )
        },
        lambda: {"mass": al.mp.PIEMass(centre=centre, ell_comps=ell_comps, ra=rng.uniform(0.01, 0.3), b0=radius)},
    )[rng.integers(5)]()
    shear = al.mp.ExternalShear(gamma_1=rng.uniform(-0.2, 0.2), gamma_2=rng.uniform(-0.2, 0.2))
    return al.Tracer(galaxies=[al.Galaxy(redshift=0.5, shear=shear, **profiles), al.Galaxy(redshift=1.0)])


IMAGE_MESHES = {
    "Overlay": lambda: al.image_mesh.Overlay(shape=(26, 26)),
    "Hilbert": lambda: al.image_mesh.Hilbert(pixels=1000, weight_power=3.5, weight_floor=0.01),
    "KMeans": lambda: al.image_mesh.KMeans(pixels=400, weight_power=3.5, weight_floor=0.01),
}
"""The image meshes of PyAuto's pipelines."""


class DefaultPriors:
    """Random isothermal lenses with shear from autolens's default priors, over an image mesh of a ring, traced under `jit`.

    Parameters
    ----------
    image_mesh
        A key of `IMAGE_MESHES`.
    symmetric
        Whether all parameters but one are at their medians.
    """

    def __init__(self, image_mesh, symmetric):
        pixel_scale, self.symmetric = 0.1, symmetric
        mask = al.Mask2D.circular(shape_native=(71, 71), pixel_scales=pixel_scale, radius=MASK_RADIUS)
        self.grid = al.Grid2D.from_mask(mask=mask, over_sample_size=1)
        self.relocator = al.BorderRelocator(mask=mask, sub_size=1)
        radii = np.hypot(*np.array(self.grid.array).T)
        ring = al.Array2D(values=np.exp(-(((radii - 1.6) / 0.3) ** 2)), mask=mask)
        mesh_grid = IMAGE_MESHES[image_mesh]().image_plane_mesh_grid_from(mask=mask, adapt_data=ring)
        self.mesh_grid = al.Grid2DIrregular(
            append_with_circle_edge_points(
                mesh_grid, centre=(0.0, 0.0), radius=MASK_RADIUS + 0.5 * pixel_scale, n_points=EDGE_POINTS
            )
        )
        lens = af.Model(al.Galaxy, redshift=0.5, mass=al.mp.Isothermal, shear=al.mp.ExternalShear)
        self.model = af.Collection(lens=lens)
        self._traced = jax.jit(self.traced)

    def random(self, rng):
        """(N, 2) vertices and (Q, 2) data points of a random lens in the source plane, both relocated (arcsec)."""
        # The model raises for an ellipticity above 1, which is no lens; such a draw is repeated.
        while True:
            unit = rng.random(self.model.prior_count)
            if self.symmetric:
                unit = np.where(np.arange(len(unit)) == rng.integers(len(unit)), unit, 0.5)
            vector = np.array(self.model.vector_from_unit_vector(unit))
            try:
                self.model.instance_from_vector(vector)
            except af.exc.FitException:
                continue
            return tuple(map(np.asarray, self._traced(vector)))

    def traced(self, vector):
        """(N, 2) vertices and (Q, 2) data points of a (D,) parameter vector; can be traced by JAX."""
        lens = self.model.instance_from_vector(vector, ignore_assertions=True, xp=jnp).lens
        tracer = al.Tracer(galaxies=[lens, al.Galaxy(redshift=1.0)])
        grid, mesh_grid = (
            tracer.traced_grid_2d_list_from(grid=each, xp=jnp)[-1] for each in (self.grid, self.mesh_grid)
        )
        vertices = self.relocator.relocated_mesh_grid_from(grid=grid, mesh_grid=mesh_grid, xp=jnp)
        return vertices.array, self.relocator.relocated_grid_from(grid=grid, xp=jnp).over_sampled.array


FAMILIES = {
    "euclid": lambda: ImagePlane("euclid"),
    "hst": lambda: ImagePlane("hst"),
    **{
        f"{'symmetric' if symmetric else 'default priors'}, {name}": lambda name=name, symmetric=symmetric: (
            DefaultPriors(name, symmetric)
        )
        for symmetric in (False, True)
        for name in IMAGE_MESHES
    },
}
"""Name -> function that makes a source of random meshes."""
