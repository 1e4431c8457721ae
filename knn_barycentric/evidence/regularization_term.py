"""s'Hs as a sum of squared differences, where the product with the formed matrix is rounding noise and may be negative."""

from knn_barycentric.evidence.differences import differences_of
from knn_barycentric.evidence.reconstruction import bounded_by_curvature


def regularization_term_of(inversion):
    """() float, s'Hs of an inversion (nats), at least 0, or None where autoarray's own is to stand.

    Penalties are those that the source was solved with.
    """
    differences = differences_of(inversion)
    if differences is None:
        return None
    total, start = 0.0, 0
    for each in bounded_by_curvature(differences, inversion):
        stop = start + len(each.zeroth)
        total = total + each.penalty_of(inversion.reconstruction_reduced[start:stop])
        start = stop
    return total
