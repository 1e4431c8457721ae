"""Meshes as samplers meet them: drawn from wide lens priors, traced to the source plane, relocated to its border."""

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from autoarray.inversion.mesh.image_mesh.abstract import append_with_circle_edge_points
from scipy.spatial import Delaunay, cKDTree

from knn_barycentric import locate, triangulate
from tests.meshes import simplices_of

MASK_RADIUS = 3.5


@pytest.fixture(scope="module")
def image_plane():
    """The data grid, its border relocator and the mesh grid of an Euclid-like image."""
    mask = al.Mask2D.circular(shape_native=(71, 71), pixel_scales=0.1, radius=MASK_RADIUS)
    grid = al.Grid2D.from_mask(mask=mask, over_sample_size=1)
    mesh_grid = al.image_mesh.Overlay(shape=(22, 22)).image_plane_mesh_grid_from(mask=mask)
    mesh_grid = append_with_circle_edge_points(mesh_grid, centre=(0.0, 0.0), radius=MASK_RADIUS, n_points=30)
    return grid, al.BorderRelocator(mask=mask, sub_size=1), mesh_grid


def drawn_tracer(rng):
    """Einstein radius 0.3-3.2 arcsec, slope 1.5-2.5, axis ratio 0.3-1, shear up to 0.3, off-centre by up to 0.2."""
    mass = al.mp.PowerLaw(
        centre=tuple(rng.uniform(-0.2, 0.2, 2)),
        ell_comps=al.convert.ell_comps_from(axis_ratio=rng.uniform(0.3, 1.0), angle=rng.uniform(0.0, 180.0)),
        einstein_radius=rng.uniform(0.3, 3.2),
        slope=rng.uniform(1.5, 2.5),
    )
    shear = al.mp.ExternalShear(gamma_1=rng.uniform(-0.2, 0.2), gamma_2=rng.uniform(-0.2, 0.2))
    lens = al.Galaxy(redshift=0.5, mass=mass, shear=shear)
    return al.Tracer(galaxies=[lens, al.Galaxy(redshift=1.0)])


def source_plane_from(tracer, image_plane):
    """(N, 2) mesh vertices and (Q, 2) data points, both relocated."""
    grid, relocator, mesh_grid = image_plane
    traced_grid, traced_mesh = (tracer.traced_grid_2d_list_from(grid=each)[-1] for each in (grid, mesh_grid))
    vertices = relocator.relocated_mesh_grid_from(grid=traced_grid, mesh_grid=traced_mesh)
    return np.array(vertices.array), np.array(relocator.relocated_grid_from(grid=traced_grid).over_sampled.array)


@pytest.mark.parametrize("seed", range(8))
def test_triangles_and_nearest_vertices_are_qhulls(seed, image_plane):
    """25 lenses a seed, 200 in all: the same triangles, the same points outside, the same nearest vertices."""
    rng = np.random.default_rng(seed)
    for draw in range(25):
        points, queries = source_plane_from(drawn_tracer(rng), image_plane)
        triangulation, qhull = triangulate(points), Delaunay(points)
        assert triangulation.certified, f"draw {draw}"
        assert simplices_of(triangulation.simplices) == simplices_of(qhull.simplices), f"draw {draw}"

        mappings = locate(triangulation, points, queries)
        outside = mappings[:, 1] < 0
        # Points relocated to the border may lie on the hull itself, where rounding decides.
        assert (outside != (qhull.find_simplex(queries) < 0)).sum() <= 2, f"draw {draw}"
        distance = np.hypot(*(queries[outside] - points[mappings[outside, 0]]).T)
        assert np.allclose(distance, cKDTree(points).query(queries[outside])[0], rtol=1e-12, atol=0.0), f"draw {draw}"


def test_a_batch_of_lenses_is_triangulated_as_one_by_one(image_plane):
    rng = np.random.default_rng(100)
    meshes = np.stack([source_plane_from(drawn_tracer(rng), image_plane)[0] for _ in range(6)])
    lanes = jax.jit(jax.vmap(triangulate))(jnp.asarray(meshes))
    for lane, points in enumerate(meshes):
        alone = triangulate(points)
        for name in ("simplices", "neighbors", "vertex_simplex", "certified"):
            assert np.array_equal(getattr(lanes, name)[lane], getattr(alone, name)), name
        assert np.allclose(lanes.dual_areas[lane], alone.dual_areas, rtol=1.0e-12)
