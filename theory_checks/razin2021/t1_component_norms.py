"""Components of a CP factorization grow at rate N gamma sigma^(2 - 2/N).

Razin, Maman & Cohen (2021), Theorem 1: exactly so if balanced; in general, with unbalancedness eps,

    N |gamma| sigma^2 / (sigma^(2/N) + eps)  <=  |sigma'|  <=  N |gamma| (sigma^(2/N) + eps)^(N-1),

sigma' having the sign of gamma. From the arithmetic and geometric means the lower bound holds even
without eps: being unbalanced can only make a component faster.
"""

from itertools import combinations

import numpy as np
import sympy as sp

from dynlens import (
    BALANCED,
    AtLeast,
    Check,
    CPFactorization,
    Identities,
    RandomStates,
    RateLaw,
    SquaredLoss,
    Theorem,
)
from dynlens.symbolic import along_flow, is_zero, solves_ode
from theory_checks.closed_forms import algebra as cf
from theory_checks.razin2021.l1_conservation import MEAN, SHAPES, along

# -- derived for components of any number K of vectors ---------------------------------------------

K, m, eps = sp.symbols("K m epsilon", positive=True)
gamma = sp.Symbol("gamma", real=True)


def rate(squares):
    """sigma' in the squared norms m_k, each of which has the rate 2 gamma sigma."""
    sigma = sp.sqrt(sp.prod(squares))
    return along_flow(sigma, {square: 2 * gamma * sigma for square in squares})


def rate_law():
    """sigma = m^(K/2) and m' = 2 gamma sigma, for symbolic K; then for K vectors one by one."""
    sigma = m ** (K / 2)
    found = {"any K": is_zero(along_flow(sigma, {m: 2 * gamma * sigma}) - law(K, gamma, sigma))}
    for k in (2, 3, 4, 5):
        equal = rate(sp.symbols(f"m1:{k + 1}", positive=True))
        equal = equal.subs({square: m for square in equal.free_symbols - {gamma}})
        found[f"K = {k} vectors"] = is_zero(equal - law(k, gamma, m ** sp.Rational(k, 2)))
    return found


def law(number, alignment, sigma):
    return number * alignment * sigma ** (2 - 2 / sp.sympify(number))


def tied_closed_forms():
    """The law, solved: CF1 for one component, CF3 for two, CF4 for two unbalanced factors."""
    a, b = sp.symbols("a b", positive=True)
    n, first, start = cf.N, cf.s1, cf.s0
    # CF3 as s0 P^(-N/(N-2)), where P is a function of sigma_1, and d sigma_2 / d sigma_1 from it.
    inside = 1 - cf.g2 / cf.g1 * (1 - (first / start) ** (-(n - 2) / n))
    P = sp.Symbol("P", positive=True)
    second = start * P ** (-n / (n - 2))
    slope = sp.diff(second, P) * sp.diff(inside, first)
    rates = law(n, cf.g2, second) / law(n, cf.g1, first)
    unbalanced = rate((a, b)) - (gamma * cf.speed).subs({cf.s: sp.sqrt(a * b), cf.D: sp.Abs(a - b)})
    solved = solves_ode(cf.growth, law(n, cf.g, cf.s), cf.s, cf.t)
    return {
        **{f"CF1: {name}": found for name, found in solved.items()},
        "CF3: sigma_2 as P": is_zero(second.subs(P, inside) - cf.second),
        "CF3: d sigma_2 / d sigma_1": is_zero(slope / rates - 1),
        "CF4": is_zero(unbalanced),
    }


def bounds():
    """AM-GM as sums of squares (K = 2, 3, 4); the upper bound's slack has no negative term."""
    x, y, z, w = sp.symbols("x y z w", positive=True)
    found = {
        "K = 2": (x**2 + y**2) - 2 * x * y - (x - y) ** 2,
        "K = 3": x**3
        + y**3
        + z**3
        - 3 * x * y * z
        - (x + y + z) * ((x - y) ** 2 + (y - z) ** 2 + (z - x) ** 2) / 2,
        "K = 4": x**4
        + y**4
        + z**4
        + w**4
        - 4 * x * y * z * w
        - (x**2 - y**2) ** 2
        - (z**2 - w**2) ** 2
        - 2 * (x * y - z * w) ** 2,
    }
    for k in (2, 3, 4, 5):
        # The shortest vector has m, the others m + eps - f with f >= 0: less than all at m + eps.
        slack = sp.symbols(f"f2:{k + 1}", nonnegative=True)
        squares = [m, *(m + eps - f for f in slack)]
        total = sum(sp.prod(group) for group in combinations(squares, k - 1))
        most = (m + eps) ** (k - 1) + (k - 1) * m * (m + eps) ** (k - 2)
        found[f"K = {k}: at f = 0"] = total.subs({f: 0 for f in slack}) - most
        # Decreasing in each f: products of what remains, none of it negative.
        slope = sum(sp.diff(total, f) for f in slack)
        remain = [sp.prod(group) for group in combinations(squares, k - 2)]
        weights = [
            sum(square not in group for square in squares[1:])
            for group in combinations(squares, k - 2)
        ]
        found[f"K = {k}: decreasing in f"] = slope + sum(
            weight * product for weight, product in zip(weights, remain, strict=True)
        )
    return found


# -- asserted of CP factorizations -----------------------------------------------------------------

N, norms, alignments = sp.symbols("order component_norms component_alignments")
EXACT = law(N, alignments, norms)
SIZE = "Abs(component_alignments)"


def component_law(rate, **changes):
    settings = {"where": "component_norms - 1e-9", "assumptions": (BALANCED,)} | changes
    return RateLaw(of="component_norms", rate=rate, **settings)


def speed_at_least(low):
    """|sigma'| >= low, sigma' having the sign of gamma."""
    return AtLeast(
        "sign(component_alignments) * d_component_norms", f"{SIZE} * {low}", where="component_norms"
    )


def speed_at_most(high, where="component_norms"):
    return AtLeast(
        f"{SIZE} * {high}", "sign(component_alignments) * d_component_norms", where=where
    )


PAPER_LOW = "order * component_norms**2 / (component_norms**(2 / order) + unbalancedness)"
PAPER_HIGH = "order * (component_norms**(2 / order) + unbalancedness)**(order - 1)"


def shortest(samples):
    """m = min_n |w^n|^2."""
    factors = samples.problem.factors(samples.theta)
    return samples.problem.model.component_products(factors, factors)[0].min(axis=-2)


def sharper_high(samples):
    """|gamma| ((m + eps)^(N-1) + (N - 1) m (m + eps)^(N-2))."""
    low, order = shortest(samples), int(samples.read("order"))
    high = low + samples.read("unbalancedness")[:, None]
    size = np.abs(samples.read("component_alignments"))
    return size * (high ** (order - 1) + (order - 1) * low * high ** (order - 2))


def speed(samples):
    return np.sign(samples.read("component_alignments")) * samples.read("d_component_norms")


def random_components(start, scale=1.0, shapes=(*SHAPES, (2,) * 5), **changes):
    return tuple(
        RandomStates(CPFactorization(shape, 6), start, scale, loss=MEAN, fraction=0.6, **changes)
        for shape in shapes
    )


balanced = (*(along(shape, 0.3, "balanced") for shape in SHAPES), *random_components("balanced"))
unbalanced = tuple(along(shape, scale) for shape in SHAPES for scale in (0.3, 0.8))
scattered = random_components("gaussian") + random_components("gaussian", 0.3)

theorem = Theorem(
    id="P2.T1",
    title="growth of the component norms of a CP factorization",
    source="razin2021implicit, Theorem 1; lower bound sharpened by AM-GM",
    checks=(
        Check(
            Identities(
                "sigma' = K gamma sigma^(2 - 2/K) for components of K vectors of equal norm",
                rate_law,
                show=lambda: {"rate": law(K, gamma, sp.Symbol("sigma", positive=True))},
            )
        ),
        Check(Identities("CF1, CF3 and CF4 solve the law", tied_closed_forms)),
        Check(Identities("the bounds, from AM-GM and from m_k <= m + eps", bounds)),
        Check(component_law(EXACT, tolerance=1e-10), balanced),
        Check(speed_at_least(PAPER_LOW), unbalanced + scattered),
        Check(speed_at_least("order * component_norms**(2 - 2 / order)"), unbalanced + scattered),
        Check(speed_at_most(PAPER_HIGH), unbalanced + scattered),
        Check(AtLeast(sharper_high, speed, where="component_norms"), unbalanced + scattered),
    ),
    controls={
        "factor N missing": Check(component_law(EXACT / N), balanced),
        "exponent 2 - 1/N": Check(component_law(N * alignments * norms ** (2 - 1 / N)), balanced),
        "balancedness dropped": Check(component_law(EXACT, assumptions=()), scattered),
        "upper bound without eps": Check(
            speed_at_most("order * component_norms**(2 - 2 / order)"), scattered
        ),
        "upper exponent N - 2": Check(
            speed_at_most("order * (component_norms**(2 / order) + unbalancedness)**(order - 2)"),
            # Factor norms near 2 at N = 3, and the unbalanced matrix case.
            (
                RandomStates(CPFactorization((4, 4, 4), 2), "balanced", 1.0, loss=SquaredLoss()),
                along((5, 4), 0.8),
            ),
        ),
        "not reversed where gamma < 0": Check(
            AtLeast(
                "d_component_norms", f"component_alignments * {PAPER_LOW}", where="component_norms"
            ),
            scattered,
        ),
        "sum over K - 1 vectors, by algebra": Check(
            Identities(
                "sigma' = (K - 1) gamma sigma^(2 - 2/K)",
                lambda: {
                    "any K": is_zero(
                        along_flow(m ** (K / 2), {m: 2 * gamma * m ** (K / 2)})
                        - (K - 1) / K * law(K, gamma, m ** (K / 2))
                    )
                },
            )
        ),
    },
)
