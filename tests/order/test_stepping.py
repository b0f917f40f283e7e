"""Observed orders of the compiled methods and of their interpolants, on an exact solution."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

import dynlens as dl
from dynlens.stepping import rock
from dynlens.stepping.methods import INTEGRATORS
from dynlens.stepping.methods.explicit import Explicit, explicit_source
from dynlens.stepping.methods.implicit import Implicit, implicit_source
from dynlens.stepping.methods.stabilized import Stabilized
from dynlens.stepping.radau import STAGES, coefficients, inverse_matrix, nodes
from dynlens.stepping.stepper import CompiledStepper
from dynlens.stepping.tableaus import TABLEAUS

COMPILED = tuple(INTEGRATORS)

pytestmark = pytest.mark.order

PROBLEM = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
START = np.array([0.6, 0.6])


def exact(t):
    """Both factors, of a balanced network of depth two: ``s' = 2 s (2 - s)``, theta = sqrt(s)."""
    return np.sqrt(2 / (1 + (2 / 0.36 - 1) * np.exp(-4 * t)))


ONE = """

@seldom
def one_step(w, h, field):
    return step(w, h, field)
"""


class Fixed(Explicit):
    """Steps of one size, by the generated step itself, of either form."""

    def __init__(self, tableau, own):
        def source(field=""):
            return explicit_source(tableau, field) + ONE

        name, blocks = f"fixed_{hash(repr(tableau))}", 6 + tableau.count + len(tableau.extra)
        CompiledStepper.__init__(
            self, PROBLEM, name, source, START, blocks, 0.0, 1.0, (1.0, 1.0, 0.0), own=own
        )
        self.begin(1.0)
        self.first, self.new = 6, 2 * (3 + tableau.count)

    def walk(self, steps):
        for _ in range(steps):
            self.module.one_step(self.w, 1 / steps, self.field)
            self.w[:2] = self.w[2:4]
            self.w[self.first : self.first + 2] = self.w[self.new : self.new + 2]
        return abs(self.w[0] - exact(1.0))

    def between(self, h, x):
        self.module.one_step(self.w, h, self.field)
        self.clock[2:4], self.counts[7], out = (0.0, h), 0, np.empty(2)
        self.module.dense(self.w, self.clock, self.counts, x * h, out, self.field)
        return abs(out[0] - exact(x * h))


def slope(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


STEPS = {"Tsit5": np.array([24, 32, 48, 64, 96]), "DOP8": np.array([6, 8, 10, 12])}


def order_of(tableau, steps, own):
    errors = [Fixed(tableau, own).walk(n) for n in steps]
    return slope(1 / steps, errors), errors


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", TABLEAUS)
def test_the_error_shrinks_with_the_order_of_the_method(name, own):
    tableau = TABLEAUS[name]
    order, errors = order_of(tableau, STEPS[name], own)
    assert abs(order - tableau.order) < 0.05 * tableau.order, f"order {order:.2f}, {errors}"


@pytest.mark.parametrize("name", TABLEAUS)
def test_a_wrong_coefficient_shows_in_the_order(name):
    tableau = TABLEAUS[name]
    last = dict(tableau.stages[-1])
    last[0] += 1e-4
    wrong = replace(tableau, stages=(*tableau.stages[:-1], last))
    order, errors = order_of(wrong, STEPS[name], False)
    assert order < tableau.order - 1, f"order {order:.2f} all the same, errors {errors}"


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("name", "order", "most"), [("Tsit5", 4, 0.025), ("DOP8", 7, 0.3)])
def test_the_interpolant_has_its_order_inside_a_step(name, order, most, own):
    fixed, sizes = Fixed(TABLEAUS[name], own), most / np.array([1, 1.2, 1.5, 2])
    errors = [max(fixed.between(h, x) for x in np.linspace(0.1, 0.9, 9)) for h in sizes]
    found = slope(sizes, errors)
    # Of one step: a power more than over many.
    assert abs(found - order - 1) < 0.3, f"order {found:.2f}, errors {errors}"


@pytest.mark.parametrize("name", COMPILED)
def test_the_error_is_proportional_to_the_tolerance(name):
    tolerances, errors = 10.0 ** -np.arange(4, 11), []
    for rtol in tolerances:
        flow = dl.gradient_flow(PROBLEM, START, 3.0, method=name, rtol=rtol, atol=rtol, saves=31)
        errors.append(np.abs(flow.theta[:, 0] - exact(flow.t)).max())
    found = slope(tolerances, errors)
    # RKC estimates the error of order three that a step adds, not one of its order less one: of
    # global errors of order two, the power 2/3 of the tolerance is left.
    expected = 2 / 3 if name == "RKC2" else 1
    assert abs(found - expected) < 0.2 * expected, f"slope {found:.2f}, errors {errors}"


# -- stabilized methods --------------------------------------------------------------------------


def largest_gap(name, method, steps):
    """Steps of one size; at the end alone, the errors of RKC happen to cancel."""
    stepper, gaps = Stabilized(PROBLEM, START, name, 1.0, rtol=1.0, atol=1.0), []
    for k in range(steps):
        stepper.module.stages(stepper.w, 1 / steps, method, stepper.counts, stepper.field)
        stepper.w[:2], stepper.w[4:6] = stepper.w[2:4], stepper.w[6:8]
        gaps.append(abs(stepper.w[0] - exact((k + 1) / steps)))
    return max(gaps)


# ROCK's are known by their number: the first, with 5 stages, one with 12 and one with 34.
@pytest.mark.parametrize(
    ("name", "order", "method", "steps"),
    [
        *[("RKC2", 2, m, np.array([80, 160, 320])) for m in (2, 5, 20)],
        *[("ROCK4", 4, k, np.array([100, 140, 200])) for k in (0, 7, 17)],
    ],
)
def test_a_stabilized_method_has_its_order_with_any_number_of_stages(name, order, method, steps):
    errors = [largest_gap(name, method, n) for n in steps]
    found = slope(1 / steps, errors)
    assert abs(found - order) < 0.05 * order, f"order {found:.2f}, errors {errors}"


@pytest.mark.parametrize(
    ("name", "method", "reach"),
    [
        *[("RKC2", m, 0.65 * (m**2 - 1)) for m in (2, 10, 50)],
        *[("ROCK4", k, rock.reach(s)) for k, s in enumerate(rock.DEGREES)],
    ],
)
def test_a_stabilized_method_is_stable_as_far_as_it_is_assumed_to_be(name, method, reach):
    decay = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))
    stepper = Stabilized(decay, np.array([1.0]), name, 1.0, rtol=1.0, atol=1.0)
    for h in np.linspace(0.01, 1.0, 100) * reach:
        stepper.module.stages(stepper.w, h, method, stepper.counts, stepper.field)
        assert abs(stepper.w[1]) < 1, f"grows at h = {h:.1f}"
    stepper.module.stages(stepper.w, 1.2 * h, method, stepper.counts, stepper.field)
    assert abs(stepper.w[1]) > 1, "the case is too easy: stable beyond the limit as well"


def conditions(degree, rows, last):
    """Butcher's conditions of order four on the whole tableau: what is left of each."""
    m = degree - 4
    a = np.zeros((degree + 1, degree))
    for j, (mu, nu, kappa) in enumerate(rows):
        a[j + 1] = nu * a[j] + kappa * (a[j - 1] if j else 0)
        a[j + 1, j] += mu
    a[m + 1 :] = a[m]
    for i, first in ((1, 0), (2, 1), (3, 3), (4, 6)):
        a[m + i, m : m + i] += last[first : first + i]
    a, b = a[:-1], a[-1]
    c = a.sum(axis=1)
    ac = a @ c
    found = [1, c, c**2, ac, c**3, c * ac, a @ c**2, a @ ac]
    return np.array([(b * x).sum() for x in found]) - rock.EXACT


def test_the_coefficients_of_rock_satisfy_the_conditions_of_order_four():
    guess = np.array([5.0, 4.0, 8.0, 0.5])
    for degree in rock.DEGREES:
        guess, rows, last, error = rock.method(degree, guess)
        assert np.abs(conditions(degree, rows, last)).max() < 1e-12, degree
        slopes = rock.last_stages(rock.recursion_end(rows), last)[1]
        assert np.abs(error @ slopes[:, :4]).max() < 1e-12, f"{degree}: order below three"
    wrong = last + 1e-6 * np.eye(10)[0]
    assert np.abs(conditions(degree, rows, wrong)).max() > 1e-8


# -- Radau IIA ------------------------------------------------------------------------------------


def simplifying_assumptions(a, c):
    """Butcher's B(9), C(5) and D(4), of which order nine follows: what is left of each."""
    b = a[-1]
    quadrature = [b @ c ** (k - 1) - 1 / k for k in range(1, 2 * STAGES)]
    stages = [a @ c ** (k - 1) - c**k / k for k in range(1, STAGES + 1)]
    columns = [(b * c ** (k - 1)) @ a - b * (1 - c**k) / k for k in range(1, STAGES)]
    return np.concatenate([quadrature, *stages, *columns])


def test_the_coefficients_of_radau_satisfy_the_conditions_of_order_nine():
    a, c = np.linalg.inv(inverse_matrix().astype(float)), nodes().astype(float)
    assert np.abs(simplifying_assumptions(a, c)).max() < 1e-14
    wrong = a.copy()
    wrong[-1, 0] += 1e-6
    assert np.abs(simplifying_assumptions(wrong, c)).max() > 1e-7


def test_the_coefficients_of_radau_are_the_same_bits_everywhere():
    # The numbers that Hairer's radau.f tabulates: nodes, and eigenvalues as u1, alpha, beta.
    found = coefficients()
    assert found["NODES"] == [
        0.5710419611451768219312e-01, 0.27684301363812382768, 0.5835904323689168200567,
        0.8602401356562194478479, 1.0,
    ]  # fmt: skip
    assert found["MU"] == [
        6.286704751729276645173, 5.700953298671789419170, 3.655694325463572258243
    ]  # fmt: skip
    assert found["TURN"] == [0.0, 3.210265600308549888425, 6.543736899360077294021]
    # And all of them, so that no digit depends on LAPACK.
    text = repr(sorted(found.items()))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "2df7feb395e5ea9d", text


def test_the_transformed_system_of_radau_is_the_system():
    found = {name: np.array(value) for name, value in coefficients().items()}
    blocks = np.zeros((STAGES, STAGES))
    blocks[0, 0] = found["MU"][0]
    for k in (1, 2):
        mu, turn, at = found["MU"][k], found["TURN"][k], slice(2 * k - 1, 2 * k + 1)
        blocks[at, at] = [[mu, -turn], [turn, mu]]
    back = found["FROM"] @ blocks @ found["INTO"]
    # The eigenvectors have condition 95.
    np.testing.assert_allclose(back, inverse_matrix().astype(float), rtol=0, atol=1e-12)
    assert found["MU"].min() > 0, "pivots would be needed"
    # The embedded formula is of order five: no error on polynomials up to that.
    c, first = nodes().astype(float), found["ERROR_WEIGHTS"] / found["MU"][0]
    gaps = [first @ c**k + (k == 1) / found["MU"][0] for k in range(1, STAGES + 2)]
    assert np.abs(gaps[:STAGES]).max() < 1e-14 < 1e-4 < abs(gaps[STAGES])


IMPLICIT = """

@seldom
def one_step(w, counts, h, field):  # Newton's iteration goes on to the last digits
    n = size(field)
    differentiate(w, counts, field)
    factor(w, h, n)
    guess(w, h, h, 0, 1e-12, 1e-12, n)
    for again in range(10):
        rounds, rate = iterate(w, counts, h, 0.1, field)
        if rounds > 0:
            break
    for i in range(n):
        w[i] += w[(Z + STAGES - 1) * n + i]
    return rounds
"""


def test_radau_has_order_nine():
    def source():
        return implicit_source() + IMPLICIT

    steps, errors = np.array([3, 4, 5]), []
    for count in steps:
        stepper = Implicit.__new__(Implicit)
        CompiledStepper.__init__(
            stepper, PROBLEM, "fixed_radau", source, START, 45, 0.0, 1.0, (1.0, 1.0, 0.0)
        )
        for _ in range(count):
            rounds = stepper.module.one_step(stepper.w, stepper.counts, 1 / count, stepper.field)
            assert rounds > 0
        errors.append(abs(stepper.w[0] - exact(1.0)))
    order = slope(1 / steps, errors)
    assert abs(order - 9) < 0.45, f"order {order:.2f}, errors {errors}"
