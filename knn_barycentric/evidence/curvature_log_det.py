"""The log determinant of F + H, where large coefficients drown the curvature F of the constant source.

The identity is that in `log_det`, with F 1 + q in place of q and one constant source per mapper.
"""

from knn_barycentric.evidence.differences import constants_of, differences_of, row_sums_of
from knn_barycentric.evidence.log_det import grounded_log_det


def curvature_log_det_term_of(inversion):
    """() float, the log determinant of F + H of an inversion (nats), or None where autoarray's own is to stand."""
    differences, xp = differences_of(inversion), inversion._xp
    if differences is None:
        return None
    curvature, constants = inversion.curvature_matrix, constants_of(differences, xp)
    if not inversion.all_linear_obj_have_regularization:
        curvature = curvature[inversion.mapper_indices][:, inversion.mapper_indices]
    images = curvature @ constants + row_sums_of(differences, xp)
    return grounded_log_det(inversion.curvature_reg_matrix_reduced, images, constants, xp)
