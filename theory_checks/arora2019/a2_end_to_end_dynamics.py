"""Balanced factors move their product by -sum_j [W W^T]^((L-j)/L) grad l(W) [W^T W]^((j-1)/L).

Arora, Cohen & Hazan (2018), Theorem 1: a preconditioned gradient flow of W itself. Claim 1: the
preconditioner multiplies u_r v_q^T by lambda_rq > 0. Claim 2: its form for a single output.
"""

import numpy as np

from dynlens import (
    BALANCED,
    Check,
    Equal,
    Path,
    RandomStates,
    RateLaw,
    Start,
    Theorem,
    completion_problem,
)


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


def law(rate, assumptions=(BALANCED,)):
    return RateLaw(of="end_to_end", rate=rate, assumptions=assumptions)


along_flow = tuple(
    Path(completion_problem(L), Start(0.3, "balanced", seed=1, determinant=1), 50.0)
    for L in (2, 3, 4)
)
square = tuple(RandomStates((3,) * (L + 1), fraction=0.6) for L in (2, 3, 4, 7))
rectangular = tuple(
    RandomStates(widths) for widths in ((5, 3, 3), (3, 5, 4, 5), (5, 5, 4, 3), (3, 3, 3, 3, 2))
)
one_row = tuple(RandomStates(widths) for widths in ((4, 1, 1), (4, 3, 2, 1), (4, 4, 4, 4, 1)))

theorem = Theorem(
    id="A.2",
    title="end-to-end dynamics of balanced factors",
    source="arora2018optimization, Theorem 1 with Claims 1 and 2",
    checks=(
        Check(law(preconditioned_descent), along_flow + square + rectangular + one_row),
        Check(law(single_output), one_row),
        Check(
            Equal(left=preconditioned_modes, right=modes_times_eigenvalues),
            along_flow[1:] + square + rectangular + one_row,
        ),
    ),
    controls={
        "exponents (L - j) / L halved": Check(law(exponents_halved), square),
        "sum over j = 1, ..., L - 1": Check(law(last_term_left_out), square),
        "balancedness dropped": Check(
            law(preconditioned_descent, assumptions=()),
            (RandomStates((2, 2, 2), start="gaussian"),),
        ),
    },
)
