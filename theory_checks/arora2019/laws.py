"""Quantities that the theorems of Arora et al. (2018, 2019) equate, as functions of the samples."""

from itertools import pairwise

import numpy as np

# -- A.1: what is not conserved --------------------------------------------------------------------


def transposed_gram_differences(samples):
    """W_{j+1} W_{j+1}^T - W_j W_j^T: the transposes on the wrong side."""
    factors = pairwise(samples.problem.factors(samples.theta))
    return np.stack([above @ above.mT - below @ below.mT for below, above in factors], axis=1)


def norm_differences(samples):
    return np.diff(samples.read("factor_norms"))


# -- A.2: the end-to-end matrix --------------------------------------------------------------------


def gram_power(matrix, exponent):
    """[A A^T]^exponent, with [.]^0 = I."""
    if exponent == 0:
        return np.eye(matrix.shape[-2])
    # From the singular values of A: the Gram matrix's own eigenvalues are 1e-17 where they should
    # be 0, and that to the power 1 / L is not small. The thin SVD leaves them out.
    left, sigma, _ = np.linalg.svd(matrix, full_matrices=False)
    return (left * sigma[..., None, :] ** (2 * exponent)) @ left.mT


def preconditioned(matrix, W, L, *, layers=None, halved=1.0):
    return sum(
        gram_power(W, halved * (L - j) / L) @ matrix @ gram_power(W.mT, (j - 1) / L)
        for j in range(1, (layers or L) + 1)
    )


def state(samples):
    """W, the gradient of the loss there, and L."""
    W = samples.read("end_to_end")
    return W, samples.problem.tensor_gradient(W), int(samples.read("depth"))


def preconditioned_descent(samples):
    W, gradient, L = state(samples)
    return -preconditioned(gradient, W, L)


def exponents_halved(samples):
    W, gradient, L = state(samples)
    return -preconditioned(gradient, W, L, halved=0.5)


def last_term_left_out(samples):
    W, gradient, L = state(samples)
    return -preconditioned(gradient, W, L, layers=L - 1)


def single_output(samples):
    """-|w|^(2 - 2/L) (grad + (L - 1) Pr_w grad), Pr_w the projection on the row w."""
    w, gradient, L = state(samples)
    size = np.linalg.norm(w, axis=-1, keepdims=True)
    projected = (gradient * w).sum(axis=-1, keepdims=True) * w / size**2
    return -(size ** (2 - 2 / L)) * (gradient + (L - 1) * projected)


def modes(samples):
    """u_r v_q^T for all r and q, shape (S, r, q, rows, columns)."""
    left, _, right = np.linalg.svd(samples.read("end_to_end"), full_matrices=False)
    return np.einsum("sir,sqj->srqij", left, right)


def preconditioned_modes(samples):
    W, _, L = state(samples)
    return preconditioned(modes(samples), W[:, None, None], L)


def modes_times_eigenvalues(samples):
    """lambda_rq = (s_r^2 - s_q^2) / (s_r^(2/L) - s_q^(2/L)), or L s_r^(2 - 2/L) where s_r = s_q."""
    s, L = samples.read("singular_values"), samples.read("depth")
    r, q = s[:, :, None], s[:, None, :]
    apart = r != q
    gap = np.where(apart, r ** (2 / L) - q ** (2 / L), 1.0)
    eigenvalues = np.where(apart, (r**2 - q**2) / gap, L * r ** (2 - 2 / L))
    return eigenvalues[..., None, None] * modes(samples)


# -- A.4: singular vectors -------------------------------------------------------------------------


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


def differences_of_the_svd(samples, levels=4):
    """Central differences of U above V along dW/dt, at halved steps, extrapolated to zero."""
    W, along = samples.read("end_to_end"), samples.read("d_end_to_end")
    U0, _, _ = decomposed(W)
    # The step is a share of the distance to the nearest matrix with a repeated or zero s_r.
    step = 0.08 * separation(samples)[:, None, None] / np.abs(along).max(axis=(1, 2), keepdims=True)

    def vectors(h):
        U, _, V = decomposed(W + h * along)
        same = np.sign((U0 * U).sum(axis=1, keepdims=True))  # u_r and v_r change sign together
        return np.concatenate([U * same, V * same], axis=1)

    halved = [step / 2**k for k in range(levels)]
    found = [(vectors(h) - vectors(-h)) / (2 * h) for h in halved]
    for power in range(1, levels):  # the error is a series in h^2
        found = [b + (b - a) / (4**power - 1) for a, b in pairwise(found)]
    return found[0]


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


# -- A.5: the determinant --------------------------------------------------------------------------


def log_growth(samples, exponent):
    """-L sum_r s_r^exponent <grad l(W), u_r v_r^T>."""
    powers = samples.read("singular_values") ** exponent
    return samples.read("depth") * (powers * samples.read("alignment")).sum(axis=-1)


def growth(samples):
    return samples.read("determinant") * log_growth(samples, 1 - 2 / samples.read("depth"))


def size_of_growth(samples):
    """The same with every term at its size: at some times the terms cancel to six digits."""
    s, L = samples.read("singular_values"), samples.read("depth")
    terms = np.abs(s ** (1 - 2 / L) * samples.read("alignment"))
    return samples.read("determinant") * L * terms.sum(axis=-1)


def exponent_two_minus_two_over_L(samples):
    return samples.read("determinant") * log_growth(samples, 2 - 2 / samples.read("depth"))


def minus_two_alignments(samples):
    """-2 sum_r <grad l(W), u_r v_r^T>: at L = 2 no singular value is left."""
    return log_growth(samples, 0) * 2 / samples.read("depth")
