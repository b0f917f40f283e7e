"""Among the solutions of the completion problem, a large unobserved entry means a rank near one.

Razin & Cohen (2020), Proposition 2. On {W : W_12 = W_21 = 1, W_22 = 0} the distance D to rank one
falls strictly as |W_11| grows, from 1 towards 0, so that the infimal rank is 1; the effective rank
falls strictly from 2 towards 1, which no solution attains.
"""

import sympy as sp

from dynlens import AtLeast, Check, Equal, Identities, Reading, States, Theorem, completion_problem
from dynlens.symbolic import solves_ode

ENTRY = {"x": Reading("end_to_end", where=(0, 0))}
ENTRIES = (1.0, 2.0, 0.0, 30.0, 1e3, 5.0, 0.5, 0.1, 1e-3, -0.3, -2.0, -1e3)

solutions = States(completion_problem(1), tuple((x, 1.0, 1.0, 0.0) for x in ENTRIES))

x, q, height = sp.symbols("x q height", positive=True)
distance = 2 / (sp.sqrt(x**2 + 4) + x)  # s_2, where s_1 s_2 = -det W = 1
effective_rank = (1 + q) * q ** (-q / (1 + q))  # with q = s_2 / s_1 = distance**2, 0 < q <= 1


def equal(observable, formula):
    return Check(
        Equal(left=observable, right=formula.subs(x, sp.Abs(sp.Symbol("x"))), readings=ENTRY),
        (solutions,),
    )


def at_least(left, right, where="1"):
    return Check(AtLeast(left=left, right=right, where=where, readings=ENTRY), (solutions,))


def strictly_monotone():
    """Both solve differential equations whose right sides have one sign for x > 0, 0 < q < 1."""
    falling = solves_ode(
        distance, -height / sp.sqrt(x**2 + 4), height, x, initial=(0, 1), limits=[(x, sp.oo, 0)]
    )
    rising = solves_ode(
        effective_rank,
        -height * sp.log(q) / (1 + q) ** 2,
        height,
        q,
        initial=(1, 2),
        limits=[(q, 0, 1)],
    )
    return {f"D, {k}": v for k, v in falling.items()} | {
        f"erank, {k}": v for k, v in rising.items()
    }


theorem = Theorem(
    id="P1.P2",
    title="rank surrogates over the solutions",
    source="razin2020implicit, Proposition 2",
    checks=(
        equal("rank_distance", distance),
        equal("effective_rank", effective_rank.subs(q, sp.Symbol("rank_distance") ** 2)),
        Check(Identities("D and erank are strictly monotone in |x|", strictly_monotone)),
        at_least("1 / Abs(x)", "rank_distance", where="Abs(x)"),
        at_least("frobenius_norm", "sqrt(2)"),  # no solution is near rank zero
    ),
    controls={
        "least effective rank attained at |x| = 30": at_least("1", "effective_rank", "Abs(x) - 29"),
        "effective rank 2 at every x": at_least("effective_rank", "2"),
        "D <= 1 / x^2": at_least("1 / x**2", "rank_distance", where="Abs(x)"),
        "D bounded away from zero": at_least("rank_distance", "0.01"),
        "D = 1 / |x|": Check(
            Equal(left="rank_distance", right="1 / Abs(x)", where="Abs(x)", readings=ENTRY),
            (solutions,),
        ),
    },
)
