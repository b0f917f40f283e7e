"""Without balancedness, two layers lose the positive determinant from almost every start.

What Theorem 1 of Razin & Cohen (2020) does not cover. Near zero the flow of two layers is linear,
dW_1/dt = W_2^T M and dW_2/dt = M W_1^T, where M = -grad l(0) is a reflection. So W ~ e^(2t) M X^T X
with X = (W_1 + W_2^T M)(0) / 2, a matrix of negative determinant however small the start, and the
flow ends in a solution, where det W = -1. Balanced starts with det W > 0 are exceptions: det X = 0.

Three layers lose the sign too, but leave the matrices near rank one so slowly that for long |W_11|
grows as from balanced starts.
"""

from dataclasses import dataclass, replace

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from dynlens import (
    BALANCED,
    POSITIVE_DETERMINANT,
    Assumption,
    AtLeast,
    Case,
    Check,
    Equal,
    Identities,
    Path,
    RandomStates,
    Reading,
    Start,
    Theorem,
    completion_problem,
)
from dynlens.cases.base import ModelSamples

M = np.array([[0.0, 1.0], [1.0, 0.0]])
ENTRY = {"x": Reading("end_to_end", where=(0, 0))}
POSITIVE_START = Assumption("det W(0) > 0", "determinant", low=0.0)


@dataclass(frozen=True)
class Swarm(Case):
    """Where the flow of two layers has taken Gaussian starts with det W > 0 by one time."""

    scale: float
    count: int
    t_end: float

    def samples(self):
        problem = completion_problem(2)
        starts = [Start(self.scale, "gaussian", k, 1).theta(problem) for k in range(self.count)]

        def field(t, states):
            return problem.vector_field(t, states.reshape(np.shape(starts))).ravel()

        def ends(rtol):
            settings = {"method": "DOP853", "rtol": rtol, "atol": 1e-12 * self.scale}
            run = solve_ivp(field, (0, self.t_end), np.ravel(starts), **settings)
            return ModelSamples(problem, run.y[:, -1].reshape(np.shape(starts)))

        return replace(ends(1e-8), twins=(ends(1e-10),))

    def simpler(self):
        if self.count > 1:
            yield replace(self, count=1)


def growing_mode(samples, sign=1, rate=2):
    """e^(2t) M X^T X."""
    below, above = samples.problem.factors(samples.theta[:1])
    X = (below + sign * above.mT @ M) / 2
    return np.exp(rate * samples.t)[:, None, None] * (M @ X.mT @ X)


def rate_one(samples):
    return growing_mode(samples, rate=1)


def other_sign_in_X(samples):
    return growing_mode(samples, sign=-1)


def det_X(samples):
    below, above = samples.problem.factors(samples.theta)
    return np.linalg.det(below + above.mT @ M) / 4


def mechanism():
    """The linear flow, the limit of its determinant, and the exception."""
    t, k = sp.symbols("t k", positive=True)
    X, Y, C = (sp.Matrix(2, 2, sp.symbols(f"{name}:4")) for name in "xyc")
    S = sp.Matrix(M.astype(int))
    below = sp.exp(t) * X + sp.exp(-t) * Y
    above = S * (sp.exp(t) * X - sp.exp(-t) * Y).T
    split = (X - sp.exp(-2 * t) * Y).det() * (X + sp.exp(-2 * t) * Y).det()
    # Balanced factors are W_2 = R W_1^T with R orthogonal; if det W > 0, it is a rotation.
    R = sp.Matrix([[1 - k**2, -2 * k], [2 * k, 1 - k**2]]) / (1 + k**2)
    return {
        "dW_1/dt": (C * (below.diff(t) - above.T * S)).trace(),
        "dW_2/dt": (C * (above.diff(t) - S * below.T)).trace(),
        "e^(-4t) det W -> -det(X)^2": sp.exp(-4 * t) * (above * below).det() + split,
        "det X, balanced": (X + (R * X.T).T * S).det(),
    }


def becomes(matrix):
    """In the limit of small scales and late times; here e^(-2t) < 1e-4, and W < 1e-6."""
    return Equal(left="end_to_end", right=matrix, after=5.0, tolerance=1e-3)


def lost(**changes):
    return AtLeast(left=0, right="determinant", **changes)


def grows(after):
    """|W_11| = 1 / sqrt(2 loss), to a percent."""
    law = {"left": "Abs(x) * sqrt(2 * loss)", "right": 1, "tolerance": 1e-2}
    return Equal(**law, after=after, readings=ENTRY)


def vanishes(*assumptions):
    return Equal(left=det_X, right=0, scale="parameter_norm**2", assumptions=assumptions)


def unbalanced(depth, scale, seed, t_end, **numerics):
    return Path(completion_problem(depth), Start(scale, "gaussian", seed, 1), t_end, **numerics)


early = (Swarm(1e-3, 100, 4.0), Swarm(1e-6, 100, 6.0))
late = (Swarm(1.0, 200, 40.0), Swarm(0.05, 100, 40.0), Swarm(1e-3, 12, 40.0))
tiny = tuple(unbalanced(2, 1e-6, seed, 6.0, atol=1e-20) for seed in (0, 1, 2))
three_layers = tuple(unbalanced(3, 8e-3, seed, 250.0, rtol=1e-8) for seed in (4, 5))

theorem = Theorem(
    id="P1.R1",
    title="unbalanced starts of two layers lose the positive determinant",
    source="a remark on razin2020implicit, Theorem 1",
    checks=(
        # A percent, for the slowest of the starts are still on their way.
        Check(Equal(left="determinant", right=-1, tolerance=1e-2), late),
        Check(lost(), early),
        Check(AtLeast(left="loss", right="0.97"), early),  # it was 1: nothing is learned yet
        Check(becomes(growing_mode), tiny),
        Check(Identities("det W ~ -e^(4t) det(X)^2 in the linear flow", mechanism)),
        Check(vanishes(BALANCED, POSITIVE_DETERMINANT), (RandomStates((2, 2, 2), count=40),)),
        Check(lost(after=200.0, assumptions=(POSITIVE_START,)), three_layers),
        Check(grows(after=200.0), three_layers),
    ),
    controls={
        "the sign is kept": Check(AtLeast(left="determinant", right=0), late[2:]),
        "two layers grow if the scale is small": Check(
            grows(after=20.0), (unbalanced(2, 1e-3, 0, 40.0),)
        ),
        "three layers grow if it is large": Check(
            grows(after=20.0), (unbalanced(3, 0.5, 0, 40.0),)
        ),
        "rate 1 instead of 2": Check(becomes(rate_one), tiny[:1]),
        "X = (W_1 - W_2^T M) / 2": Check(becomes(other_sign_in_X), tiny[:1]),
        "det X = 0 for all balanced starts": Check(vanishes(BALANCED), (RandomStates((2, 2, 2)),)),
    },
)
