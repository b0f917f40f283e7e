"""Two layers that start from a positive multiple of the identity fit the completion problem.

Razin & Cohen (2020), Proposition 4: W(0) = alpha I with 0 < alpha <= 1 gives loss -> 0. The rate,
loss ~ (6 t)^(-2/3) / 2, is derived from the reduced flow.
"""

import sympy as sp

from dynlens import AtLeast, Check, Path, PowerLaw, Start, SystemPath, Theorem, completion_problem

# W = [[x, y], [y, w]] stays symmetric and positive definite; q = log det W.
x, y, t = sp.symbols("x y t", positive=True)
q = sp.Symbol("q", real=True)
w = (y**2 + sp.exp(q)) / x
loss = (y - 1) ** 2 + w**2 / 2
fields = {"x": -2 * y * (y - 1), "y": -((x + w) * (y - 1) + y * w), "q": -2 * w}

twice_the_limit = (6 * t) ** sp.Rational(-2, 3)


def reduced(alpha, t_end=1e6):
    start = {"x": alpha, "y": 0.0, "q": float(2 * sp.log(alpha))}
    return SystemPath({name: str(rate) for name, rate in fields.items()}, start, t_end)


def decay(exponent, after=1e4):
    """Fitted over the last two decades of time, where the slope is near its limit."""
    return PowerLaw(loss, t, exponent, after=after, band=2e-3)


ALPHAS = (1e-3, 0.1, 1.0)
late = tuple(reduced(alpha) for alpha in ALPHAS)
# The factors themselves, up to where their determinant is lost.
early = tuple(
    Path(completion_problem(2), Start(alpha, "identity"), 30.0, saves="log") for alpha in ALPHAS
)
brief = (reduced(1.0, 1e4),)

theorem = Theorem(
    id="P1.P4",
    title="two layers from a multiple of the identity reach zero loss",
    source="razin2020implicit, Proposition 4; rate derived",
    checks=(
        Check(decay(-2 / 3), late),
        Check(AtLeast(twice_the_limit, loss, after=20.0), late),
        Check(AtLeast(twice_the_limit, "loss", after=20.0), early),
    ),
    controls={
        "loss = O(1 / t)": Check(decay(-1.0, after=100.0), brief),
        "loss <= 1 / t": Check(AtLeast(1 / t, loss, after=1.0), brief),
        "exponential convergence": Check(AtLeast(sp.exp(-t / 100), loss), brief),
        "loss ~ t^(-1/2)": Check(decay(-1 / 2, after=100.0), brief),
        "loss bounded away from zero": Check(AtLeast(loss, 1e-3), brief),
    },
)
