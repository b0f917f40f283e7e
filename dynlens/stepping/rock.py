r"""ROCK4: stabilized Runge-Kutta methods of order four, and their coefficients.

After Abdulle (2002), *Fourth order Chebyshev methods with recurrence relation*. With s stages the
stability polynomial is :math:`w(z) P_{s-4}(z)`: w has two conjugate pairs of roots and P is
orthogonal with weight :math:`w^2 / \sqrt{1 - x^2}`, so that it follows from a recurrence of three
terms, and the product is at most one for :math:`-z \le 0.33 s^2 - 2`. Four stages complete the
step: they multiply by w, and make the order four for equations that are not linear.

Nothing is tabulated. The roots follow from the four conditions on a linear equation, the last
stages from the eight of Butcher's trees, both by Newton's iteration, in half a second in all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dynlens.support.typing import Array

DEGREES = (*range(5, 17), 18, 20, 23, 26, 30, 34, 39, 45, 52, 60, 70, 80, 92, 106)

# Weights of the exact solution for the trees [], [.], [..], [[.]], [...], [.[.]], [[..]], [[[.]]]
# on top of one node each; the tall ones are all that a linear equation sees.
EXACT = 1 / np.array([1.0, 2, 3, 6, 4, 8, 12, 24])
TALL = [0, 1, 3, 7]
# Of the error estimate for the tallest tree: a matter of taste, since the estimate is of an order
# less. With this one the error on large stiff trees is about the tolerance from 1e-4 to 1e-8.
ESTIMATE = 0.02


def reach(degree: int) -> float:
    """Up to where on the negative axis the method of a degree is used."""
    return 0.33 * degree**2 - 2 if degree > 5 else 5.5


def slope(y: Array) -> Array:
    """Weights of ``h f(y)`` for the trees, from those of y."""
    return np.array([1, y[0], y[0] ** 2, y[1], y[0] ** 3, y[0] * y[1], y[2], y[3]])


def recurrence(pairs: Array, degree: int) -> Array:
    """Return mu, nu, kappa of ``P_j = (mu z + nu) P_(j-1) + kappa P_(j-2)``, one of each a row.

    Parameters
    ----------
    pairs : ndarray, shape (4,)
        w is ``(z^2 + pairs[1] z + pairs[0]) (z^2 + pairs[3] z + pairs[2])``, made 1 at zero.
    degree : int
    """
    n = degree + 1  # of Chebyshev's nodes: enough for the integrals to be exact
    start = 1 + 1 / degree**2  # beyond the interval, which damps
    x = np.cos((np.arange(n) + 0.5) * np.pi / n)
    z = (x - start) * reach(degree) / (1 + start)
    w = (pairs[0] + pairs[1] * z + z**2) * (pairs[2] + pairs[3] * z + z**2)
    weight = (w / np.abs(w).max()) ** 2
    before, now, size_before, rows = np.zeros(n), np.ones(n), 1.0, []
    for j in range(degree - 4):
        size = weight @ now**2
        a = weight @ (z * now**2) / size
        b = weight @ (z * now * before) / size_before if j else 0.0
        total = -a - b  # of the next polynomial at zero, where it is to be 1
        before, now, size_before = now, ((z - a) * now - b * before) / total, size
        rows.append((1 / total, -a / total, -b / total))
    return np.array(rows)


def recursion_end(rows: Array) -> Array:
    """Weights, for the trees, of what the recurrence ends in."""
    before, now = np.zeros(8), np.zeros(8)
    for mu, nu, kappa in rows:
        before, now = now, mu * slope(now) + nu * now + kappa * before
    return now


def last_stages(y: Array, x: Array) -> tuple[Array, Array]:
    """Weights of the end of the step, and of the slopes of the last four stages and the end."""
    slopes = [slope(y)]
    for i, first in ((1, 0), (2, 1), (3, 3)):
        slopes.append(slope(y + x[first : first + i] @ np.array(slopes)))
    new = y + x[6:] @ np.array(slopes)
    return new, np.array([*slopes, slope(new)])


def solve(equations: Callable[[Array], Array], x: Array) -> Array:
    """Newton's iteration, by the shortest change where there are more unknowns than equations."""
    for _ in range(30):
        rest = equations(x)
        if np.abs(rest).max() < 1e-13:
            break
        columns = [(equations(x + 1e-7 * e) - rest) / 1e-7 for e in np.eye(x.size)]
        x = x - np.linalg.lstsq(np.array(columns).T, rest)[0]
    return x


def method(degree: int, guess: Array) -> tuple[Array, Array, Array, Array]:
    """Return the roots, the recurrence, the last stages (6 and 4 weights), the error's weights."""

    def linear(pairs: Array) -> Array:
        w = np.polymul([1.0, pairs[1], pairs[0]], [1.0, pairs[3], pairs[2]])[::-1]
        p = np.append(1.0, recursion_end(recurrence(pairs, degree))[TALL])
        return np.convolve(w / w[0], p)[1:5] / EXACT[TALL] - 1

    pairs = solve(linear, guess)
    rows = recurrence(pairs, degree)
    y = recursion_end(rows)
    classical = np.array([1 / 2, 0, 1 / 2, 0, 0, 1, 1 / 6, 1 / 3, 1 / 3, 1 / 6])
    x = solve(lambda x: last_stages(y, x)[0] - EXACT, (1 - y[0]) * classical)
    slopes = last_stages(y, x)[1]
    # All that is left of the error is of order four: one direction.
    error = np.linalg.svd(slopes[:, :4].T)[2][-1]
    return pairs, rows, x, error * (ESTIMATE / (error @ slopes[:, 7]))


def coefficients() -> dict[str, list[float] | list[list[float]]]:
    """Return what the compiled loop needs, by the names it has there."""
    guess = np.array([5.0, 4.0, 8.0, 0.5])
    found = []
    for degree in DEGREES:
        guess, *rest = method(degree, guess)
        found.append(rest)
    rows, last, errors = zip(*found, strict=True)
    return {
        "DEGREES": list(DEGREES),
        "REACH": [reach(s) for s in DEGREES],
        "FIRST": np.cumsum([0, *map(len, rows)]).tolist(),
        "RECURRENCE": np.vstack(rows).tolist(),
        "LAST": np.array(last).tolist(),
        "ERRORS": np.array(errors).tolist(),
    }
