"""A balanced component that is zero stays zero; one that is not never becomes zero.

Razin, Maman & Cohen (2021), after Theorem 1. The second half is quantitative here: by Theorem 1
|d/dt sigma^(-(N-2)/N)| = (N - 2) |gamma|, and |gamma| <= |grad l(W)| <= sqrt(2 loss(0)) under half
the squares, so that a component needs infinite time to vanish.
"""

import numpy as np

from dynlens import BALANCED, AtLeast, Check, Equal, Path, Reading, SquaredLoss, Theorem
from theory_checks.razin2021.l1_conservation import completion

SUM = SquaredLoss()
SHAPE = (4, 5, 3)
problem = completion(SHAPE, components=4, loss=SUM)
FIRST = {"first": Reading("component_norms", where=(0,))}


def start(seed, *, zero=(), kind="balanced", scale=0.6):
    """A random start whose component 0 has zeros for its vectors of the modes in `zero`."""
    factors = problem.model.unravel(problem.init(scale, kind=kind, seed=seed))
    for mode in zero:
        factors[mode][:, 0] = 0.0
    return tuple(problem.model.ravel(factors).tolist())


def through_zero():
    """A start whose first component meets zero: one short vector, driven against itself."""
    factors = [factor.copy() for factor in problem.model.unravel(np.array(start(0)))]
    gradient = problem.model.unravel(problem.gradient(problem.model.ravel(factors)))
    factors[0][:, 0] = 0.05 * gradient[0][:, 0] / np.linalg.norm(gradient[0][:, 0])
    return tuple(problem.model.ravel(factors).tolist())


def flow(theta, t_end=5.0):
    return Path(problem, theta, t_end)


def stays_zero(**changes):
    return Equal(
        left="first",
        right=0,
        scale="parameter_norm**3",
        readings=FIRST,
        where="0.5 - sign(first_0)",  # asserted where it starts at zero
        **changes,
    )


# N = 3: sigma^(-1/3) grows no faster than sqrt(2 loss(0)) t. Multiplied out, for sigma near zero.
LASTING = "component_norms_0**(1 / 3) / (1 + component_norms_0**(1 / 3) * sqrt(2 * loss_0) * t)"


def stays_positive(bound=LASTING, **changes):
    return AtLeast("component_norms**(1 / 3)", bound, where="component_norms_0", **changes)


ASSUMED = {"assumptions": (BALANCED,)}
zeros = tuple(flow(start(seed, zero=(0, 1, 2))) for seed in (0, 1, 2))
generic = tuple(flow(start(seed, scale=scale)) for seed, scale in ((0, 0.6), (1, 1.5), (2, 0.2)))

theorem = Theorem(
    id="P2.L2",
    title="balanced components neither leave nor reach zero",
    source="razin2021implicit, after Theorem 1",
    checks=(
        Check(stays_zero(**ASSUMED), zeros),
        Check(stays_positive(**ASSUMED), zeros + generic),
    ),
    controls={
        # One zero vector among others that are not: the component is zero only at the start.
        "balancedness dropped, leaving zero": Check(
            stays_zero(), (flow(start(0, zero=(1,), kind="gaussian")),)
        ),
        "balancedness dropped, reaching zero": Check(stays_positive(), (flow(through_zero()),)),
        "decays no faster than exp(-t / 100)": Check(
            stays_positive("component_norms_0**(1 / 3) * exp(-t / 100)", **ASSUMED), generic
        ),
    },
)
