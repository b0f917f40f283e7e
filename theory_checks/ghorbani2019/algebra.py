"""Moments of random projections and of normal variables, on which the theorems Q3 rest."""

import itertools

import sympy as sp


def symmetric(letter, n):
    """A general symmetric matrix of n rows."""
    entries = sp.symbols(f"{letter}:{n * (n + 1) // 2}")
    return sp.Matrix(n, n, lambda i, j: entries[max(i, j) * (max(i, j) + 1) // 2 + min(i, j)])


def cosines():
    """E <u, v>^2 = 1 / d: the cosine x has density (1 - x^2)^((d-3)/2), up to a factor."""
    d = sp.symbols("d", positive=True)

    def moment(k):
        return sp.gamma((k + 1) / sp.Integer(2)) / sp.gamma((k + d) / 2)  # times Gamma((d-1)/2)

    return {"second moment": sp.gammasimp(moment(2) / moment(0)) - 1 / d}


def projections():
    """E[P_ij P_kl] = A d_ij d_kl + C (d_ik d_jl + d_il d_jk), by invariance; A and C by traces."""
    d, k, A, C = sp.symbols("d k A C", positive=True)
    traces = [A * d**2 + 2 * C * d - k**2, A * d + C * (d**2 + d) - k]  # (tr P)^2 and tr P^2
    found = sp.solve(traces, [A, C], dict=True)[0]
    stated = k * (d - k) / (d * (d - 1) * (d + 2))
    # E tr(P B P B), contracted entry by entry for a general symmetric matrix of size three.
    B, delta = symmetric("b", 3), sp.KroneckerDelta
    contracted = 0
    for i, j, m, p in itertools.product(range(3), repeat=4):
        crossed = delta(i, m) * delta(j, p) + delta(i, p) * delta(j, m)
        contracted += (A * delta(i, j) * delta(m, p) + C * crossed) * B[j, m] * B[p, i]
    square, trace = (B * B).trace(), B.trace()
    return {
        "C": found[C] - stated,
        "A": found[A] - (k / d - (d + 1) * stated),
        "E |P B P|^2": sp.expand(contracted - (A + C) * square - C * trace**2),
        "A + C": found[A] + found[C] - (k / d - d * stated),
    }


def many_dimensions():
    """(tr B)^2 = tau d |B|^2 and k = (1 - rho) d, for d to infinity."""
    d, rho, tau = sp.symbols("d rho tau", positive=True)
    k = (1 - rho) * d
    C = k * (d - k) / (d * (d - 1) * (d + 2))
    mean = sp.limit(sp.simplify(k / d - d * C + C * tau * d), d, sp.oo)
    return {"limit": sp.expand(mean - (1 - rho) ** 2 * (1 - tau) - (1 - rho) * tau)}


def risks():
    """E[(x^T M x - tr M)^2] = 2 |M|^2, from the moments 1 and 3 of a normal variable, squared."""
    x, M = sp.symbols("x:3"), symmetric("m", 3)
    v = sp.Matrix(x)
    square = sp.Poly(sp.expand(((v.T * M * v)[0] - M.trace()) ** 2), *x)
    normal = {0: 1, 2: 1, 4: 3}  # odd moments are zero
    mean = sum(
        c * sp.prod([normal.get(power, 0) for power in powers]) for powers, c in square.terms()
    )
    return {"variance": sp.expand(mean - 2 * (M * M).trace())}


def two_gaussians():
    """Both moments for two inputs, Wick's formula applied to general A and Delta."""
    A, D = symmetric("a", 2), symmetric("p", 2)
    pairs = list(itertools.product(range(2), repeat=2))
    mean, second = {}, {}
    for y in (1, -1):
        cov = sp.eye(2) - y * D
        mean[y] = sum(A[i, j] * cov[i, j] for i, j in pairs)
        second[y] = sum(
            A[i, j]
            * A[m, n]
            * (cov[i, j] * cov[m, n] + cov[i, m] * cov[j, n] + cov[i, n] * cov[j, m])
            for i, j in pairs
            for m, n in pairs
        )
    overlap = (A * D).trace()
    variance = (second[1] + second[-1]) / 2 - ((mean[1] + mean[-1]) / 2) ** 2
    form = (A * (A + D * A * D)).trace()
    h, s = sp.symbols("h s", positive=True)
    # Of all multiples of A the best leaves 1 - cov^2 / var; s = <A, Delta>^2, h = s / <A, M A>.
    return {
        "covariance": sp.expand((mean[1] - mean[-1]) / 2 + overlap),
        "variance": sp.expand(variance - 2 * form - overlap**2),
        "least risk": sp.simplify(1 - s / (2 * s / h + s) - 1 / (1 + h / 2)),
    }
