"""Data that a plane separates, and flows for times that no loop could count.

C3 has three support vectors in three dimensions, C2 two; EVEN has equal weights by symmetry.
"""

import numpy as np

import dynlens as dl

EXPONENTIAL, LOGISTIC = "sum(exp(-q))", "sum(log(1 + exp(-q)))"


def svm(Z, support):
    """Shortest vector whose margins are at least 1, and its weights on the support vectors."""
    rows = Z[list(support)]
    alpha = np.linalg.solve(rows @ rows.T, np.ones(len(rows)))
    return rows.T @ alpha, alpha


def separable(Z, support, *, start=None, loss=EXPONENTIAL, t_end=1e26):
    """The flow of a linear classifier, with the quantities that the statements speak of."""
    hat, alpha = svm(Z, support)
    shares = alpha / alpha.sum()
    _, _, right = np.linalg.svd(Z[list(support)])
    data = {
        "Z": Z,
        "on_margin": Z[list(support)],
        "log_alpha": np.log(alpha),
        "apart": right[-1],  # orthogonal to the support vectors, where they do not span the space
        "gamma": 1 / np.linalg.norm(hat),
        "largest": (Z**2).sum(axis=1).max(),
        "entropy": -(shares * np.log(shares)).sum(),
        "excess": -(shares * np.log(shares)).sum() + np.log(shares.max()),
    }
    define = {
        "q": "Z @ w",
        "support": "on_margin @ w",
        "across": "apart @ w",
        "least": "min(q) / norm(w)",
    }
    size = Z.shape[1]
    problem = dl.objective(loss, parameters={"w": size}, data=data, define=define)
    return dl.Path(problem, start or (0.0,) * size, t_end, saves="log", rtol=1e-12)


C3 = np.random.default_rng(0).standard_normal((6, 3)) + np.array([1.5, 0, 0])
C2 = np.random.default_rng(1).standard_normal((6, 3)) + np.array([2.0, 0, 0])
EVEN = np.array([[1.0, 0.5], [1.0, -0.5]])
SPANNED = tuple(separable(C3, (0, 3, 4), loss=loss) for loss in (EXPONENTIAL, LOGISTIC))
FLAT = separable(C2, (1, 4))
ELSEWHERE = separable(C2, (1, 4), start=(0.0, 0.0, 3.0))
SYMMETRIC = separable(EVEN, (0, 1), start=(0.0, 0.7))
