"""The grounded log determinant against a QR factorization in long double; its gradient, its place in autoarray."""

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from autoarray.inversion.inversion.abstract import AbstractInversion

import knn_barycentric
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.large_coefficients.long_double import log_det_of, triangle_of
from knn_barycentric.evidence.differences import JITTER
from knn_barycentric.evidence.log_det import grounded_log_det


def stencil_of(vertices, seed, weights):
    """(4P, P) long double: rows that sum to zero, of a vertex and three others, times the weight of the vertex."""
    rng, rows = np.random.default_rng(seed), np.zeros((4 * vertices, vertices), np.longdouble)
    for row in range(4 * vertices):
        near = (row // 4 + 1 + rng.choice(min(12, vertices - 1), 3, replace=False)) % vertices
        rows[row, near] = -rng.dirichlet(np.ones(3)).astype(np.longdouble)
        rows[row, row // 4] -= rows[row].sum()
        rows[row] *= np.longdouble(weights[row // 4])
    return rows


def by_qr(stencil, row_sums):
    """log det of S'S + diag(q) by QR in long double."""
    return log_det_of(triangle_of(np.vstack([stencil, np.diag(np.sqrt(row_sums.astype(np.longdouble)))])))


def grounded(matrix, row_sums, xp=np):
    """The log determinant of a matrix with one constant."""
    return grounded_log_det(matrix, row_sums[:, None], xp.ones((len(matrix), 1)), xp)


CASES = {
    "nearly the jitter alone": (1.0e-6, 1.0e-6),
    "small": (1.0e-3, 1.0e-2),
    "of order one": (1.0, 3.0),
    "large": (1.0e3, 1.0e6),
    "the ends of the default priors": (1.0e-6, 1.0e6),
    "the other way around": (1.0e6, 1.0e-6),
}


@pytest.mark.parametrize("xp", [np, jnp])
@pytest.mark.parametrize("case", CASES)
def test_equals_qr_in_long_double(case, xp):
    inner, outer = CASES[case]
    signal = np.exp(-np.linspace(0.0, 8.0, 80))
    weights = inner * signal + outer * (1.0 - signal)
    stencil, row_sums = stencil_of(80, 0, weights), np.full(80, JITTER)
    matrix = (stencil.T @ stencil).astype(float) + np.diag(row_sums)
    found = float(grounded(xp.asarray(matrix), xp.asarray(row_sums), xp))
    assert found == pytest.approx(by_qr(stencil, row_sums), abs=1.0e-6)


def test_slogdet_of_the_formed_matrix_is_wrong():
    stencil, row_sums = stencil_of(80, 0, np.full(80, 1.0e6)), np.full(80, JITTER)
    matrix = (stencil.T @ stencil).astype(float) + np.diag(row_sums)
    expected = by_qr(stencil, row_sums)
    sign, shipped = np.linalg.slogdet(matrix)
    assert sign < 0 or abs(shipped - expected) > 0.1
    assert grounded(matrix, row_sums) == pytest.approx(expected, abs=1.0e-6)


def test_gradient_matches_differences_of_the_qr():
    row_sums = np.full(30, JITTER)
    weights = np.exp(np.random.default_rng(1).normal(size=30, scale=3.0))
    direction = np.random.default_rng(2).normal(size=30)
    unit = stencil_of(30, 3, np.ones(30)).astype(float)

    def log_det(weights):
        rows = unit * jnp.repeat(weights, 4)[:, None]
        return grounded(rows.T @ rows + jnp.diag(row_sums), jnp.asarray(row_sums), jnp)

    def by_difference(step):
        high, low = (
            by_qr(stencil_of(30, 3, weights.astype(np.longdouble) * (1.0 + sign * step * direction)), row_sums)
            for sign in (1.0, -1.0)
        )
        return (high - low) / (2.0 * step)

    slope = jax.jit(jax.grad(log_det))(jnp.asarray(weights))
    assert float((slope * weights * direction).sum()) == pytest.approx(by_difference(1.0e-5), rel=1.0e-6)
    forwards = jax.jvp(log_det, (jnp.asarray(weights),), (jnp.asarray(weights * direction),))[1]
    assert float(forwards) == pytest.approx(float((slope * weights * direction).sum()), rel=1.0e-9)
    lanes = jax.jit(jax.vmap(jax.grad(log_det)))(jnp.stack([weights, 2.0 * weights]))
    assert np.allclose(lanes[0], slope, rtol=1.0e-9)
    # As af.BlackJAXNUTS has it.
    compiled = jax.vmap(jax.value_and_grad(jax.jit(log_det)))(jnp.stack([weights, 2.0 * weights]))[1]
    assert np.allclose(compiled, lanes, rtol=1.0e-9)


def test_matrix_with_nan_spoils_its_lane_only():
    good = np.eye(5) + JITTER
    bad = good.copy()
    bad[2, 2] = np.nan
    found = jax.vmap(lambda each: grounded(each, jnp.full(5, 1.0), jnp))(jnp.stack([good, bad]))
    assert np.isfinite(found[0]) and np.isnan(found[1])


@pytest.mark.parametrize("xp", [np, jnp])
@pytest.mark.parametrize("coefficient", [1.0, 1.0e3, 1.0e6])
def test_two_mappers_with_curvature_equal_qr(coefficient, xp):
    """Against QR of blurred mapping matrices and both stencils, one below the other."""
    row_sums, mapping = np.full(80, JITTER), 1.0e2 * np.random.default_rng(0).random((60, 80))
    stencil = np.zeros((320, 80), np.longdouble)
    for block in (slice(0, 50), slice(50, 80)):
        stencil[4 * block.start : 4 * block.stop, block] = stencil_of(
            block.stop - block.start, 1, np.full(50, coefficient)
        )
    constants = np.repeat(np.eye(2), (50, 30), axis=0)
    curvature = mapping.T @ mapping
    matrix = curvature + (stencil.T @ stencil).astype(float) + np.diag(row_sums)
    images = curvature @ constants + constants * JITTER
    found = float(grounded_log_det(*map(xp.asarray, (matrix, images, constants)), xp))
    expected = by_qr(np.vstack([mapping, stencil]), row_sums)
    assert found == pytest.approx(expected, abs=1.0e-6)


def test_shipped_curvature_term_moves_at_large_coefficients(small, patched):
    """The shipped term moves by last bits of the coefficients; the grounded one does not."""
    likelihood = Likelihood(small, al.mesh.Delaunay)
    shipped, grounded = [], []
    for move in range(3):
        coefficient = float(9.0e5 * (1.0 + move * np.finfo(float).eps))
        likelihood.model.galaxies.source.pixelization.regularization = al.reg.AdaptSplit(coefficient, coefficient, 0.5)
        inversion = likelihood.fit(likelihood.prior_medians, xp=np).inversion
        shipped.append(np.linalg.slogdet(inversion.curvature_reg_matrix_reduced)[1])
        grounded.append(inversion.log_det_curvature_reg_matrix_term)
    assert np.ptp(grounded) <= 1.0e-6 < np.ptp(shipped)


@pytest.mark.parametrize("name", ["small", "two_planes"])
def test_curvature_term_equals_autoarrays_at_small_coefficients(name, patched):
    lens = lens_folder.load(name)
    inversion = (
        Likelihood(lens, al.mesh.Delaunay).fit(Likelihood(lens, al.mesh.Delaunay).prior_medians, xp=np).inversion
    )
    expected = np.linalg.slogdet(inversion.curvature_reg_matrix_reduced)[1]
    assert inversion.log_det_curvature_reg_matrix_term == pytest.approx(expected, abs=1.0e-6)


@pytest.fixture
def patched():
    knn_barycentric.patch(log_det=True)
    yield
    knn_barycentric.unpatch()


def test_nothing_is_replaced_without_it():
    before = vars(AbstractInversion)["log_det_regularization_matrix_term"]
    knn_barycentric.patch(delaunay=True)
    try:
        assert vars(AbstractInversion)["log_det_regularization_matrix_term"] is before
        knn_barycentric.patch(log_det=True)
        assert vars(AbstractInversion)["log_det_regularization_matrix_term"] is not before
    finally:
        knn_barycentric.unpatch()
    assert vars(AbstractInversion)["log_det_regularization_matrix_term"] is before
