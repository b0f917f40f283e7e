"""What sympy proves about the completion problem of Razin & Cohen (2020)."""

import sympy as sp

from dynlens.symbolic import solves_ode


def least_at_zero():
    """W^T W has eigenvalues e^(2u), e^(-2u) if x = 2 sinh(u), and their powers have sum >= 2."""
    p, u, t = sp.symbols("p u t", positive=True)
    W = sp.Matrix([[2 * sp.sinh(u), 1], [1, 0]])
    characteristic = (W.T * W - t * sp.eye(2)).det()
    return {
        "eigenvalues": characteristic - (t - sp.exp(2 * u)) * (t - sp.exp(-2 * u)),
        "sum - 2 is a square": sp.exp(p * u) + sp.exp(-p * u) - 2 - 4 * sp.sinh(p * u / 2) ** 2,
    }


def strictly_monotone():
    """D and erank solve equations whose right sides have one sign for x > 0, 0 < q < 1."""
    x, q, height = sp.symbols("x q height", positive=True)
    distance = 2 / (sp.sqrt(x**2 + 4) + x)  # s_2, where s_1 s_2 = -det W = 1
    effective_rank = (1 + q) * q ** (-q / (1 + q))  # with q = s_2 / s_1 = distance**2, 0 < q <= 1
    slope = -height / sp.sqrt(x**2 + 4)
    falling = solves_ode(distance, slope, height, x, initial=(0, 1), limits=[(x, sp.oo, 0)])
    slope = -height * sp.log(q) / (1 + q) ** 2
    rising = solves_ode(effective_rank, slope, height, q, initial=(1, 2), limits=[(q, 0, 1)])
    return {f"D, {k}": v for k, v in falling.items()} | {
        f"erank, {k}": v for k, v in rising.items()
    }


def solutions(last=1):
    """Determinant -1, and a characteristic polynomial of W W' with d - 2 roots equal to one.

    Of the d by d solutions, d = 3 and 4, with b_33 = last.
    """
    k, x = sp.Symbol("k"), sp.Symbol("x", real=True)
    found = {}
    for size in (3, 4):
        W = sp.diag(x, 0, last, *[1] * (size - 3))
        W[0, 1] = W[1, 0] = 1
        roots = (k**2 - (x**2 + 2) * k + 1) * (k - 1) ** (size - 2)
        found[f"det, d = {size}"] = W.det() + 1
        found[f"singular values, d = {size}"] = (W * W.T).charpoly(k).as_expr() - roots
    return found


def solutions_with_last_negative():
    return solutions(last=-1)


def linear_flow():
    """The flow of two layers near zero, the limit of its determinant, and the exception."""
    t, k = sp.symbols("t k", positive=True)
    X, Y, C = (sp.Matrix(2, 2, sp.symbols(f"{name}:4")) for name in "xyc")
    M = sp.Matrix([[0, 1], [1, 0]])
    below = sp.exp(t) * X + sp.exp(-t) * Y
    above = M * (sp.exp(t) * X - sp.exp(-t) * Y).T
    split = (X - sp.exp(-2 * t) * Y).det() * (X + sp.exp(-2 * t) * Y).det()
    # Balanced factors are W_2 = R W_1^T with R orthogonal; if det W > 0, it is a rotation.
    R = sp.Matrix([[1 - k**2, -2 * k], [2 * k, 1 - k**2]]) / (1 + k**2)
    return {
        "dW_1/dt": (C * (below.diff(t) - above.T * M)).trace(),
        "dW_2/dt": (C * (above.diff(t) - M * below.T)).trace(),
        "e^(-4t) det W -> -det(X)^2": sp.exp(-4 * t) * (above * below).det() + split,
        "det X, balanced": (X + (R * X.T).T * M).det(),
    }
