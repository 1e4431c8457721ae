"""The parts of autoarray that this package uses, and a check that the installed release still has them."""

import importlib
import inspect

import numpy as np

REQUIRED = {
    "autoarray.inversion.inversion.abstract": {
        "AbstractInversion.log_det_regularization_matrix_term": None,
        "AbstractInversion.log_det_curvature_reg_matrix_term": None,
        "AbstractInversion.regularization_term": None,
        "AbstractInversion.regularization_matrix_reduced": None,
        "AbstractInversion.curvature_reg_matrix_reduced": None,
        "AbstractInversion.reconstruction_reduced": None,
        "AbstractInversion.reconstruction": None,
        "AbstractInversion.reconstruction_covariance_matrix": None,
        "AbstractInversion.curvature_matrix": None,
        "AbstractInversion.curvature_reg_matrix": None,
        "AbstractInversion._curvature_reg_matrix_cho_factor": None,
        "AbstractInversion.all_linear_obj_have_regularization": None,
        "AbstractInversion.mapper_indices": None,
        "AbstractInversion.param_range_list_from": ("cls",),
    },
    "autoarray.inversion.mappers.mapper_util": {
        "adaptive_pixel_signals_from": ("pixel_weights", "exclude_zero_weight_mappings", "xp"),
        "mapping_matrix_from": (
            "pix_indexes_for_sub_slim_index",
            "pix_size_for_sub_slim_index",
            "pix_weights_for_sub_slim_index",
            "pixels",
            "total_mask_pixels",
            "slim_index_for_sub_slim_index",
            "sub_fraction",
            "use_mixed_precision",
            "xp",
        ),
    },
    "autoarray.inversion.mappers.abstract": {
        "Mapper.mapping_matrix_over_sampled_for": ("convolve_over_sample_size",),
        "Mapper.over_sampler": None,
        "Mapper.slim_index_for_sub_slim_index": None,
    },
    "autoarray.inversion.mesh.mesh": {"DelaunayNN": None, "KNNBarycentric": None},
    "autoarray.inversion.mesh.mesh.delaunay": {
        "Delaunay": ("pixels", "zeroed_pixels", "areas_factor"),
        "Delaunay.interpolator_cls": None,
        "Delaunay.skip_areas": None,
    },
    "autoarray.inversion.mesh.interpolator.delaunay": {
        "DelaunayInterface": (
            "points",
            "simplices",
            "mappings",
            "split_points",
            "splitted_mappings",
            "xp",
            "dual_areas",
        ),
        "InterpolatorDelaunay": ("mesh", "mesh_grid", "data_grid", "adapt_data", "xp"),
        "InterpolatorDelaunay.delaunay": None,
        "InterpolatorDelaunay.mesh_geometry": None,
        "InterpolatorDelaunay.mesh_grid_xy": None,
        "InterpolatorDelaunay._mappings_sizes_weights": None,
        "InterpolatorDelaunay._mappings_sizes_weights_split": None,
        "_jax_delaunay_tables": ("points",),
        "scipy_delaunay_tri_only": ("points_np",),
    },
    "autoarray.inversion.mesh.interpolator.sibson": {
        "InterpolatorDelaunayNN._mappings_sizes_weights": None,
        "_jax_delaunay_tables": ("points",),
    },
    "autoarray.inversion.mesh.mesh_geometry.delaunay": {
        "MeshGeometryDelaunay": ("mesh", "mesh_grid", "data_grid", "dual_areas", "xp"),
        "MeshGeometryDelaunay.neighbors": None,
    },
    "autoarray.operators.over_sampling.over_sample_util": {
        "convolve_bin_segment_ids_from": ("sub_size", "convolve_over_sample_size")
    },
    "autoarray.inversion.regularization.regularization_util": {
        "SPLIT_REG_COMPACT_WIDTH": None,
        "SPLIT_REG_WIDE_ROW_BUDGET": None,
        "pixel_splitted_regularization_matrix_from": (
            "regularization_weights",
            "splitted_mappings",
            "splitted_sizes",
            "splitted_weights",
            "xp",
        ),
        "split_points_from": ("points", "area_weights", "xp"),
    },
}
"""Module -> required name -> the parameters it must accept, or None if it is not called."""


def check():
    """Check that the installed autoarray has every name, signature and table layout that this package uses.

    Raises
    ------
    ImportError
        If something differs. The message is one sentence that names the difference and the fix.
    """
    differs = [*_missing_names(), *_changed_tables()]
    if differs:
        import autoarray

        raise ImportError(
            f"autoarray {autoarray.__version__} does not fit this knn_barycentric: {'; '.join(differs)}; "
            "install the autoarray release that knn_barycentric pins, or a knn_barycentric for this release."
        )


def _missing_names():
    """Yield one phrase per name or parameter that autoarray lacks."""
    for module_name, names in REQUIRED.items():
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            yield f"{module_name} cannot be imported"
            continue
        for name, parameters in names.items():
            found = module
            for part in name.split("."):
                found = getattr(found, part, None)
            if found is None:
                yield f"{module_name} has no {name}"
            elif parameters and not set(parameters) <= set(inspect.signature(found).parameters):
                lost = set(parameters) - set(inspect.signature(found).parameters)
                yield f"{module_name}.{name} takes no {', '.join(sorted(lost))}"


def _changed_tables():
    """Yield one phrase per changed table layout, found on a mesh that has only one Delaunay triangulation."""
    try:
        from autoarray.inversion.mesh.interpolator.delaunay import scipy_delaunay_tri_only
        from autoarray.inversion.regularization.regularization_util import split_points_from
    except ImportError:
        return  # `_missing_names` reports it.
    points = np.array([[0.0, 0.0], [4.0, 0.5], [1.0, 3.0], [1.5, 1.0]])
    tables = scipy_delaunay_tri_only(points)
    if [(each.shape, each.dtype) for each in tables] != [((8, 3), np.int32), ((8, 3), np.int32), ((4,), np.int32)]:
        yield "its tables are not int32 of shape (2N, 3), (2N, 3) and (N,)"
        return
    simplices, neighbors, vertex_simplex = tables
    if sorted(map(sorted, simplices.tolist())) != [[-1, -1, -1]] * 5 + [[0, 1, 3], [0, 2, 3], [1, 2, 3]]:
        yield "its simplices are not padded with -1"
    elif not all((neighbors[row, simplices[row] == 3] == -1).all() for row in range(3)):
        yield "column k of its neighbours does not hold the triangle opposite vertex k"
    elif not all(vertex in simplices[row] for vertex, row in enumerate(vertex_simplex)):
        yield "its vertex table does not name a triangle of each vertex"
    arms = np.array([1.0, 2.0, 3.0, 4.0])
    crosses = split_points_from(points=points, area_weights=arms).reshape(4, 4, 2) - points[:, None, :]
    if not (np.allclose(np.abs(crosses).sum(axis=2), arms[:, None]) and np.allclose(crosses.sum(axis=1), 0.0)):
        yield "its split points are not four per vertex, at the given distance along the axes"
