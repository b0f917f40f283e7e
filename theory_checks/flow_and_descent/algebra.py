"""What the theorems on descent beside the flow derive by algebra: expansions in the step."""

from functools import reduce
from itertools import combinations_with_replacement, pairwise

import sympy as sp

HALF, THIRD, TWELFTH = sp.Rational(1, 2), sp.Rational(1, 3), sp.Rational(1, 12)

# -- F1: one step ----------------------------------------------------------------------------------

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


# -- F2.1: the error that steps add up to ----------------------------------------------------------


def defect(forcing=0.5, linear=1):
    """Coefficients of h^0, h^1 and h^2 in one step of descent from theta(t) + h e(t).

    What is left at h^3 is the local error, so by stability the global one is of order h^2. Up to
    h^2 only two derivatives of the objective enter, so a general cubic stands for all.
    """
    x, e, h = sp.symbols("x:2"), sp.symbols("e:2"), sp.Symbol("h")
    powers = [c for degree in (1, 2, 3) for c in combinations_with_replacement(x, degree)]
    objective = sum(sp.Symbol(f"c{k}") * sp.prod(power) for k, power in enumerate(powers))
    g = sp.Matrix([objective]).jacobian(x).T
    H = sp.hessian(objective, x)
    theta, error = sp.Matrix(x), sp.Matrix(e)
    slope = -sp.nsimplify(linear) * H * error - sp.nsimplify(forcing) * H * g
    # Taylor expansions of both sides; theta'' = H g along the flow.
    later = theta - h * g + h**2 / 2 * H * g + h * (error + h * slope)
    descended = theta + h * error - h * (g + h * H * error)
    left = (later - descended).expand()
    return {f"h^{k}, {i}": left[i].coeff(h, k) for k in (0, 1, 2) for i in (0, 1)}


def defect_of(**equation):
    """The same for other coefficients, to be derived later."""
    return lambda: defect(**equation)


# -- F2.2: a faster clock --------------------------------------------------------------------------

x, x0 = sp.symbols("x x_0", positive=True)
ANY = sp.Function("g")
CUBIC = sp.Lambda(x, x**3 + x)  # for the false variants, which a point must refute


def faster_clock(half=HALF, inverted=False, g=ANY):
    """e' = -H e - H g / 2 along theta' = -g in one dimension."""
    ratio = g(x) / g(x0) if inverted else g(x0) / g(x)
    e = -half * g(x) * sp.log(ratio)
    H = sp.diff(g(x), x)
    return {"e'": sp.diff(e, x) * -g(x) + H * e + H * g(x) / 2, "e(0)": e.subs(x, x0)}


# -- F2.4: a late escape ---------------------------------------------------------------------------


def stretch(first=HALF):
    """Coefficients of eta^1 and eta^2 in eta nu / ln(1 + eta nu), less what they should be."""
    z = sp.Symbol("z")
    series = sp.series(z / sp.log(1 + z), z, 0, 3).removeO()
    return {
        "first": sp.expand(series).coeff(z, 1) - first,
        "second": sp.expand(series).coeff(z, 2) + sp.Rational(1, 12),
    }


# -- F3: a step on a quadratic ---------------------------------------------------------------------


def change_of_the_loss():
    """l(theta - eta g) - l(theta) for a general symmetric matrix of size two."""
    a, b, c, eta = sp.symbols("a b c eta")
    A, theta = sp.Matrix([[a, b], [b, c]]), sp.Matrix(sp.symbols("x y"))
    g = A * theta
    loss = lambda v: (v.T * A * v)[0] / 2  # noqa: E731
    change = loss(theta - eta * g) - loss(theta)
    return {"change": sp.expand(change + eta * g.dot(g) - eta**2 / 2 * g.dot(A * g))}


# -- F5.4: the curvature of scalar layers ----------------------------------------------------------


def spectrum():
    """Eigenvalues of n equal scalar layers, n = 2, 3, 4: one simple, n - 1 alike."""
    x = sp.Symbol("x", positive=True)
    found = {}
    for n in (2, 3, 4):
        w = sp.symbols(f"w:{n}")
        hessian = sp.hessian((sp.prod(w) - 1) ** 2 / 2, w).subs({v: x for v in w})
        one = sp.ones(n, 1)
        simple = n * x ** (2 * n - 2) + (n - 1) * (x**n - 1) * x ** (n - 2)
        other = sp.Matrix([1, -1, *[0] * (n - 2)])
        for name, vector, value in (
            ("simple", one, simple),
            ("multiple", other, (1 - x**n) * x ** (n - 2)),
        ):
            gap = hessian * vector - value * vector
            found[f"n = {n}, {name}"] = sp.expand(sum(v**2 for v in gap.expand()))
    return found


# -- F6: a step breaks a conservation law ----------------------------------------------------------


def matrix(name, rows, columns):
    return sp.Matrix(rows, columns, lambda i, k: sp.Symbol(f"{name}_{i}{k}"))


def imbalances_of_a_step(order=2, widths=(2, 3, 2, 2)):
    """Imbalances after one step of descent, less before, less the law: a zero for each j."""
    eta = sp.Symbol("eta")
    factors = [matrix(f"w{j}", above, below) for j, (below, above) in enumerate(pairwise(widths))]
    end_to_end = reduce(lambda product, factor: factor * product, factors)
    # At a given state, a loss with gradient C has the layers' gradients of <C, W>.
    loss = (matrix("c", *end_to_end.shape).T * end_to_end).trace()
    gradients = [factor.applyfunc(lambda w: sp.diff(loss, w)) for factor in factors]
    moved = [factor - eta * g for factor, g in zip(factors, gradients, strict=True)]
    found = {}
    for j in range(len(factors) - 1):
        law = gap(gradients, j) * eta**order
        change = gap(moved, j) - gap(factors, j) - law
        weights = matrix("x", *change.shape)
        found[f"j = {j + 1}"] = (weights * change).trace()
    return found


def gap(parts, j):
    return parts[j + 1].T * parts[j + 1] - parts[j] * parts[j].T
