r"""Stationary points of the regularized objective: what they are, and which way leads out.

Ingredients of Wang et al. (2020), derived, for F = |R|^2 + lambda sum |u_i|^2, R = W - T, without
the factors 1/2, 2-homogeneous: sum_i <u_i, grad_i F> = 4 <R, W> + 2 lambda sum |u_i|^2
everywhere; at a stationary point a_i R(u_i^l) = -lambda / 2 for unit u_i, and
max_j |R(v_j^l)| >= |R|^2 / sum_j |c_j|. Along the flow lambda sum |u_i|^2 <= F(0). Where no
direction is left with |R(u^l)| > lambda / 2, then, |R|^2 <= lambda / 2 sum_j |c_j|.
"""

import dynlens as dl

from .stationary import Anywhere, Biases, Stationary

ends = [Stationary(12), Stationary(4, seed=1, fresh=False)]
# No component is left to find the direction that is missing.
stuck = [Stationary(4, seed=2, epochs=20, fresh=False)]
biases, orthogonal, anywhere = [Biases()], [Biases(orthogonal=True)], [Anywhere()]

theorem = dl.Theorem(
    "Q1.T8",
    "stationary points, norms, and a direction of descent",
    source="wang2020beyond; derived",
    claims={
        "Euler": dl.Check(dl.Equal("euler", "euler_law", tolerance=1e-11), anywhere),
        "least pull": dl.Equal("pull_low", "-penalty / 2", tolerance=1e-3),
        "largest pull": dl.Equal("pull_high", "-penalty / 2", tolerance=1e-3),
        "way out": dl.AtLeast("steepest", "norm**2 / mass"),
        "lengths": dl.AtLeast("objective / penalty", "squares"),
        "all found": dl.Check(dl.AtLeast("penalty / 2 * mass", "norm**2"), ends),
        "order": dl.Check(dl.PowerLaw("norm", "penalty", 1, band=0.01), biases + orthogonal),
        "bias": dl.Check(dl.Equal("norm", "penalty / 2 * sqrt(3)", tolerance=1e-6), orthogonal),
    },
    on=ends + stuck,
    false={
        "a R(u^l) = -lambda": {"claim": "least pull", "right": "-penalty", "on": ends[:1]},
        "Euler with 2 <R, W>": {"right": "euler_law / 2 + penalty * squares"},
        "the bound without the square": {
            "claim": "way out",
            "right": "norm / mass",
            "on": ends[:1],
        },
        "the bound away from stationarity": {"claim": "way out", "on": anywhere},
        "every stationary point has found all": {"claim": "all found", "on": stuck},
        "the bias is lambda sqrt(r)": {"claim": "bias", "right": "penalty * sqrt(3)"},
        "the bias is of second order": {"exponent": 2, "on": biases},
    },
)
