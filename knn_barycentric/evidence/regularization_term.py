"""s'Hs as a sum of squared differences, where the product with the formed matrix is rounding noise and may be negative."""

from knn_barycentric.evidence.reconstruction import bounded_differences_of


def regularization_term_of(inversion):
    """() float, s'Hs of an inversion (nats), at least 0, or None where autoarray's own is to stand.

    Penalties are those that the source was solved with.
    """
    differences = bounded_differences_of(inversion)
    if differences is None:
        return None
    total, start = 0.0, 0
    for each in differences:
        stop = start + len(each.zeroth)
        total = total + each.penalty_of(inversion.reconstruction_reduced[start:stop])
        start = stop
    return total
