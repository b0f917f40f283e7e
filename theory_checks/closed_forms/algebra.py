"""The closed forms, each with its proof: the equation it solves, by substitution.

A symbol is called after the quantity that a claim reads in its place (`depth` for N or L).
"""

import sympy as sp

from dynlens.symbolic import along_flow, inverts_ode, is_zero, solves_ode

N, s0, s, t = sp.symbols("depth sigma_0 sigma t", positive=True)
g = sp.Symbol("gamma", real=True)


def named(part, answers):
    return {f"{part}, {name}": answer for name, answer in answers.items()}


# -- CF1: constant alignment -----------------------------------------------------------------------

until_blow_up = s0 ** (-(N - 2) / N) - (N - 2) * g * t  # positive
growth = until_blow_up ** (-N / (N - 2))  # N >= 3
exponential = s0 * sp.exp(2 * g * t)  # N = 2
blow_up = s0 ** (-(N - 2) / N) / ((N - 2) * g)


def constant_alignment(closed_form=growth):
    """Substitute the closed form into the rate law, for every N at once."""
    rate = N * g * s ** (2 - 2 / N)
    found = solves_ode(closed_form, rate, s, t, initial=(0, s0), positive=[until_blow_up])
    at_two = solves_ode(exponential, rate.subs(N, 2), s, t, initial=(0, s0))
    return found | named("N = 2", at_two) | {"blow-up time": until_blow_up.subs(t, blow_up)}


# -- CF2: full observation -------------------------------------------------------------------------

goal = sp.Symbol("goal", positive=True)
linear = goal - (goal - s0) * sp.exp(-t)  # L = 1
logistic = goal / (1 + (goal / s0 - 1) * sp.exp(-2 * goal * t))  # L = 2


def cubic(x):
    """F_3, with a = goal^(1/3) and u = sigma^(1/3)."""
    a, v = sp.cbrt(goal), sp.cbrt(x)
    ratio = sp.sqrt(3) * sp.atan((2 * v + a) / (sp.sqrt(3) * a))
    logs = -sp.log(a - v) + sp.log(a**2 + a * v + v**2) / 2 - ratio
    return -1 / (a**3 * v) + logs / (3 * a**4)


def quartic(x):
    """F_4, with the inverse hyperbolic tangent."""
    root = sp.sqrt(x)
    return -1 / (2 * goal * root) + sp.atanh(root / sp.sqrt(goal)) / (2 * goal ** sp.Rational(3, 2))


def hypergeometric(x, depth):
    """F_L for every L >= 3."""
    v, b = x ** sp.Rational(1, depth), sp.Rational(2 - depth, depth)
    return v ** (2 - depth) / ((2 - depth) * goal) * sp.hyper((1, b), (b + 1,), x / goal)


def full_observation(at_two=logistic):
    """Substitute every closed form into its rate law; sigma stays below its goal."""

    def rate(depth):
        return depth * s ** (2 - sp.Rational(2, depth)) * (goal - s)

    limits = {"initial": (0, s0), "limits": [(t, sp.oo, goal)]}
    return {
        **named("L = 1", solves_ode(linear, rate(1), s, t, **limits)),
        **named("L = 2", solves_ode(at_two, rate(2), s, t, **limits)),
        "L = 3": inverts_ode(cubic(s), rate(3), s, positive=[goal - s]),
        "L = 4": inverts_ode(quartic(s), rate(4), s, positive=[goal - s]),
    }


# -- CF3: two modes --------------------------------------------------------------------------------

g1, g2, s1 = sp.symbols("gamma_1 gamma_2 sigma_1", positive=True)
ratio_at_blow_up = (1 - g2 / g1) ** (-N / (N - 2))
# Time eliminated from the two solutions: sigma_2 as a function of sigma_1.
behind = 1 - g2 / g1 * (1 - (s1 / s0) ** (-(N - 2) / N))
second = s0 * behind ** (-N / (N - 2))


def two_modes():
    """Evaluate mode 2 at the time mode 1 blows up (N >= 3), or reaches one (N = 2)."""
    at_blow_up = growth.subs({g: g2, t: blow_up.subs(g, g1)}) / s0
    when_one = sp.log(1 / s0) / (2 * g1)
    first_mode = growth.subs(g, g1)
    return {
        "N >= 3": is_zero(at_blow_up - ratio_at_blow_up, positive=[1 - g2 / g1]),
        "N = 2": is_zero(exponential.subs({g: g2, t: when_one}) - s0 ** (1 - g2 / g1)),
        "bounded in sigma_0": sp.diff(ratio_at_blow_up, s0),
        "time eliminated": is_zero(
            (second.subs(s1, first_mode) / growth.subs(g, g2)) ** ((N - 2) / N) - 1,
            positive=[until_blow_up.subs(g, k) for k in (g1, g2)],
        ),
    }


# -- CF4: two unbalanced factors -------------------------------------------------------------------

D = sp.Symbol("Delta", positive=True)
speed = sp.sqrt(D**2 + 4 * s**2)
unbalanced_growth = D / 2 * sp.sinh(2 * g * t + sp.asinh(2 * s0 / D))


def duration(factor=4):
    """Time from sigma_0 to sigma with a goal; in a control the factor in K is another."""
    K = sp.sqrt(D**2 + factor * goal**2)
    F = sp.log((D**2 + 4 * goal * s + K * speed) / (goal - s)) / K
    return F - F.subs(s, s0)


def unbalanced(speed=speed):
    """Reduce the factors' flow to sigma and Delta, then substitute the closed forms."""
    a, b = sp.symbols("a b", positive=True)
    flow = {a: g * b, b: g * a}
    reduced = along_flow(a * b, flow) - (g * speed).subs({s: a * b, D: sp.Abs(a**2 - b**2)})
    w = sp.symbols("w1:5", positive=True)
    norms = [along_flow(x**2, {x: g * sp.prod(w) / x}) - 2 * g * sp.prod(w) for x in w]
    return {
        "Delta is conserved": along_flow(a**2 - b**2, flow),
        "sigma' = gamma sqrt(Delta^2 + 4 sigma^2)": is_zero(reduced),
        **solves_ode(unbalanced_growth, g * speed, s, t, initial=(0, s0)),
        "with a goal": inverts_ode(duration(), (goal - s) * speed, s, positive=[goal - s]),
        "N factors: equal rates of squared norms": sum(sp.expand(x) ** 2 for x in norms),
    }


# -- CF6: the completion problem at depth 2 --------------------------------------------------------

x, y = sp.symbols("x y", positive=True)
q = sp.Symbol("q", real=True)  # log det W
corner = (y**2 + sp.exp(q)) / x
completion_loss = (y - 1) ** 2 + corner**2 / 2
completion_fields = {
    x: -2 * y * (y - 1),
    y: -((x + corner) * (y - 1) + y * corner),
    q: -2 * corner,
}


def completion():
    """The balanced flow of a positive definite W at depth 2 is W' = -(W G + G W)."""
    w = sp.Symbol("w", positive=True)
    W = sp.Matrix([[x, y], [y, w]])
    gradient = sp.Matrix([[0, y - 1], [y - 1, w]])
    flow = -(W * gradient + gradient * W)
    moves = {x: flow[0, 0], y: flow[0, 1], w: flow[1, 1]}
    rates = {x: flow[0, 0], y: flow[0, 1], q: along_flow(sp.log(W.det()), moves)}
    gaps = {str(v): is_zero((rates[v] - completion_fields[v]).subs(w, corner)) for v in rates}
    return {**gaps, "stays symmetric": flow[0, 1] - flow[1, 0]}
