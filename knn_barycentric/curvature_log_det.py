"""The log determinant of F + H, where large coefficients drown the curvature F of the constant source.

The identity of `log_det`, with F 1 + q in the place of q, and a constant for every mapper.
"""

import numpy as np

from knn_barycentric.log_det import grounded_log_det, row_sums_of


def curvature_log_det_term_of(inversion):
    """() float, the log determinant of F + H of an inversion (nats); autoarray's where a mapper penalises no difference."""
    matrix, xp = inversion.curvature_reg_matrix_reduced, inversion._xp
    pairs = zip(inversion.linear_obj_list, inversion.regularization_list)
    row_sums = [row_sums_of(scheme, linear_obj, xp) for linear_obj, scheme in pairs if scheme is not None]
    if any(each is None for each in row_sums):
        return inversion._log_det_symmetric_from(matrix)
    curvature = inversion.curvature_matrix
    if not inversion.all_linear_obj_have_regularization:
        curvature = curvature[inversion.mapper_indices][:, inversion.mapper_indices]
    constants = xp.asarray(np.repeat(np.eye(len(row_sums)), [len(each) for each in row_sums], axis=0))
    images = curvature @ constants + constants * xp.concatenate(row_sums)[:, None]
    return grounded_log_det(matrix, images, constants, xp)
