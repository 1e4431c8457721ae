"""The source and its covariance where regularization is so stiff that autoarray's solver loses the data, or fails.

With large coefficients F drowns in the rounding of F + H, and in the tolerance of the solver. So a difference is solved with a
penalty of `STIFFEST` times the largest curvature at most. The data see next to nothing of it either way: the minimum of
chi^2 + s'Hs is lower by f^2 / bound, where f is the force of the data on that difference.
"""

import copy

import numpy as np
from autoarray.inversion.mappers.abstract import Mapper

from knn_barycentric.evidence.differences import differences_of

STIFFEST = 1.0e10
"""The largest penalty of a difference, in units of the largest curvature of a vertex."""


def with_bounded_penalties(inversion):
    """A copy of an inversion with bounded penalties in F + H.

    The inversion itself if its differences are not known, or on NumPy if no penalty exceeds the bound.
    """
    differences, xp = differences_of(inversion), inversion._xp
    if differences is None:
        return inversion
    bounded = bounded_by_curvature(differences, inversion)
    stiffer = [each.penalties > below.penalties for each, below in zip(differences, bounded)]
    any_stiffer = xp.concatenate(stiffer).any()
    if xp is np and not any_stiffer:
        return inversion
    # Sparse operators of the CPU, and preloads, form F with NumPy whatever `xp` is.
    matrix = xp.asarray(inversion.curvature_matrix)
    for each, (start, _) in zip(bounded, inversion.param_range_list_from(Mapper)):
        matrix = each.added_to(matrix, start, xp)
    copied = copy.copy(inversion)
    vars(copied).pop("_curvature_reg_matrix_cho_factor", None)
    vars(copied)["curvature_reg_matrix"] = xp.where(any_stiffer, matrix, inversion.curvature_reg_matrix)
    return copied


def bounded_by_curvature(differences, inversion):
    """The differences of an inversion with no penalty above the bound."""
    xp = inversion._xp
    bound = STIFFEST * xp.diagonal(inversion.curvature_matrix)[inversion.mapper_indices].max()
    return [each._replace(penalties=xp.minimum(each.penalties, bound)) for each in differences]
