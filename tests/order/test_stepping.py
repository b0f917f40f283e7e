"""Observed orders of the compiled methods and of their interpolants, on an exact solution."""

from dataclasses import replace

import numpy as np
import pytest

import dynlens as dl
from dynlens.stepping.explicit import Explicit, explicit_source
from dynlens.stepping.implicit import Implicit, implicit_source
from dynlens.stepping.radau import STAGES, coefficients, inverse_matrix, nodes
from dynlens.stepping.stabilized import Stabilized
from dynlens.stepping.stepper import CompiledStepper
from dynlens.stepping.tableaus import TABLEAUS

pytestmark = pytest.mark.order

PROBLEM = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
START = np.array([0.6, 0.6])


def exact(t):
    """Both factors, of a balanced network of depth two: ``s' = 2 s (2 - s)``, theta = sqrt(s)."""
    return np.sqrt(2 / (1 + (2 / 0.36 - 1) * np.exp(-4 * t)))


ONE = """

@fast
def one_step(w, h, ARGUMENTS):
    return step(w, h, ARGUMENTS)
"""


class Fixed(Explicit):
    """Steps of one size, by the generated step itself, of either form."""

    def __init__(self, tableau, own):
        def source(field):
            return explicit_source(tableau, field) + ONE.replace("ARGUMENTS", field.arguments)

        name, blocks = f"fixed_{hash(repr(tableau))}", 6 + tableau.count + len(tableau.extra)
        CompiledStepper.__init__(
            self, PROBLEM, name, source, START, blocks, 0.0, 1.0, (1.0, 1.0, 0.0), own=own
        )
        self.begin(1.0)
        self.first, self.new = 6, 2 * (3 + tableau.count)

    def walk(self, steps):
        for _ in range(steps):
            self.module.one_step(self.w, 1 / steps, *self.data)
            self.w[:2] = self.w[2:4]
            self.w[self.first : self.first + 2] = self.w[self.new : self.new + 2]
        return abs(self.w[0] - exact(1.0))

    def between(self, h, x):
        self.module.one_step(self.w, h, *self.data)
        self.clock[2:4], self.counts[7], out = (0.0, h), 0, np.empty(2)
        self.module.dense(self.w, self.clock, self.counts, x * h, out, *self.data)
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


@pytest.mark.parametrize("name", [*TABLEAUS, "Radau9"])
def test_the_error_is_proportional_to_the_tolerance(name):
    tolerances, errors = 10.0 ** -np.arange(4, 11), []
    for rtol in tolerances:
        flow = dl.gradient_flow(PROBLEM, START, 3.0, method=name, rtol=rtol, atol=rtol, saves=31)
        errors.append(np.abs(flow.theta[:, 0] - exact(flow.t)).max())
    found = slope(tolerances, errors)
    assert 0.8 < found < 1.2, f"slope {found:.2f}, errors {errors}"


@pytest.mark.parametrize("stages", [2, 5, 20])
def test_the_stabilized_method_has_order_two_with_any_number_of_stages(stages):
    steps, errors = np.array([20, 40, 80, 160]), []
    for n in steps:
        stepper = Stabilized(PROBLEM, START, 1.0, rtol=1.0, atol=1.0)
        gaps = []
        for k in range(n):
            stepper.module.stages(stepper.w, 1 / n, stages, stepper.counts, *stepper.data)
            stepper.w[:2], stepper.w[4:6] = stepper.w[2:4], stepper.w[6:8]
            gaps.append(abs(stepper.w[0] - exact((k + 1) / n)))
        errors.append(max(gaps))  # at the end alone, they happen to cancel
    order = slope(1 / steps, errors)
    assert abs(order - 2) < 0.1, f"order {order:.2f}, errors {errors}"


@pytest.mark.parametrize("stages", [2, 10, 50])
def test_the_stabilized_method_is_stable_as_far_as_it_is_assumed_to_be(stages):
    decay = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))
    stepper = Stabilized(decay, np.array([1.0]), 1.0, rtol=1.0, atol=1.0)
    for part in np.linspace(0.1, 1.0, 10):
        h = part * 0.65 * (stages**2 - 1)
        stepper.module.stages(stepper.w, h, stages, stepper.counts, *stepper.data)
        assert abs(stepper.w[1]) < 1, f"grows at h = {h:.1f}"
    stepper.module.stages(stepper.w, 1.1 * h, stages, stepper.counts, *stepper.data)
    assert abs(stepper.w[1]) > 1, "the case is too easy: stable beyond the limit as well"


# -- Radau IIA ------------------------------------------------------------------------------------


def simplifying_assumptions(a, c):
    """Butcher's B(9), C(5) and D(4), of which order nine follows: what is left of each."""
    b = a[-1]
    quadrature = [b @ c ** (k - 1) - 1 / k for k in range(1, 2 * STAGES)]
    stages = [a @ c ** (k - 1) - c**k / k for k in range(1, STAGES + 1)]
    columns = [(b * c ** (k - 1)) @ a - b * (1 - c**k) / k for k in range(1, STAGES)]
    return np.concatenate([quadrature, *stages, *columns])


def test_the_coefficients_of_radau_satisfy_the_conditions_of_order_nine():
    a, c = np.linalg.inv(inverse_matrix()), nodes()
    assert np.abs(simplifying_assumptions(a, c)).max() < 1e-14
    wrong = a.copy()
    wrong[-1, 0] += 1e-6
    assert np.abs(simplifying_assumptions(wrong, c)).max() > 1e-7


def test_the_transformed_system_of_radau_is_the_system():
    found = {name: np.array(value) for name, value in coefficients().items()}
    blocks = np.zeros((STAGES, STAGES))
    blocks[0, 0] = found["MU"][0]
    for k in (1, 2):
        mu, turn, at = found["MU"][k], found["TURN"][k], slice(2 * k - 1, 2 * k + 1)
        blocks[at, at] = [[mu, -turn], [turn, mu]]
    back = found["FROM"] @ blocks @ found["INTO"]
    # The eigenvectors have condition 95.
    np.testing.assert_allclose(back, inverse_matrix(), rtol=0, atol=1e-12)
    assert found["MU"].min() > 0, "pivots would be needed"
    # The embedded formula is of order five: no error on polynomials up to that.
    c, first = nodes(), found["ERROR_WEIGHTS"] / found["MU"][0]
    gaps = [first @ c**k + (k == 1) / found["MU"][0] for k in range(1, STAGES + 2)]
    assert np.abs(gaps[:STAGES]).max() < 1e-14 < 1e-4 < abs(gaps[STAGES])


IMPLICIT = """

@fast
def one_step(w, counts, h, ARGUMENTS):  # Newton's iteration goes on to the last digits
    differentiate(w, counts, ARGUMENTS)
    factor(w, h, n)
    guess(w, h, h, 0, 1e-12, 1e-12, n)
    for again in range(10):
        rounds, rate = iterate(w, counts, h, 0.1, ARGUMENTS)
        if rounds > 0:
            break
    for i in range(n):
        w[i] += w[(Z + STAGES - 1) * n + i]
    return rounds
"""


def test_radau_has_order_nine():
    def source(field):
        return implicit_source(field) + IMPLICIT.replace("ARGUMENTS", field.arguments)

    steps, errors = np.array([3, 4, 5]), []
    for count in steps:
        stepper = Implicit.__new__(Implicit)
        CompiledStepper.__init__(
            stepper, PROBLEM, "fixed_radau", source, START, 45, 0.0, 1.0, (1.0, 1.0, 0.0)
        )
        for _ in range(count):
            rounds = stepper.module.one_step(stepper.w, stepper.counts, 1 / count, *stepper.data)
            assert rounds > 0
        errors.append(abs(stepper.w[0] - exact(1.0)))
    order = slope(1 / steps, errors)
    assert abs(order - 9) < 0.45, f"order {order:.2f}, errors {errors}"
