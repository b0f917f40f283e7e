"""Orders in the step on problems with known constants, among them two that are no factorization.

The plane ``L = (xy - 1)^2 / 2 + 0.1 x^4 / 4 + 0.05 y^2`` and the line ``L' = x^3 - x`` are sums of
squares of polynomials, so that a model can be written for each, and everything runs on them.
"""

from dataclasses import dataclass

import numpy as np
import pytest

import dynlens as dl
from dynlens import compare
from dynlens.cases.descents import DescentCase
from dynlens.claims.orders import LeadingError, Order
from dynlens.comparison import first_order_error, observed_order
from dynlens.dynamics.modified import second_correction, third_derivative
from dynlens.kernels.products import Kernel
from dynlens.models.base import Model
from dynlens.problems.losses import Loss

pytestmark = pytest.mark.order


class Polynomial(Model):
    """A polynomial map of one vector, which starts are not drawn for."""

    kinds = ("gaussian",)

    def draw(self, scale, kind, rng):
        return (scale * rng.standard_normal(self.factor_shapes[0]),)


@dataclass(frozen=True)
class Plane(Polynomial):
    """``(x, y) -> (xy, sqrt(0.05) x^2, sqrt(0.1) y)``, to be fitted to (1, 0, 0)."""

    factor_shapes = ((2,),)
    tensor_shape = (3,)

    def end_to_end(self, factors):
        x, y = factors[0][..., 0], factors[0][..., 1]
        return np.stack([x * y, np.sqrt(0.05) * x**2, np.sqrt(0.1) * y], axis=-1)

    def pullback(self, factors, cotangent):
        x, y = factors[0][..., 0], factors[0][..., 1]
        a, b, c = (cotangent[..., k] for k in range(3))
        along_x = a * y + 2 * np.sqrt(0.05) * b * x
        return (np.stack([along_x, a * x + np.sqrt(0.1) * c], axis=-1),)

    def kernel(self):
        return Kernel(
            """@compiled
def forward(theta, index, rows, work, values):
    x, y = theta[0], theta[1]
    values[0], values[1], values[2] = x * y, math.sqrt(0.05) * x * x, math.sqrt(0.1) * y


@compiled
def backward(theta, index, rows, work, weights, out):
    x, y = theta[0], theta[1]
    out[0] = weights[0] * y + 2.0 * math.sqrt(0.05) * weights[1] * x
    out[1] = weights[0] * x + math.sqrt(0.1) * weights[2]
""",
            np.empty(0, dtype=np.int64),
            1,
        )


@dataclass(frozen=True)
class Line(Polynomial):
    """``x -> x^2 / sqrt(2)``, to be fitted to 1 / sqrt(2): the gradient is x^3 - x."""

    factor_shapes = ((1,),)
    tensor_shape = (1,)

    def end_to_end(self, factors):
        return factors[0] ** 2 / np.sqrt(2)

    def pullback(self, factors, cotangent):
        return (np.sqrt(2) * factors[0] * cotangent,)

    def kernel(self):
        return Kernel(
            """@compiled
def forward(theta, index, rows, work, values):
    values[0] = theta[0] * theta[0] / math.sqrt(2.0)


@compiled
def backward(theta, index, rows, work, weights, out):
    out[0] = math.sqrt(2.0) * theta[0] * weights[0]
""",
            np.empty(0, dtype=np.int64),
            1,
        )


PLANE = dl.Problem(Plane(), dl.SquaredLoss(), dl.Full([1.0, 0.0, 0.0]))
LINE = dl.Problem(Line(), dl.SquaredLoss(), dl.Full([1 / np.sqrt(2)]))
START = np.array([1.7, 0.3])
FALSE = [{"forcing": -0.5}, {"forcing": 1.0}, {"linear": 0.0}]


def descended(n, t=3.0):
    run = dl.gradient_descent(PLANE, START, eta=t / n, steps=n, saves=[n])
    return run.final


def test_the_plane_has_the_gradient_it_should_have():
    x, y = START
    expected = [(x * y - 1) * y + 0.1 * x**3, (x * y - 1) * x + 0.1 * y]
    np.testing.assert_allclose(PLANE.gradient(START), expected, rtol=1e-13)
    np.testing.assert_allclose(-PLANE.compiled_field(0.0, START), expected, rtol=1e-13)
    np.testing.assert_allclose(LINE.gradient(np.array([1.9])), [1.9**3 - 1.9], rtol=1e-13)


def test_the_plane_has_its_known_leading_error():
    found = first_order_error(PLANE, START, [3.0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found.error[0], [-0.07364, 0.04870], atol=6e-6)
    expected = {
        120: (-0.07407, 0.04900),
        480: (-0.07375, 0.04877),
        960: (-0.07370, 0.04874),
    }
    for n, scaled in expected.items():
        gap = (descended(n) - found.theta[0]) * n / 3
        np.testing.assert_allclose(gap, scaled, atol=6e-6, err_msg=f"n = {n}")


def test_the_plane_has_its_known_remainder():
    theta, error = (v[0] for v in first_order_error(PLANE, START, [3.0], rtol=1e-12, atol=1e-14))
    left = []
    for n in (120, 480, 960):
        h = 3 / n
        left.append(np.linalg.norm(descended(n) - theta - h * error) / h**2)
    np.testing.assert_allclose(left, [0.0209, 0.0206, 0.0205], atol=6e-5)


def test_on_a_line_the_leading_error_is_a_time_shift():
    t, n = 1.5, 2000
    found = first_order_error(LINE, [1.9], [t], rtol=1e-12, atol=1e-14)
    g, g0 = LINE.gradient(found.theta[0]), LINE.gradient(np.array([1.9]))
    closed = float((-0.5 * g * np.log(g0 / g))[0])
    assert float(found.error[0, 0]) == pytest.approx(closed, rel=1e-9)
    assert closed == pytest.approx(-0.092615, abs=6e-7)
    run = dl.gradient_descent(LINE, [1.9], eta=t / n, steps=n, saves=[n])
    assert float((run.final - found.theta[0])[0] * n / t) == pytest.approx(-0.092574, abs=6e-7)


CASES = {
    "plane": DescentCase(PLANE, tuple(START), 3.0, (0.025, 0.0125, 0.00625, 0.003125)),
    "plane near its saddle": DescentCase(PLANE, (0.05, 0.1), 3.0, (0.02, 0.01, 0.005, 0.0025)),
    "line": DescentCase(LINE, (1.9,), 1.5, (0.01, 0.005, 0.0025, 0.00125)),
    "completion, depth 2": DescentCase(
        dl.completion_problem(2), dl.Start(0.5, seed=0), 4.0, (0.02, 0.01, 0.005, 0.0025)
    ),
    "completion, depth 3": DescentCase(
        dl.completion_problem(3), dl.Start(0.6, seed=0), 4.0, (0.02, 0.01, 0.005, 0.0025)
    ),
}


@pytest.mark.parametrize("name", CASES)
class TestOrders:
    def test_descent_follows_flow_to_first_order(self, name):
        found = Order(expected=1.0, band=0.05).check(CASES[name])
        assert found.status == "SUPPORTED", str(found)

    def test_remainder_is_of_second_order(self, name):
        found = Order(expected=2.0, band=0.1, remainder=True).check(CASES[name])
        assert found.status == "SUPPORTED", str(found)

    def test_leading_error_holds_in_every_component(self, name):
        found = LeadingError().check(CASES[name])
        assert found.status == "SUPPORTED", str(found)

    @pytest.mark.parametrize("false", FALSE, ids=["sign", "factor 2", "no linear term"])
    def test_false_equations_are_refuted(self, name, false):
        found = Order(expected=2.0, band=0.1, remainder=True, **false).check(CASES[name])
        assert found.status == "REFUTED", str(found)
        assert LeadingError(**false).check(CASES[name]).status == "REFUTED"


def completion(model, fraction=0.6):
    target = np.random.default_rng(0).standard_normal(model.tensor_shape)
    seen = dl.Entries.sample(target, fraction=fraction, seed=1)
    return dl.Problem(model, dl.SquaredLoss(), seen)


MODELS = {
    "matrix": dl.DeepLinear((4, 4, 4, 4)),
    "CP": dl.CPFactorization((3, 4, 3), components=4),
    "hierarchical": dl.HierarchicalTensor((3, 3, 2, 2), dl.models.binary_tree(4), widths=2),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_distance_is_of_order_one_for_every_model(name):
    etas = (0.008, 0.004, 0.002, 0.001)
    scale = 0.9 if name == "hierarchical" else 0.5  # of more factors
    case = DescentCase(completion(MODELS[name]), dl.Start(scale, seed=0), 4.0, etas)
    for quantity in ("theta", "end_to_end"):
        found = Order(expected=1.0, band=0.02, quantity=quantity).check(case)
        assert found.status == "SUPPORTED", str(found)
        # The slopes move by 6e-3 at these steps, and a refutation asks for three times its error.
        assert Order(expected=1.1, band=0.02, quantity=quantity).check(case).status == "REFUTED"


def test_compare_shrinks_at_first_order_in_the_step():
    problem = dl.completion_problem(3)
    theta0 = problem.init(0.1, kind="balanced", seed=1)
    flow = dl.gradient_flow(problem, theta0, 30.0, rtol=1e-11, atol=1e-13)
    etas, gaps, left = [0.02, 0.01, 0.005], [], []
    for eta in etas:
        descent = dl.gradient_descent(problem, theta0, eta=eta, steps=round(30 / eta))
        data = compare(flow, descent, observable="singular_values").data
        gaps.append(float(abs(data["singular_values_gap"]).max()))
        left.append(float(data["remainder"].max()))
    order, spread = observed_order(etas, gaps)
    assert abs(order - 1) < 0.05, f"observed order {order:.3f} (spread {spread:.3f}), gaps {gaps}"
    order, spread = observed_order(etas, left)
    assert abs(order - 2) < 0.1, f"observed order {order:.3f} (spread {spread:.3f}), gaps {left}"


# -- figures that were measured independently ------------------------------------------------------


def test_one_step_errs_by_the_known_constants():
    """Errors over a power of the step, which tend to |H g| / 2, |f_2| and |D^3 l [g, g]| / 12."""
    etas = (0.02, 0.01, 0.005)
    found = dl.BackwardError(PLANE, tuple(START), etas).samples()
    known = {
        "to_flow": (2, (1.177, 1.192, 1.200)),
        "to_first": (3, (2.482, 2.515, 2.531)),
        "to_second": (4, (5.96, 6.04, 6.09)),
        "to_principal": (3, (0.2266, 0.2251, 0.2243)),
    }
    for name, (power, expected) in known.items():
        ratio = found.read(name) / np.array(etas) ** power
        np.testing.assert_allclose(ratio, expected, rtol=1e-3, err_msg=name)
    g = PLANE.gradient(START)
    limits = (
        np.linalg.norm(PLANE.hessian_vector_product(START, g)) / 2,
        np.linalg.norm(second_correction(PLANE, START)),
        np.linalg.norm(third_derivative(PLANE, START, g)) / 12,
    )
    np.testing.assert_allclose(limits, (1.2073, 2.5470, 0.2236), atol=6e-5)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (dl.dynamics.modified_field, (-0.05233, 0.03417)),
        (dl.dynamics.principal_field, (-0.008189, 0.006277)),
    ],
    ids=["modified", "principal"],
)
def test_the_distance_to_a_modified_flow_has_its_known_constant(make, expected):
    n = 480
    field = make(PLANE, 3 / n)
    options = {"method": "DOP853", "rtol": 1e-13, "atol": 1e-15}
    flow = dl.gradient_flow(PLANE, START, [3.0], field=field, **options)
    scaled = (descended(n) - flow.final) / (3 / n) ** 2
    np.testing.assert_allclose(scaled, expected, rtol=2e-4)


@dataclass(frozen=True)
class Concave(Loss):
    """Minus half the square: the field of a maximum, from which everything is repelled."""

    reduction = "sum"
    kernel = ("-0.5 * z * z", "-z")

    def value(self, z):
        return -0.5 * z * z

    def derivative(self, z):
        return -z

    def second_derivative(self, z):
        return -np.ones_like(z)


HILL = dl.Problem(dl.DeepLinear((2, 1)), Concave(), dl.Full([[0.0, 0.0]]))


def bounds_of(problem, start, eta, t_end):
    descent = dl.gradient_descent(problem, start, eta=eta, steps=round(t_end / eta))
    flow = dl.gradient_flow(problem, start, float(descent.t[-1]), rtol=1e-12, atol=1e-14)
    return compare(flow, descent).bounds


@pytest.mark.parametrize(
    ("problem", "start", "eta", "t_end", "expected"),
    [
        (PLANE, (1.7, 0.3), 0.025, 3.0, (0.00222, 79.4, 0.0522, 0.00310)),
        # One-sided with the discrete factor, (1 - (1 - eta mu)^n) / mu.
        (HILL, (0.01, 0.0), 0.01, 4.0, (0.01074, 0.1463, 0.1434, 0.01092)),
        (HILL, (0.01, 0.0), 0.05, 4.0, (0.0504, 0.7316, 0.6628, 0.0546)),
    ],
    ids=["plane", "hill", "hill, larger step"],
)
def test_bounds_have_their_known_values(problem, start, eta, t_end, expected):
    found = bounds_of(problem, start, eta, t_end)
    names = ("distance", "classical", "one-sided", "leading")
    ends = [float(found.data[name][-1]) for name in names]
    np.testing.assert_allclose(ends, expected, rtol=2.5e-3)


@pytest.mark.parametrize(
    ("start", "n", "error", "least"),
    [
        ((1.7, 0.3), 60, 0.00772, 3.22),
        ((0.05, 0.1), 60, 0.0196, 2.74),
        ((0.05, 0.1), 240, 0.00492, 2.40),
    ],
)
def test_the_tube_s_bound_has_its_known_tightness(start, n, error, least):
    found = bounds_of(PLANE, start, 3 / n, 3.0)
    late = found.data["time"].to_numpy() > 0.3
    assert float(found.data["distance"].max()) == pytest.approx(error, rel=3e-3)
    assert np.nanmin(found.tightness("tube")[late]) == pytest.approx(least, rel=0.01)


def test_imbalance_drifts_as_the_modified_flow_says_to_first_order():
    product = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
    start = np.array([0.9, 2.5])

    def drift(state):
        return 1 - (state[1] ** 2 - state[0] ** 2) / (start[1] ** 2 - start[0] ** 2)

    etas, found = (0.1, 0.05, 0.025), []
    for eta in etas:
        descent = dl.gradient_descent(product, start, eta=eta, steps=round(5 / eta))
        field = dl.dynamics.modified_field(product, eta)
        flow = dl.gradient_flow(product, start, [5.0], field=field, rtol=1e-12, atol=1e-14)
        found.append((drift(descent.final), drift(flow.final)))
    expected = [(0.01753, 0.00881), (0.00705, 0.00506), (0.00322, 0.00273)]
    np.testing.assert_allclose(found, expected, atol=6e-6)
    order, _ = observed_order(etas, np.abs(np.diff(found)).ravel())
    assert abs(order - 2) < 0.1, order
