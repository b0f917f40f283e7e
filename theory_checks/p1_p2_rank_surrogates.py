"""Among the solutions of the completion problem, a large unobserved entry means a rank near one.

Razin & Cohen (2020), Proposition 2. On {W : W_12 = W_21 = 1, W_22 = 0} the distance to rank one falls
strictly with |W_11| = |x|, from 1 at x = 0 to 0 in the limit, so that the infimal rank is 1; and the
effective rank falls strictly from 2 to its infimum 1, which no solution attains.
"""

import sympy as sp

from dynlens import AtLeast, Check, Equal, Identities, Reading, States, Theorem, completion_problem
from dynlens.symbolic import solves_ode

ENTRY = {"x": Reading("end_to_end", where=(0, 0))}
SIZES = (0.0, 1e-3, 0.1, 0.5, 1.0, 2.0, 5.0, 30.0, 1e3)

solutions = States(
    completion_problem(1), tuple((s * x, 1.0, 1.0, 0.0) for s in (1, -1) for x in SIZES)
)


def falls(value, rate, start, infimum):
    """`value` falls from `start` to `infimum` as u = asinh(|x| / 2) grows: its rate is negative."""
    u = sp.Symbol("u", positive=True)
    height = sp.Symbol("height", positive=True)
    return lambda: solves_ode(
        value(u), -height * rate(u), height, u, initial=(0, start), limits=[(u, sp.oo, infimum)]
    )
