"""A cubic network on eight points, by the exponential and by the logistic loss."""

import numpy as np

import dynlens as dl

RNG = np.random.default_rng(1)
X = RNG.standard_normal((8, 2))
Y = np.sign(X[:, 0] + 0.3 * X[:, 1] ** 2 - 0.3)
START = tuple((0.5 * RNG.standard_normal(12)).tolist())
BOTH = "sum(W^2) + sum(a^2)"


def network(loss, t_end):
    """The flow of four neurons, inner weights row by row and then the outer ones."""
    problem = dl.objective(
        loss,
        parameters={"W": (4, 2), "a": 4},
        data={"X": X, "y": Y},
        define={"q": "y * (relu(X @ W.T)**2 @ a)", "least": "min(q)", "nu": "sum(q * exp(-q))"},
    )
    return dl.Path(problem, START, t_end, saves="log", rtol=1e-11)


CUBIC = network("sum(exp(-q))", 1e6)
LOGISTIC = network("sum(log(1 + exp(-q)))", 1e5)
