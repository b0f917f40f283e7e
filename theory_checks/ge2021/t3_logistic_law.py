r"""Aligned components of one direction fit it together, by a logistic law.

Ge et al. (2021), derived: with all components along e_k, of any number and any order,
a' = 4 a (K - a) for their mass a = sum |w_i|^2 and K = a_k - lambda / 2. Without the factors ½ of
loss and penalty the rate doubles. If K <= 0 the component dies.
"""

import numpy as np
import sympy as sp

from dynlens import (
    Check,
    ClosedForm,
    Identities,
    Path,
    Problem,
    RankOneSum,
    Reading,
    Ridge,
    SquaredLoss,
    SymmetricTensor,
    Theorem,
)
from dynlens.symbolic import solves_ode

t, K, m0, m = sp.symbols("t K m_0 m", positive=True)
logistic = K / (1 + (K / m0 - 1) * sp.exp(-4 * K * t))


def derivation():
    found = solves_ode(logistic, 4 * m * (K - m), m, t, initial=(0, m0))
    half = sp.log(K / m0 - 1) / (4 * K)
    return found | {"half fitted": sp.simplify(logistic.subs(t, half) - K / 2)}


def aligned(order=4, count=5, a=1.3, penalty=0.1, delta=1e-3, t_end=6.0, half=True):
    target = RankOneSum.orthogonal([a, 0.5], dimension=3, order=order)
    model = SymmetricTensor(3, order, count, degree=2)
    problem = Problem(model, SquaredLoss(half=half), target, Ridge(penalty, half=half))
    start = np.zeros((count, 3))
    start[:, 0] = delta
    return Path(problem, tuple(start.ravel()), t_end, rtol=1e-12, atol=1e-18)


def law(rate=4, limit="a - penalty / 2", first="mass_0", a=1.3, penalty=0.1):
    formula = f"({limit}) / (1 + (({limit}) / ({first}) - 1) * exp(-{rate} * ({limit}) * t))"
    return ClosedForm(
        "mass",
        formula,
        readings={"mass": Reading("fitted_coefficients", where=(0,))},
        given={"a": a, "penalty": penalty},
        tolerance=1e-9,
        floor=1e-12,
    )


page = (aligned(),)
theorem = Theorem(
    id="Q2.T3",
    title="the logistic law of fitting one direction",
    source="ge2021understanding; derived",
    checks=(
        Check(Identities("the logistic curve solves a' = 4 a (K - a)", derivation)),
        Check(law(), (*page, aligned(3), aligned(5, count=1), aligned(6, count=2))),
        Check(law(rate=8), (aligned(half=False),)),
        # K < 0: the same formula decays.
        Check(law(a=0.04), (aligned(a=0.04, delta=0.1),)),
    ),
    controls={
        "rate 2 K": Check(law(rate=2), page),
        "rate 8 K": Check(law(rate=8), page),
        "without the ½, rate 4 K": Check(law(), (aligned(half=False),)),
        "K = a": Check(law(limit="a"), page),
        "K = a - penalty": Check(law(limit="a - penalty"), page),
        "initial mass of one component": Check(law(first="1e-6"), page),
    },
)
