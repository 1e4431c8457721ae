"""A log determinant by differences, where the formed matrix has lost what it makes of a constant source.

Differences of a constant source are zero. Only a jitter of 1e-8 or a zeroth-order term penalises it: H = D'D + diag(q) and
H 1 = q. With large coefficients q is below the rounding of H, and a factorization finds noise in its place, or fails.
In the basis of the constant source and the differences from one vertex r,

    det H = det G (sum(q) - q' G^-1 q'),

exactly, where G and q' are H and q without r: a Schur complement. The vertex r has the largest diagonal. G has no small
eigenvalue that H has lost, and q is known without rounding.

One vector is protected, the constant source. Vertices that stiff differences join to islands, with soft ones in between, have
other sources that cost next to nothing (`docs/evidence.md`, "What remains").
"""

from importlib import import_module

import numpy as np

from knn_barycentric.evidence.differences import JITTER, constants_of, differences_of, row_sums_of

LIFTS = np.array([1.0e-15, 1.0e-13, 1.0e-11, 1.0e-9])
"""Added to the unit diagonal of the scaled G, one after the other, until it can be factorized."""


def grounded_log_det(matrix, images, constants, xp=np):
    """() float, the log determinant (nats) of a symmetric matrix that maps constants to less than its rounding.

    Works under `jit`, `vmap`, and derivatives in both modes. NaN if the matrix is not finite.

    Parameters
    ----------
    matrix
        (P, P) float.
    images
        (P, k) float, the matrix times the constants, without rounding.
    constants
        (P, k) float, 1 where a constant source is and 0 elsewhere, at most one 1 in each row.
    xp
        `numpy` or `jax.numpy`.
    """
    if xp is np:
        return _factorized(matrix, images, constants, np)[0]
    import jax

    # No function closes over `constants`: `vmap` of `grad` of `jit` calls them after the trace that made it has ended.
    function = jax.custom_jvp(lambda *arrays: _factorized(*arrays, xp)[0])

    @function.defjvp
    def _(arrays, tangents):
        log_det, kept = _factorized(*arrays, xp)
        return log_det, sum((slope * tangent).sum() for slope, tangent in zip(_slopes(kept, xp), tangents))

    return function(matrix, images, constants)


def _factorized(matrix, images, constants, xp):
    """The log determinant, and what its slopes are made from."""
    diagonal, eye = xp.diagonal(matrix), xp.eye(len(matrix))
    grounded = xp.argmax(xp.where(constants > 0.0, diagonal[:, None], 0.0), axis=0)
    others = (xp.arange(len(matrix))[:, None] != grounded).all(axis=1)
    scale = 1.0 / xp.sqrt(xp.where(others, diagonal, 1.0))
    scaled = matrix * scale[:, None] * scale
    factor = _cholesky(xp.where(others[:, None] & others, scaled, eye), xp)
    reduced = xp.where(others[:, None], images, 0.0)
    solved = scale[:, None] * _solve(factor, scale[:, None] * reduced, xp)
    total = constants.T @ images
    # In exact arithmetic its diagonal lies between the jitter and the total.
    last = total - reduced.T @ solved
    last = xp.where(xp.eye(len(last)) > 0.0, xp.clip(last, JITTER, total), last)
    log_det = 2.0 * xp.log(xp.diagonal(factor) / scale).sum() + xp.linalg.slogdet(last)[1]
    kept = factor, scale, solved, last, others, constants
    return log_det + 0.0 * matrix.sum(), kept


def _cholesky(scaled, xp):
    """The lower factor of a matrix with unit diagonal, with the smallest of `LIFTS` that it needs."""
    eye = xp.eye(len(scaled))
    if xp is np:
        for lift in (0.0, *LIFTS):
            try:
                return np.linalg.cholesky(scaled + lift * eye)
            except np.linalg.LinAlgError:
                pass
        return np.full_like(scaled, np.nan)
    from jax import lax

    def lifted(carry):
        return carry[0] + 1, lax.linalg.cholesky(scaled + xp.asarray(LIFTS)[carry[0]] * eye, symmetrize_input=False)

    return lax.while_loop(
        lambda carry: (carry[0] < len(LIFTS)) & ~xp.isfinite(carry[1][-1, -1]),
        lifted,
        (0, lax.linalg.cholesky(scaled, symmetrize_input=False)),
    )[1]


def _solve(factor, right, xp):
    linalg = import_module("scipy.linalg" if xp is np else "jax.scipy.linalg")
    return linalg.cho_solve((factor, True), right, check_finite=False)


def _slopes(kept, xp):
    """The gradients with respect to the matrix and the images.

    The gradient of log det G is G^-1. The gradient of the last factor follows from the derivative of an inverse.
    """
    factor, scale, solved, last, others, constants = kept
    inverse = xp.linalg.inv(last)
    of_matrix = scale[:, None] * _solve(factor, xp.diag(scale), xp) + solved @ inverse @ solved.T
    of_images = (constants - 2.0 * xp.where(others[:, None], solved, 0.0)) @ inverse
    return xp.where(others[:, None] & others, of_matrix, 0.0), of_images


def log_det_term_of(inversion):
    """() float, the log determinant of H of an inversion (nats), or None where autoarray's own is to stand."""
    differences, xp = differences_of(inversion), inversion._xp
    if differences is None:
        return None
    matrix = inversion.regularization_matrix_reduced
    return grounded_log_det(matrix, row_sums_of(differences, xp), constants_of(differences, xp), xp)
