r"""Descent is late out of a saddle and early into a minimum: by eta nu / ln(1 + eta nu).

Along an eigendirection of curvature -nu descent grows at the rate ln(1 + eta nu) / eta, below nu;
along one of curvature lambda, eta lambda < 1, it decays at -ln(1 - eta lambda) / eta, above lambda.
The time to escape from a strict saddle is stretched by eta nu / ln(1 + eta nu), about
1 + eta nu / 2 (from F3, that is from the quadratic, and Rosca et al. 2023).
"""

import numpy as np
import sympy as sp

from dynlens import (
    Check,
    ClosedForm,
    DeepLinear,
    Equal,
    Full,
    Identities,
    Path,
    Problem,
    SquaredLoss,
    Theorem,
)
from dynlens.cases.escapes import EscapeTimes
from theory_checks.flow_and_descent.f3_quadratics import quadratic

HALF = sp.Rational(1, 2)


def stretch(first=HALF):
    """Coefficients of eta^1 and eta^2 in eta nu / ln(1 + eta nu), less what they should be."""
    z = sp.Symbol("z")
    series = sp.series(z / sp.log(1 + z), z, 0, 3).removeO()
    return {
        "first": sp.expand(series).coeff(z, 1) - first,
        "second": sp.expand(series).coeff(z, 2) + sp.Rational(1, 12),
    }


# -- out of a saddle -------------------------------------------------------------------------------


def escapes(matrix, direction, norm, eta):
    """From small multiples of a direction, near the saddle at zero of a network of depth two.

    The multiples are about a tenth apart, by whole steps of growth: descent then passes the norm at
    the same phase of a step from each of them, and how one reads its time between steps drops out.
    """
    problem = Problem(DeepLinear((len(matrix),) * 3), SquaredLoss(), Full(matrix))
    step = np.log1p(eta * np.linalg.norm(matrix, 2))
    decade = step * round(np.log(10) / step)
    alphas = tuple(float(np.exp(-decade * k)) for k in range(3, 9))
    return EscapeTimes(problem, direction, alphas, norm, eta=eta)


SCALAR = ([[1.0]], (1.0, 1.0), 0.5)
MATRIX = ([[2.0, 0.0], [0.0, 0.5]], (1.0, 0.3, -0.2, 0.7, 1.1, -0.4, 0.5, 0.8), 1.0)
cases = tuple(
    escapes(*one, eta)
    for one, etas in ((SCALAR, (0.1, 0.4)), (MATRIX, (0.05, 0.2)))
    for eta in etas
)


def nu(samples):
    """The curvature at zero is -s for a singular value s of the target."""
    problem = samples.problem
    return np.linalg.norm(problem.observations.data.reshape(problem.model.tensor_shape), 2)


def per_decade(name):
    """Time that the last decade of alpha adds, over ln 10: one over the rate of growth."""

    def slope(samples):
        added = np.diff(samples.read(name)) / -np.diff(np.log(samples.read("alpha")))
        return np.full(len(samples), added[-1])

    return slope


def late(samples):
    return samples.read("eta") / np.log1p(samples.read("eta") * nu(samples))


def uncorrected(samples):
    return np.full(len(samples), 1 / nu(samples))


def early(samples):
    return -samples.read("eta") / np.log1p(-samples.read("eta") * nu(samples))


def without_half(samples):
    return 1 / nu(samples) + samples.read("eta")


def measured(right):
    return Equal(left=per_decade("descent_time"), right=right, tolerance=1e-9)


# -- into a minimum --------------------------------------------------------------------------------


def decay(rate):
    text = f"end_to_end_0 * exp(-({rate}) * t)"
    return ClosedForm("end_to_end", text, given={"eta": 0.3}, tolerance=1e-10)


minimum = Path(quadratic(1.0), (1.0,), 6.0, eta=0.3, saves=21)

theorem = Theorem(
    id="F2.4",
    title="descent leaves a saddle late and enters a minimum early",
    source="rosca2023continuous; derived from the quadratic",
    checks=(
        Check(
            Identities("eta nu / ln(1 + eta nu) = 1 + eta nu / 2 - (eta nu)^2 / 12 + ...", stretch)
        ),
        Check(Equal(left=per_decade("escape_time"), right=uncorrected, tolerance=1e-9), cases),
        Check(measured(late), cases),
        Check(decay("-log(1 - eta) / eta"), (minimum,)),
    ),
    controls={
        "the flow's own time": Check(measured(uncorrected), cases),
        "early, not late": Check(measured(early), cases),
        "late by eta, not eta / 2": Check(measured(without_half), cases),
        "1 + eta nu": Check(Identities("z / ln(1 + z) = 1 + z + ...", lambda: stretch(first=1))),
        "decay at the flow's rate": Check(decay("1"), (minimum,)),
        "decay later than the flow": Check(decay("log(1 + eta) / eta"), (minimum,)),
    },
)
