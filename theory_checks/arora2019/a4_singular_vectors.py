"""Singular vectors of a balanced deep matrix factorization turn until U^T grad l(W) V is diagonal.

Arora, Cohen, Hu & Luo (2019), Lemma 2 and Corollary 1. With W = U S V^T (thin; singular values
distinct and not zero), F_rq = 1 / (s_q^(2/L) - s_r^(2/L)) off the diagonal and 0 on it,

    dU/dt = -U (F o [U^T grad V S + S V^T grad^T U]) - (I - U U^T) grad V S^(1 - 2/L),

and the same for dV/dt with U and V exchanged and grad transposed.
"""

import numpy as np

from dynlens import (
    BALANCED,
    Check,
    DeepLinear,
    Equal,
    Full,
    Path,
    Problem,
    RandomStates,
    SquaredLoss,
    Start,
    States,
    Theorem,
    completion_problem,
)


def decomposed(W):
    left, sigma, right = np.linalg.svd(W, full_matrices=False)
    return left, sigma[:, None, :], right.mT


def turning(U, s, V, gradient, L, sign, power):
    """dU/dt, as above; with U and V exchanged and the gradient transposed, dV/dt."""
    M = U.mT @ gradient @ V
    gap = s ** (power / L) - s.mT ** (power / L)
    F = sign * np.divide(1, gap, out=np.zeros_like(gap), where=gap != 0)
    return -U @ (F * (M * s + s.mT * M.mT)) - (gradient @ V - U @ M) * s ** (1 - 2 / L)


def vectors_turning(samples, sign=1, power=2):
    """dU/dt above dV/dt, shape (S, rows + columns, r)."""
    W, L = samples.read("end_to_end"), samples.read("depth")
    (U, s, V), gradient = decomposed(W), samples.problem.tensor_gradient(W)
    on_left = turning(U, s, V, gradient, L, sign, power)
    on_right = turning(V, s, U, gradient.mT, L, sign, power)
    return np.concatenate([on_left, on_right], axis=1)


def differences_of_the_svd(samples):
    """Central differences of U above V along dW/dt, extrapolated twice: good to about 1e-10."""
    W, along = samples.read("end_to_end"), samples.read("d_end_to_end")
    # The step is a share of the distance to the nearest matrix with a repeated or zero s_r.
    step = 0.01 * separation(samples)[:, None, None] / np.abs(along).max(axis=(1, 2), keepdims=True)

    def vectors(h):
        U, _, V = decomposed(W + h * along)
        U0, _, _ = decomposed(W)
        same = np.sign((U0 * U).sum(axis=1, keepdims=True))  # u_r and v_r change sign together
        return np.concatenate([U * same, V * same], axis=1)

    coarse, middle, fine = (
        (vectors(h) - vectors(-h)) / (2 * h) for h in (step, step / 2, step / 4)
    )
    return (coarse - 20 * middle + 64 * fine) / 45


def parts_of_the_rate(samples, sign=1, power=2):
    """dU S V^T + U dS V^T + U S dV^T, with dS/dt the rate of the singular values (A.3)."""
    W, L = samples.read("end_to_end"), samples.read("depth")
    U, s, V = decomposed(W)
    turned = vectors_turning(samples, sign, power)
    dU, dV = turned[:, : W.shape[1]], turned[:, W.shape[1] :]
    ds = L * s ** (2 - 2 / L) * samples.read("alignment")[:, None]
    return dU * s @ V.mT + U * ds @ V.mT + U * s @ dV.mT


def departure_from_orthonormality(samples):
    """d(U^T U)/dt and d(V^T V)/dt."""
    W, turned = samples.read("end_to_end"), vectors_turning(samples)
    U, _, V = decomposed(W)
    on_left, on_right = U.mT @ turned[:, : W.shape[1]], V.mT @ turned[:, W.shape[1] :]
    return np.stack([on_left + on_left.mT, on_right + on_right.mT], axis=1)


def separation(samples):
    """Least distance between singular values, zero counted as one of them."""
    s = samples.read("singular_values")
    return np.min(-np.diff(s, append=0.0), axis=-1)


def well_apart(samples):
    return separation(samples) - 1e-2


def opposite_sign(samples):
    return parts_of_the_rate(samples, sign=-1)


def exponent_one_over_L(samples):
    return parts_of_the_rate(samples, power=1)


def claim(left, right, **changes):
    settings = {"where": well_apart, "assumptions": (BALANCED,)} | changes
    return Equal(left=left, right=right, **settings)


def product_rule(right, **changes):
    return claim("d_end_to_end", right, **changes)


def keeps_its_vectors(widths, target):
    """Two balanced layers with W = diag(2, 1), padded: where U^T grad V = diag(-1, -1)."""
    problem = Problem(DeepLinear(widths), SquaredLoss(), Full(target))
    matrix = np.eye(2, widths[0]) * [[2.0], [1.0]]
    theta = problem.model.ravel(problem.model.balanced_factors(matrix))
    stationary = Equal(left=vectors_turning, right=0, scale="gradient_norm")
    return Check(stationary, (States(problem, (tuple(theta.tolist()),)),))


along_flow = tuple(
    Path(completion_problem(L), Start(0.3, "balanced", seed=1, determinant=1), 50.0)
    for L in (2, 3, 4)
)
anywhere = tuple(
    RandomStates(widths, seed=4)
    for widths in (
        (3, 3, 3, 3),
        (3, 4, 5),
        (5, 3, 3),
        (5, 5, 4, 3),
        (4,) * 5,
        (4, 3, 2, 1),
        (1, 2, 3),
    )
)

theorem = Theorem(
    id="A.4",
    title="singular vectors of a balanced deep matrix factorization",
    source="arora2019implicit, Lemma 2 and Corollary 1",
    checks=(
        # These two determine the rates, for an SVD of distinct singular values is unique.
        Check(product_rule(parts_of_the_rate), along_flow + anywhere),
        Check(
            claim(departure_from_orthonormality, 0, scale="gradient_norm"), along_flow + anywhere
        ),
        Check(claim(differences_of_the_svd, vectors_turning), along_flow + anywhere),
        keeps_its_vectors((2, 2, 2), [[3, 0], [0, 2]]),
    ),
    controls={
        "sign of F": Check(product_rule(opposite_sign), anywhere[:1]),
        "1 / L instead of 2 / L in F": Check(product_rule(exponent_one_over_L), anywhere[:1]),
        "balancedness dropped": Check(
            product_rule(parts_of_the_rate, assumptions=()), (RandomStates((2, 2, 2), "gaussian"),)
        ),
        # The gradient has a part u (v_perp)^T, which is no part of U^T grad V.
        "a diagonal U^T grad V suffices": keeps_its_vectors((3, 2, 2), [[3, 0, 1], [0, 2, 1]]),
    },
)
