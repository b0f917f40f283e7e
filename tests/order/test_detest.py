"""The 25 non-stiff problems of Hull, Enright, Fellen & Sedgwick (1972), by the compiled methods.

The loops know nothing of gradients: they call whatever lies at an address. Here that is one of the
problems, with the time as a last unknown where the field depends on it.

Each is solved with ``rtol = atol``, and the distance of the end from SciPy's, relative to
``max(1, |y|)``, has to be within ten tolerances. A tolerance bounds what a step adds; what becomes
of it on the way belongs to the problem. Where it grows (`GROWING`: orbits, oscillations), the end
may be as far off as errors of one tolerance in each unit of time, in the loops' own norm, can bring
it: the authors, too, judge by the error per unit of time. That is much for the orbits, up to
thousands of tolerances, and at 1e-3 no test at all: Tsit5 then is wrong by the size of the orbit,
and says it has finished. All other problems get no allowance.
"""

from functools import cache
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit, types
from scipy.integrate import solve_ivp

from dynlens.kernels.gradient import address_of
from dynlens.stepping.methods import INTEGRATORS
from dynlens.stepping.stepper import Saves

pytestmark = pytest.mark.order

END = 20.0
HEAD = """import numpy as np
from math import cos, sin, sqrt


def field(y, values, index, rows, weight, a, b, c, f):
"""
TIME = "    t, f[-1] = y[-1], 1.0\n"


def two_body(eccentricity):
    e = eccentricity
    body = """
    r = (y[0] ** 2 + y[1] ** 2) ** 1.5
    f[0], f[1], f[2], f[3] = y[2], y[3], -y[0] / r, -y[1] / r
    """
    return body, [1 - e, 0, 0, ((1 + e) / (1 - e)) ** 0.5]


LINE = """
    n = len(y)
    for i in range(n):
        f[i] = -2 * y[i] + (y[i - 1] if i > 0 else 0.0) + (y[i + 1] if i < n - 1 else 0.0)
    """

# Five outer planets: masses relative to the sun's, positions and velocities.
PLANETS = """
    m = values
    for j in range(5):
        for i in range(3):
            p, q = 3 * j + i, 15 + 3 * j + i
            f[p] = y[q]
            r = sqrt(y[3 * j] ** 2 + y[3 * j + 1] ** 2 + y[3 * j + 2] ** 2)
            f[q] = -(m[0] + m[j + 1]) * y[p] / r**3
            for k in range(5):
                if k != j:
                    s, d = 0.0, 0.0
                    for l in range(3):
                        s += y[3 * k + l] ** 2
                        d += (y[3 * k + l] - y[3 * j + l]) ** 2
                    f[q] += m[k + 1] * ((y[3 * k + i] - y[p]) / d**1.5 - y[3 * k + i] / s**1.5)
            f[q] *= 2.95912208286
    """
MASSES = (1.00000597682, 0.954786104043e-3, 0.285583733151e-3, 0.437273164546e-4)
MASSES = np.array([*MASSES, 0.517759138449e-4, 0.277777777778e-5])
PLACES = [
    *(3.42947415189, 3.35386959711, 1.35494901715, 6.64145542550, 5.97156957878, 2.18231499728),
    *(11.2630437207, 14.6952576794, 6.27960525067, -30.1552268759, 1.65699966404, 1.43785752721),
    *(-21.1238353380, 28.4465098142, 15.3882659679),
]
SPEEDS = [
    *(-0.557160570446, 0.505696783289, 0.230578543901, -0.415570776342, 0.365682722812),
    *(0.169143213293, -0.325325669158, 0.189706021964, 0.0877265322780, -0.0240476254170),
    *(-0.287659532608, -0.117219543175, -0.176860753121, -0.216393453025, -0.0148647893090),
]

PROBLEMS = {
    "A1": ("    f[0] = -y[0]", [1]),
    "A2": ("    f[0] = -(y[0] ** 3) / 2", [1]),
    "A3": (f"{TIME}    f[0] = y[0] * cos(t)", [1, 0]),
    "A4": ("    f[0] = y[0] / 4 * (1 - y[0] / 20)", [1]),
    "A5": (f"{TIME}    f[0] = (y[0] - t) / (y[0] + t)", [4, 0]),
    "B1": ("    f[0], f[1] = 2 * (y[0] - y[0] * y[1]), -(y[1] - y[0] * y[1])", [1, 3]),
    "B2": ("    f[0], f[1], f[2] = -y[0] + y[1], y[0] - 2 * y[1] + y[2], y[1] - y[2]", [2, 0, 1]),
    "B3": ("    f[0], f[1], f[2] = -y[0], y[0] - y[1] ** 2, y[1] ** 2", [1, 0, 0]),
    "B4": (
        "    r = sqrt(y[0] ** 2 + y[1] ** 2)\n"
        "    f[0], f[1], f[2] = -y[1] - y[0] * y[2] / r, y[0] - y[1] * y[2] / r, y[0] / r",
        [3, 0, 0],
    ),
    "B5": ("    f[0], f[1], f[2] = y[1] * y[2], -y[0] * y[2], -0.51 * y[0] * y[1]", [0, 1, 1]),
    "C1": (
        "    f[0], f[9] = -y[0], y[8]\n    for i in range(1, 9):\n        f[i] = y[i - 1] - y[i]",
        [1] + [0] * 9,
    ),
    "C2": (
        "    f[0], f[9] = -y[0], 9 * y[8]\n"
        "    for i in range(1, 9):\n        f[i] = i * y[i - 1] - (i + 1) * y[i]",
        [1] + [0] * 9,
    ),
    "C3": (LINE, [1] + [0] * 9),
    "C4": (LINE, [1] + [0] * 50),
    "C5": (PLANETS, PLACES + SPEEDS),
    **{f"D{k + 1}": two_body(e) for k, e in enumerate((0.1, 0.3, 0.5, 0.7, 0.9))},
    "E1": (
        f"{TIME}    s = t + 1\n    f[0], f[1] = y[1], -(y[1] / s + (1 - 0.25 / s**2) * y[0])",
        [0.6713967071418030, 0.09540051444747446, 0],
    ),
    "E2": ("    f[0], f[1] = y[1], (1 - y[0] ** 2) * y[1] - y[0]", [2, 0]),
    "E3": (
        f"{TIME}    f[0], f[1] = y[1], y[0] ** 3 / 6 - y[0] + 2 * sin(2.78535 * t)",
        [0, 0, 0],
    ),
    "E4": ("    f[0], f[1] = y[1], 0.032 - 0.4 * y[1] ** 2", [30, 0]),
    "E5": (f"{TIME}    f[0], f[1] = y[1], sqrt(1 + y[1] ** 2) / (25 - t)", [0, 0, 0]),
}
TIMED = {name for name, (body, _) in PROBLEMS.items() if TIME in body}
GROWING = ("A3", "B1", "B4", "B5", "C5", "D1", "D2", "D3", "D4", "D5", "E2", "E3")
# Symmetric Jacobians: what the implicit and the stabilized loops assume of a gradient flow.
SYMMETRIC = ("A1", "A2", "A4", "B2", "C3", "C4")
VECTOR, NUMBERS = types.float64[::1], types.int64[::1]
KERNEL = (VECTOR, VECTOR, NUMBERS, *[VECTOR] * 6)
DATA = (MASSES, np.zeros(1, dtype=np.int64), *(np.zeros(1) for _ in range(5)))


def compiled(name):
    """The problem as a loop sees it: a size, an address and arrays."""
    body, start = PROBLEMS[name]
    space = {}
    exec(f"{HEAD}{body}\n    return 0.0\n", space)
    field = njit(KERNEL, error_model="numpy")(space["field"])
    problem = SimpleNamespace(
        machine=SimpleNamespace(
            lines=None,
            private_data=lambda: DATA,
            pointers=lambda data: np.array([n for a in data for n in (a.ctypes.data, a.size)]),
            address=address_of(field),
            checked={"tsit5", "dop8", "radau9", "rkc2", "rock4"},  # there is no reference
        ),
        model=SimpleNamespace(parameters=len(start)),
        kept=field,  # or its machine code goes
    )
    return problem, np.array(start, dtype=float)


def field_of(problem):
    """The same, for SciPy."""

    def field(t, y):
        out = np.empty(y.size)
        problem.kept(y, *DATA, out)
        return out

    return field


@cache
def solved(name):
    """The problem, its start, its end by SciPy, and how much errors on the way grow."""
    problem, start = compiled(name)
    tight = {"method": "DOP853", "rtol": 3e-14, "atol": 1e-15}
    middles = np.arange(0.5, END)
    path = solve_ivp(field_of(problem), (0, END), start, t_eval=[*middles, END], **tight).y.T
    end, total = path[-1], 0.0
    if name not in GROWING:
        return problem, start, end, 1.0
    for t, state in zip(middles, path[:-1], strict=True):
        ends = [end_of(problem, state, "DOP8", 1e-11, END - t)[0]]
        for j in range(start.size - (name in TIMED)):
            moved = state.copy()
            moved[j] += 1e-5 * (1 + abs(state[j]))
            ends.append(end_of(problem, moved, "DOP8", 1e-11, END - t)[0])
        moves = np.linalg.norm(np.array(ends[1:]) - ends[0], axis=0) * start.size**0.5 / 1e-5
        total += (moves / np.maximum(1, np.abs(end))).max()
    return problem, start, end, total


def end_of(problem, start, method, tolerance, t_end=END):
    options = {"rtol": tolerance, "atol": tolerance}
    stepper = INTEGRATORS[method].make(problem, start, t_end, **options)
    saves = Saves(np.array([0.0, t_end]), np.empty((2, start.size)), 1)
    failure = stepper.advance(saves, -np.inf, 10**6, 10**6)
    assert (failure, saves.complete) == ("", True)
    return saves.states[1], stepper.evaluations


def error_of(name, method, tolerance):
    """Of the end, in units of the tolerance, and how many are allowed."""
    problem, start, end, growth = solved(name)
    found, _ = end_of(problem, start, method, tolerance)
    error = (np.abs(found - end) / np.maximum(1, np.abs(end))).max()
    return error / tolerance, max(10.0, growth)


TOLERANCES = (1e-3, 1e-6, 1e-9)


# Two steps in a unit of time, each of which may be off by one tolerance.
BEYOND = pytest.mark.xfail(reason="172 tolerances, where the convention allows 147", strict=True)
CASES = [
    pytest.param(*case, marks=BEYOND if case == ("E3", "Tsit5", 1e-3) else ())
    for case in product(PROBLEMS, ("Tsit5", "DOP8"), TOLERANCES)
]


@pytest.mark.parametrize(("name", "method", "tolerance"), CASES)
def test_an_explicit_method_solves_it(name, method, tolerance):
    error, most = error_of(name, method, tolerance)
    assert error < most, f"off by {error:.1f} tolerances, not {most:.1f}"


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize("method", ["Radau9", "ROCK4", "RKC2"])
@pytest.mark.parametrize("name", SYMMETRIC)
def test_a_stiff_method_solves_it_too_where_the_jacobian_is_symmetric(name, method, tolerance):
    error, most = error_of(name, method, tolerance)
    if method == "RKC2":  # whose global error falls with the power 2/3 of the tolerance only
        most *= (1e-3 / tolerance) ** (1 / 3)
    assert error < most, f"off by {error:.1f} tolerances"


def test_what_is_called_symmetric_is():
    rng = np.random.default_rng(0)
    for name in PROBLEMS:
        problem, start, *_ = solved(name)
        state, field = start + rng.uniform(0.1, 0.2, start.size), field_of(problem)
        d = 1e-6 * np.eye(start.size)
        jacobian = np.array([field(0, state + e) - field(0, state - e) for e in d]) / 2e-6
        gap = np.abs(jacobian - jacobian.T).max()
        assert (gap < 1e-8) == (name in SYMMETRIC), f"{name}: {gap:.1e}"


def test_the_end_of_another_orbit_is_not_accepted():
    problem, start, *_ = solved("D1")
    found, _ = end_of(problem, start, "DOP8", 1e-6)
    end, growth = solved("D2")[2:]
    assert np.abs(found - end).max() / 1e-6 > 10 * growth
