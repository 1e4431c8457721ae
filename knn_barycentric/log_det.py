"""The log determinant of regularization by differences, where the formed matrix has lost it.

Schemes that penalise differences make a matrix D whose rows sum to zero: the constant source costs nothing. Only what else
stands on the diagonal lifts it, a jitter of 1e-8 or a zeroth order term: H = D + diag(q), and H 1 = q. With coefficients as
large as the default priors allow, q drowns in the rounding of H: a factorization of H finds noise in its place, or fails.

In the basis of the constant source and the differences from one vertex r, which is unimodular,

    det H = det G (sum(q) - q' G^-1 q'),

exactly, where G and q' are H and q without r: a Schur complement. G has no small eigenvalue that H has lost, and q is known
without rounding. r is the vertex with the largest diagonal.
"""

from importlib import import_module

import numpy as np

JITTER = 1.0e-8  # what autoarray adds to the diagonal of every such matrix

LIFTS = np.array([0.0, 1.0e-15, 1.0e-13, 1.0e-11, 1.0e-9])
"""What is added to the unit diagonal of the scaled G, in turn, until it can be factorized."""


def grounded_log_det(matrix, row_sums, xp=np):
    """The log determinant of H = D + diag(q), where the rows of D sum to zero but for rounding.

    Parameters
    ----------
    matrix
        (P, P) float, H.
    row_sums
        (P,) float, q, positive and exact.
    xp
        `numpy` or `jax.numpy`; on JAX it works under `jit`, `vmap` and `jax.grad`.

    Returns
    -------
    () float, in nats; NaN only if the matrix is not finite.
    """
    if xp is np:
        return _factorized(matrix, row_sums, np)[0]
    import jax

    function = jax.custom_vjp(lambda matrix, row_sums: _factorized(matrix, row_sums, xp)[0])
    function.defvjp(lambda matrix, row_sums: _factorized(matrix, row_sums, xp), _gradient)
    return function(matrix, row_sums)


def _factorized(matrix, row_sums, xp):
    """The log determinant, and what its gradient is made of."""
    diagonal, eye = xp.diagonal(matrix), xp.eye(len(matrix))
    others = xp.arange(len(matrix)) != xp.argmax(diagonal)
    scale = 1.0 / xp.sqrt(xp.where(others, diagonal, 1.0))
    scaled = matrix * scale[:, None] * scale
    factor = _cholesky(xp.where(others[:, None] & others, scaled, eye), xp)
    reduced = xp.where(others, row_sums, 0.0)
    solved = scale * _solve(factor, scale * reduced, xp)
    # It lies between the row sum of r and all of them, but for rounding.
    last = xp.clip(row_sums.sum() - (reduced * solved).sum(), row_sums.min(), row_sums.sum())
    log_det = 2.0 * xp.log(xp.diagonal(factor) / scale).sum() + xp.log(last)
    return log_det + 0.0 * matrix.sum(), (factor, scale, solved, last, others)


def _cholesky(scaled, xp):
    """The lower factor of a matrix with unit diagonal, lifted as little as it takes."""
    eye = xp.eye(len(scaled))
    if xp is np:
        for lift in LIFTS:
            try:
                return np.linalg.cholesky(scaled + lift * eye)
            except np.linalg.LinAlgError:
                pass
        return np.full_like(scaled, np.nan)
    from jax import lax

    return lax.while_loop(
        lambda carry: (carry[0] < len(LIFTS)) & ~xp.isfinite(carry[1][-1, -1]),
        lambda carry: (carry[0] + 1, xp.linalg.cholesky(scaled + xp.asarray(LIFTS)[carry[0]] * eye)),
        (0, xp.full_like(scaled, xp.nan)),
    )[1]


def _solve(factor, right, xp):
    linalg = import_module("scipy.linalg" if xp is np else "jax.scipy.linalg")
    return linalg.cho_solve((factor, True), right, check_finite=False)


def _gradient(kept, cotangent):
    """Of log det G it is G^-1; of the last factor, by the derivative of an inverse."""
    import jax.numpy as xp

    factor, scale, solved, last, others = kept
    of_matrix = scale[:, None] * _solve(factor, xp.diag(scale), xp) + xp.outer(solved, solved) / last
    of_row_sums = (1.0 - 2.0 * xp.where(others, solved, 0.0)) / last
    return cotangent * xp.where(others[:, None] & others, of_matrix, 0.0), cotangent * of_row_sums


def log_det_term_of(inversion):
    """() float, the log determinants of all matrices of an inversion (nats); autoarray's where no difference is penalised."""
    total = 0.0
    for linear_obj, scheme in zip(inversion.linear_obj_list, inversion.regularization_list):
        if scheme is not None:
            matrix, row_sums = linear_obj.regularization_matrix, row_sums_of(scheme, linear_obj, inversion._xp)
            if row_sums is None:
                total = total + inversion._log_det_symmetric_from(matrix)
            else:
                total = total + grounded_log_det(matrix, row_sums, inversion._xp)
    return total


def row_sums_of(scheme, linear_obj, xp):
    """(P,) the exact row sums of a scheme's matrix, or None where it does not penalise differences."""
    from autoarray.inversion import regularization as reg

    jitter = xp.full(linear_obj.params, JITTER)
    if isinstance(scheme, reg.AdaptSplitZeroth):
        zeroth = reg.BrightnessZeroth(coefficient=scheme.zeroth_coefficient, signal_scale=scheme.zeroth_signal_scale)
        return jitter + zeroth.regularization_weights_from(linear_obj=linear_obj, xp=xp) ** 2
    return jitter if isinstance(scheme, (reg.Constant, reg.Adapt)) else None
