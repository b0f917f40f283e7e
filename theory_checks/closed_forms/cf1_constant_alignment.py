"""Under constant alignment a balanced component of N factors grows as a power, and blows up.

The rate law s' = N g s^(2 - 2/N) of Arora et al. (2019) and Razin, Maman & Cohen (2021), solved.
"""

import sympy as sp

from dynlens import (
    Check,
    ClosedForm,
    DeepLinear,
    Full,
    HuberLoss,
    Identities,
    Path,
    Problem,
    Start,
    Theorem,
)
from dynlens.symbolic import solves_ode

N, s0, s, t = sp.symbols("N sigma_0 sigma t", positive=True)
g = sp.Symbol("gamma", real=True)

rate = N * g * s ** (2 - 2 / N)
growth = (s0 ** (-(N - 2) / N) - (N - 2) * g * t) ** (-N / (N - 2))  # N >= 3
exponential = s0 * sp.exp(2 * g * t)  # N = 2
blow_up = s0 ** (-(N - 2) / N) / ((N - 2) * g)


def derivation():
    """Substitute the closed form into the rate law, for every N at once."""
    before = [s0 ** (-(N - 2) / N) - (N - 2) * g * t]  # until the blow-up
    found = solves_ode(growth, rate, s, t, initial=(0, s0), positive=before)
    at_two = solves_ode(exponential, rate.subs(N, 2), s, t, initial=(0, s0))
    blow = {"blow-up time": before[0].subs(t, blow_up)}
    return found | {f"N = 2, {name}": answer for name, answer in at_two.items()} | blow


def component(depth, t_end, sign=1):
    """A scalar network far from its target: Huber's gradient is the constant 0.7 there."""
    problem = Problem(DeepLinear((1,) * (depth + 1)), HuberLoss(0.7), Full([[sign * 1000.0]]))
    return Path(problem, Start(0.05, "identity"), t_end, rtol=1e-12, atol=1e-14)


def law(formula):
    names = {"sigma_0": "singular_values_0", "gamma": "alignment", "N": "depth"}
    text = str(
        formula.subs(
            {
                symbol: sp.Symbol(names.get(str(symbol), str(symbol)))
                for symbol in formula.free_symbols
            }
        )
    )
    return ClosedForm(left="singular_values", right=text, tolerance=1e-8)


def until(depth, share):
    return component(
        depth, float(share * blow_up.subs({N: depth, s0: 0.05, g: sp.Rational(7, 10)}))
    )


growing = tuple(until(depth, 0.9) for depth in (3, 4, 5))
decaying = tuple(component(depth, 20.0, sign=-1) for depth in (3, 4))

theorem = Theorem(
    id="CF1",
    title="growth and blow-up under constant alignment",
    source="arora2019implicit, Theorem 3, solved",
    checks=(
        Check(
            Identities(
                "sigma(t) solves sigma' = N gamma sigma^(2 - 2/N)",
                derivation,
                show=lambda: {"sigma(t)": growth, "blow-up": blow_up},
            )
        ),
        Check(law(growth), growing + decaying),
        Check(law(exponential), (component(2, 4.0), component(2, 4.0, sign=-1))),
    ),
    controls={
        "exponent -N/(N - 1)": Check(
            law((s0 ** (-(N - 2) / N) - (N - 2) * g * t) ** (-N / (N - 1))), growing[:1]
        ),
        "blow-up without the factor N - 2": Check(
            law((s0 ** (-(N - 2) / N) - g * t) ** (-N / (N - 2))), growing[1:2]
        ),
        "exponent -N/(N - 1), by algebra": Check(
            Identities(
                "sigma' = N gamma sigma^(2 - 2/N)",
                lambda: solves_ode(
                    (s0 ** (-(N - 2) / N) - (N - 2) * g * t) ** (-N / (N - 1)), rate, s, t
                ),
            )
        ),
    },
)
