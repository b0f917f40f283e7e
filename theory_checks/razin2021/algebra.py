"""What sympy proves about components of K vectors: their rate of growth, and its bounds."""

from functools import reduce
from itertools import combinations, product

import sympy as sp

from dynlens.symbolic import along_flow, is_zero, solves_ode
from theory_checks.closed_forms import algebra as closed

K, m, eps = sp.symbols("K m epsilon", positive=True)
gamma = sp.Symbol("gamma", real=True)


def differences_of_squares(order, components=2, size=2):
    """Rates of |w_r^n|^2 - |w_r^0|^2 where the loss has an arbitrary gradient G."""
    vectors = {
        (r, n): sp.symbols(f"w{r}{n}_:{size}") for r in range(components) for n in range(order)
    }
    places = list(product(range(size), repeat=order))
    W = {
        place: sum(
            reduce(lambda x, y: x * y, (vectors[r, n][i] for n, i in enumerate(place)))
            for r in range(components)
        )
        for place in places
    }
    slope = sum(sp.Symbol("g" + "".join(map(str, place))) * W[place] for place in places)
    fields = {w: -sp.diff(slope, w) for vector in vectors.values() for w in vector}
    squares = {key: sum(w**2 for w in vector) for key, vector in vectors.items()}
    return {
        f"N = {order}, r = {r}, n = {n}": along_flow(squares[r, n] - squares[r, 0], fields)
        for r in range(components)
        for n in range(1, order)
    }


def conservation():
    return differences_of_squares(2) | differences_of_squares(3) | differences_of_squares(4)


def law(number, alignment, sigma):
    return number * alignment * sigma ** (2 - 2 / sp.sympify(number))


def shown_law():
    return {"rate": law(K, gamma, sp.Symbol("sigma", positive=True))}


def rate(squares):
    """sigma' in the squared norms m_k, each of which has the rate 2 gamma sigma."""
    sigma = sp.sqrt(sp.prod(squares))
    return along_flow(sigma, {square: 2 * gamma * sigma for square in squares})


def rate_law(factor=1):
    """sigma = m^(K/2) and m' = 2 gamma sigma, for symbolic K; then for K vectors one by one."""
    sigma = m ** (K / 2)
    grown = along_flow(sigma, {m: 2 * gamma * sigma})
    found = {"any K": is_zero(grown - factor * law(K, gamma, sigma))}
    for k in (2, 3, 4, 5):
        equal = rate(sp.symbols(f"m1:{k + 1}", positive=True))
        equal = equal.subs({square: m for square in equal.free_symbols - {gamma}})
        wanted = factor * law(K, gamma, m ** (K / 2))
        found[f"K = {k} vectors"] = is_zero(equal - wanted.subs(K, k))
    return found


def one_vector_less():
    """The sum over K - 1 vectors only."""
    return rate_law(factor=(K - 1) / K)


def closed_forms():
    """The law, solved: CF1 for one component, CF3 for two, CF4 for two unbalanced factors."""
    a, b = sp.symbols("a b", positive=True)
    n, first, start = closed.N, closed.s1, closed.s0
    # CF3 as s0 P^(-N/(N-2)), where P is a function of sigma_1, and d sigma_2 / d sigma_1 from it.
    inside = 1 - closed.g2 / closed.g1 * (1 - (first / start) ** (-(n - 2) / n))
    P = sp.Symbol("P", positive=True)
    second = start * P ** (-n / (n - 2))
    slope = sp.diff(second, P) * sp.diff(inside, first)
    rates = law(n, closed.g2, second) / law(n, closed.g1, first)
    unbalanced = rate((a, b)) - (gamma * closed.speed).subs(
        {closed.s: sp.sqrt(a * b), closed.D: sp.Abs(a - b)}
    )
    solved = solves_ode(closed.growth, law(n, closed.g, closed.s), closed.s, closed.t)
    return {
        **{f"CF1: {name}": found for name, found in solved.items()},
        "CF3: sigma_2 as P": is_zero(second.subs(P, inside) - closed.second),
        "CF3: d sigma_2 / d sigma_1": is_zero(slope / rates - 1),
        "CF4": is_zero(unbalanced),
    }


def arithmetic_and_geometric_means():
    """AM-GM as sums of squares."""
    x, y, z, w = sp.symbols("x y z w", positive=True)
    gaps = (x - y) ** 2 + (y - z) ** 2 + (z - x) ** 2
    four = (x**2 - y**2) ** 2 + (z**2 - w**2) ** 2 + 2 * (x * y - z * w) ** 2
    return {
        "K = 2": x**2 + y**2 - 2 * x * y - (x - y) ** 2,
        "K = 3": x**3 + y**3 + z**3 - 3 * x * y * z - (x + y + z) * gaps / 2,
        "K = 4": x**4 + y**4 + z**4 + w**4 - 4 * x * y * z * w - four,
    }


def bounds():
    """AM-GM for the lower bound; the slack of the upper bound has no negative term."""
    found = arithmetic_and_geometric_means()
    for k in (2, 3, 4, 5):
        # The shortest vector has m, the others m + eps - f with f >= 0: less than all at m + eps.
        slack = sp.symbols(f"f2:{k + 1}", nonnegative=True)
        squares = [m, *(m + eps - f for f in slack)]
        total = sum(sp.prod(group) for group in combinations(squares, k - 1))
        most = (m + eps) ** (k - 1) + (k - 1) * m * (m + eps) ** (k - 2)
        found[f"K = {k}: at f = 0"] = total.subs({f: 0 for f in slack}) - most
        # Decreasing in each f: products of what remains, none of it negative.
        slope = sum(sp.diff(total, f) for f in slack)
        remaining = (
            sum(square not in group for square in squares[1:]) * sp.prod(group)
            for group in combinations(squares, k - 2)
        )
        found[f"K = {k}: decreasing in f"] = slope + sum(remaining)
    return found
