"""The log evidence of a mesh without light, by QR factorizations in long double: what `docs/evidence.md` compares with.

Householder's reflections on the stencil and the data, never on F or H, with rows in order of size (Cox & Higham 1998). With the
data as a last column, one factorization gives both log det(F + H) and the minimum of chi^2 + s'Hs.
"""

import numpy as np

from knn_barycentric.evidence.differences import differences_of


def triangle_of(matrix):
    """(P, P) long double, the triangular factor of an (R, P) matrix, R >= P, up to signs of rows."""
    matrix = matrix[np.argsort(-np.abs(matrix).max(axis=1))].astype(np.longdouble)
    for k in range(matrix.shape[1]):
        mirror = matrix[k:, k].copy()
        mirror[0] += np.copysign(np.sqrt((mirror**2).sum()), mirror[0])
        squared = (mirror**2).sum()
        if squared > 0.0:
            matrix[k:, k:] -= np.outer(mirror, (mirror @ matrix[k:, k:]) * (2.0 / squared))
    return matrix[: matrix.shape[1]]


def log_det_of(triangle):
    """() float, the log determinant of R'R of a triangular factor R."""
    return float(2.0 * np.log(np.abs(np.diagonal(triangle))).sum())


def rows_of(differences):
    """(R + P, P) long double, the rows of `Differences`: the squares of their products with s sum to s'Hs."""
    vertices = len(differences.zeroth)
    rows = np.zeros((len(differences.own), vertices), np.longdouble)
    weights, places = differences.weights.astype(np.longdouble), np.arange(len(rows))
    np.add.at(rows, (places[:, None], differences.others), -weights)
    np.add.at(rows, (places, differences.own), weights.sum(axis=1))
    rows *= np.sqrt(differences.penalties.astype(np.longdouble))[:, None]
    return np.concatenate([rows, np.diag(np.sqrt(differences.zeroth.astype(np.longdouble)))])


def log_evidence_of(fit):
    """() float, the log evidence of a fit on NumPy, or NaN where its source is not positive everywhere.

    Parameters
    ----------
    fit
        A fit to imaging, with one mapper and no other linear object, regularized by differences.
    """
    inversion = fit.inversion
    (differences,) = differences_of(inversion)
    rows = rows_of(differences)
    blurred = np.asarray(inversion.operated_mapping_matrix, np.longdouble)
    noise, data = (np.asarray(each.array, np.longdouble) for each in (inversion.noise_map, inversion.data))
    columns = np.concatenate([blurred / noise[:, None], rows])
    last = np.concatenate([data / noise, np.zeros(len(rows))])
    triangle = triangle_of(np.column_stack([columns, last]))
    factor, image, rest = triangle[:-1, :-1], triangle[:-1, -1], triangle[-1, -1]
    if not (_substituted(factor, image) > 0.0).all():
        return np.nan
    log_dets = log_det_of(factor) - log_det_of(triangle_of(rows))
    return float(-0.5 * (rest**2 + log_dets + fit.noise_normalization))


def _substituted(triangle, right):
    """The solution of an upper triangular system, in long double, which LAPACK does not have."""
    found = np.zeros(len(right), np.longdouble)
    for k in reversed(range(len(right))):
        found[k] = (right[k] - triangle[k, k + 1 :] @ found[k + 1 :]) / triangle[k, k]
    return found
