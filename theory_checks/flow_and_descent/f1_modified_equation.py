"""One step of gradient descent is nearly a flow, and nearer to a modified one.

The step errs from the flow for time eta by -eta^2/2 H g + O(eta^3); from the gradient flow of
l + eta/4 |g|^2 by eta^3 f_2 + O(eta^4) (Barrett & Dherin 2021); with the correction eta^2 f_2,

    f_2 = -1/3 H^2 g - 1/12 D^3 l [g, g],

it errs by O(eta^4) (backward error analysis, Hairer, Lubich & Wanner 2006, IX; f_2 derived). f_2
is no gradient in general. The principal flow (Rosca et al. 2023) errs by the part with D^3 l alone.
"""

import numpy as np
import sympy as sp

from dynlens import (
    BackwardError,
    Check,
    DeepLinear,
    Equal,
    Full,
    Identities,
    PowerLaw,
    Problem,
    SquaredLoss,
    Start,
    Theorem,
    completion_problem,
)
from dynlens.cases.base import theta_of
from dynlens.dynamics.modified import second_correction, third_derivative

# -- derived ---------------------------------------------------------------------------------------

DIM = 2
g = sp.Matrix(sp.symbols(f"g:{DIM}"))
H = sp.Matrix(DIM, DIM, lambda i, j: sp.Symbol(f"H{min(i, j)}{max(i, j)}"))


def third(u, v):
    """D^3 l [u, v], a symmetric trilinear form in general position."""
    symbol = lambda *index: sp.Symbol("T" + "".join(map(str, sorted(index))))  # noqa: E731
    places = range(DIM)
    return sp.Matrix(
        [sum(symbol(i, j, k) * u[j] * v[k] for j in places for k in places) for i in places]
    )


HALF, THIRD, TWELFTH = sp.Rational(1, 2), sp.Rational(1, 3), sp.Rational(1, 12)


def expansion(first=HALF, square=THIRD, cubic=TWELFTH):
    """Lie series of f = -g - eta first H g - eta^2 (square H^2 g + cubic D^3 l [g, g])."""
    f0, f1 = -g, -first * H * g
    f2 = -square * H * H * g - cubic * third(g, g)
    slope = lambda v: -H * v  # noqa: E731
    bent = lambda v: -first * (third(v, g) + H * H * v)  # noqa: E731
    at_two = f1 + slope(f0) / 2
    at_three = f2 + (slope(f1) + bent(f0)) / 2 + (-third(f0, f0) + slope(slope(f0))) / 6
    return {
        **{f"eta^2, {i}": sp.expand(at_two[i]) for i in range(DIM)},
        **{f"eta^3, {i}": sp.expand(at_three[i]) for i in range(DIM)},
    }


def curl_of_second():
    """d_x f_2y - d_y f_2x for the two-layer scalar network, which would vanish for a gradient."""
    a, b = sp.symbols("a b")
    loss = (a * b - 1) ** 2 / 2 + a**4 / 40
    slope = sp.Matrix([loss]).jacobian([a, b]).T
    hessian = sp.hessian(loss, [a, b])
    bent = sp.Matrix(
        [
            sum(
                sp.diff(hessian[i, j], x) * slope[j] * s
                for j in (0, 1)
                for x, s in zip((a, b), slope, strict=True)
            )
            for i in (0, 1)
        ]
    )
    f2 = -hessian * hessian * slope / 3 - bent / 12
    return {"curl": sp.expand(sp.diff(f2[1], a) - sp.diff(f2[0], b))}


# -- measured --------------------------------------------------------------------------------------

ETAS = (0.04, 0.02, 0.01, 0.005)
two_layers = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
CASES = {
    "two scalar layers": BackwardError(two_layers, (1.7, 0.3), ETAS),
    "completion, depth 2": BackwardError(completion_problem(2), Start(0.7, seed=0), ETAS),
    "completion, depth 3": BackwardError(completion_problem(3), Start(0.7, seed=1), ETAS),
}
cases = tuple(CASES.values())


def order(of, expected):
    return PowerLaw(of, "eta", expected, band=0.05)


def limit(of, power):
    """Of ``of / eta**power`` as eta tends to zero, from the two smallest steps."""

    def extrapolated(samples):
        eta = samples.read("eta")
        ratio = samples.read(of) / eta**power
        value = (ratio[-1] * eta[-2] - ratio[-2] * eta[-1]) / (eta[-2] - eta[-1])
        return np.full(len(eta), value)

    return extrapolated


def at_the_start(size):
    """A number at the start of a case, by its problem; the samples know the end only."""

    def number(samples):
        case = next(case for case in cases if case.problem == samples.problem)
        return np.full(len(samples), size(case.problem, theta_of(case.start, case.problem)))

    return number


def half_Hg(problem, theta):
    return np.linalg.norm(problem.hessian_vector_product(theta, problem.gradient(theta))) / 2


def size_of_second(problem, theta):
    return np.linalg.norm(second_correction(problem, theta))


def third_alone(problem, theta):
    return np.linalg.norm(third_derivative(problem, theta, problem.gradient(theta))) / 12


def leading(of, power, size):
    return Equal(left=limit(of, power), right=at_the_start(size), tolerance=0.02)


def doubled(problem, theta):
    return 2 * half_Hg(problem, theta)


STEP = "one step of descent, expanded to eta^3"

theorem = Theorem(
    id="F1",
    title="one step of descent and the modified equation",
    source="barrett2021implicit; hairer2006geometric, IX; rosca2023continuous; f_2 derived",
    checks=(
        Check(Identities(STEP, expansion)),
        Check(order("to_flow", 2), cases),
        Check(order("to_first", 3), cases),
        Check(order("to_second", 4), cases),
        Check(order("to_principal", 3), cases),
        Check(leading("to_flow", 2, half_Hg), cases),
        Check(leading("to_first", 3, size_of_second), cases),
        Check(leading("to_principal", 3, third_alone), cases),
    ),
    controls={
        "eta/2 |g|^2 instead of eta/4": Check(Identities(STEP, lambda: expansion(first=1))),
        "the other sign": Check(Identities(STEP, lambda: expansion(first=-HALF))),
        "1/3 and 1/12 exchanged": Check(
            Identities(STEP, lambda: expansion(square=TWELFTH, cubic=THIRD))
        ),
        "every correction is a gradient": Check(Identities("curl f_2 = 0", curl_of_second)),
        "the first modified flow is of order 4": Check(order("to_first", 4), cases),
        "the principal flow is of order 4": Check(order("to_principal", 4), cases),
        "the flow errs by |H g|": Check(leading("to_flow", 2, doubled), cases),
    },
)
