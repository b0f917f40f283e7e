"""Two equations for five entries, from starts of several scales, and states of any kind."""

import numpy as np

import dynlens as dl

X = np.random.default_rng(0).standard_normal((2, 5))
Y = X[:, 1] + [0.3, -0.2]
FREE = np.linalg.svd(X)[2][2:]  # rows that span the kernel of X


def diagonal(scale):
    """Fit X beta = Y; `outside` is what of arcsinh(beta / 2 scale^2) is not in the row space."""
    model = dl.FormulaModel(
        "beta",
        {"u": 5, "v": 5},
        {"X": X, "y": Y, "free": FREE, "alpha": scale},
        {
            "beta": "u * u - v * v",
            "slope": "X.T @ (X @ beta - y)",
            "outside": "free @ arcsinh(beta / (2 * alpha**2))",
            "without_two": "free @ arcsinh(beta / alpha**2)",
            "without_square": "free @ arcsinh(beta / (2 * alpha))",
        },
    )
    return dl.Problem(model, dl.SquaredLoss(), dl.Sensing(X, Y))


def potential(scale):
    """The function of beta that the flow from u = v = scale minimizes among all fits."""
    b, a = "end_to_end", scale**2
    return f"sum({2 * a!r} - sqrt({4 * a**2!r} + {b}^2) + {b} * asinh({b} / {2 * a!r}))"


def flow(scale, t_end):
    return dl.Path(diagonal(scale), (scale,) * 10, t_end, rtol=1e-12)


ONE, THIRD, TENTH = flow(1.0, 60.0), flow(0.3, 200.0), flow(0.1, 300.0)
STATES = dl.States(
    diagonal(1.0), tuple(tuple(row) for row in np.random.default_rng(1).standard_normal((40, 10)))
)
