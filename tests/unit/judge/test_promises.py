"""What a user promises about gradients and derivatives is checked once, before it is relied on."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import dynlens as dl
from dynlens.kernels.products import Kernel
from dynlens.models.base import Model
from dynlens.observables.registry import REGISTRY
from dynlens.problems import probing
from dynlens.problems.losses import Loss
from dynlens.testing import check_model

SOURCE = """
from dynlens.kernels.loops.head import compiled
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

@compiled
def forward(theta, index, rows, work, tensor):
    for i in range(3):
        tensor[i] = theta[i] * theta[3 + i]


@compiled
def backward(theta, index, rows, work, cotangent, out):
    for i in range(3):
        out[i] = FIRST * theta[3 + i] * cotangent[i]
        out[3 + i] = SECOND * theta[i] * cotangent[i]
"""


@dataclass(frozen=True)
class Product(Model):
    """w = u * v, entry by entry; the pullback and the kernel may lose factors, both alike."""

    first: float = 1.0
    second: float = 1.0
    kernel_of: str = field(default="", repr=False)

    @property
    def factor_shapes(self):
        return ((3,), (3,))

    @property
    def tensor_shape(self):
        return (3,)

    def end_to_end(self, factors):
        return factors[0] * factors[1]

    def pullback(self, factors, cotangent):
        return (self.first * factors[1] * cotangent, self.second * factors[0] * cotangent)

    def kernel(self):
        if not self.kernel_of:
            return None
        text = self.kernel_of.replace("FIRST", repr(self.first)).replace(
            "SECOND", repr(self.second)
        )
        return Kernel(text)


def problem(model, loss=None):
    seen = dl.Full(np.array([1.0, -0.5, 0.2]))
    return dl.Problem(model, loss or dl.SquaredLoss(), seen)


THETA = np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.6])
USES = {
    "flow": lambda p: dl.gradient_flow(p, THETA, 1.0),
    "flow by the reference": lambda p: dl.gradient_flow(p, THETA, 1.0, compiled=False),
    "descent": lambda p: dl.gradient_descent(p, THETA, eta=0.1, steps=3),
    "descent by the reference": lambda p: dl.gradient_descent(
        p, THETA, eta=0.1, steps=3, backend="numpy"
    ),
    "batch": lambda p: dl.gradient_flow_batch(p, [THETA], 1.0),
    "claim on a path": lambda p: dl.AtLeast("loss_0", "loss").check(
        dl.Path(p, tuple(THETA.tolist()), 1.0)
    ),
    "claim on states": lambda p: dl.RateLaw("loss", "-gradient_norm**2").check(
        dl.States(p, THETA[None])
    ),
}


@pytest.fixture(autouse=True)
def _afresh(monkeypatch):
    monkeypatch.setattr(probing, "_PROBED", set())


# -- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["", SOURCE], ids=["no kernel", "kernel"])
@pytest.mark.parametrize("use", USES)
def test_a_factor_lost_in_kernel_and_pullback_alike_is_met(use, kernel):
    with pytest.raises(ValueError, match=r"not that of its objective.*mend `Product\.pullback`"):
        USES[use](problem(Product(0.5, 0.5, kernel)))


@pytest.mark.parametrize("use", USES)
def test_the_right_one_is_used(use):
    USES[use](problem(Product(kernel_of=SOURCE)))


@pytest.mark.parametrize(
    ("first", "second"), [(2.0, 2.0), (1.0, -1.0), (1.0, 0.0), (1.0, 1 + 1e-4), (1.0, 1 + 1e-5)]
)
def test_other_faults_of_a_pullback_are_met(first, second):
    with pytest.raises(ValueError, match="differences of the objective give"):
        problem(Product(first, second)).gradient(THETA)


def test_the_numbers_are_those_of_the_fault():
    with pytest.raises(ValueError, match="along a random direction it is") as caught:
        problem(Product(0.5, 0.5)).gradient(THETA)
    words = str(caught.value).replace(",", " ").replace(";", " ").split()
    said = [float(word) for word in words if word.lstrip("-").replace(".", "").isdigit()][-2:]
    assert 2 * said[0] == pytest.approx(said[1], rel=1e-4)


def test_it_is_probed_once_for_a_model_and_never_for_shipped_ones(monkeypatch):
    seen = []
    monkeypatch.setattr(probing, "contradicted", lambda *a: seen.append(1))
    monkeypatch.setattr(probing, "_equals_complex_step", lambda *a: False)
    for _ in range(3):
        problem(Product()).gradient(THETA)
    assert len(seen) == 1
    problem(Product(first=1.0, second=1.0, kernel_of=SOURCE)).gradient(THETA)
    assert len(seen) == 2
    shipped = dl.completion_problem(2)
    shipped.gradient(np.ones(shipped.model.parameters))
    assert len(seen) == 2


@dataclass(frozen=True)
class Wrong(Loss):
    """Fourth powers, whose derivative has lost its factor."""

    factor: float = 1.0
    reduction = "sum"
    kernel = None

    def value(self, z):
        return z**4

    def derivative(self, z):
        return self.factor * z**3

    def second_derivative(self, z):
        return 3 * self.factor * z**2


def test_a_wrong_loss_is_met_too():
    with pytest.raises(ValueError, match=r"mend `Product\.pullback` or `Wrong\.derivative`"):
        problem(Product(), Wrong()).gradient(THETA)
    problem(Product(), Wrong(4.0)).gradient(THETA)


class Absolute(Product):
    """Right, but no complex step goes through its absolute value: differences decide."""

    def end_to_end(self, factors):
        return np.abs(factors[0]) * factors[1]

    def pullback(self, factors, cotangent):
        sign = np.sign(factors[0])
        parts = (sign * factors[1] * cotangent, np.abs(factors[0]) * cotangent)
        return tuple(self.first * part for part in parts)


def test_a_model_that_is_not_analytic_is_compared_with_differences():
    problem(Absolute()).gradient(THETA)
    with pytest.raises(ValueError, match="not that of its objective"):
        problem(Absolute(first=0.5)).gradient(THETA)


def test_the_suite_says_what_is_wrong():
    with pytest.raises(AssertionError, match="`pullback` is not the adjoint"):
        check_model(Product(0.5, 0.5))


@pytest.mark.parametrize(
    "source",
    [
        SOURCE.replace("def backward", "def backwards"),
        SOURCE.replace("theta[3 + i] * cotangent", "thet[3 + i] * cotangent"),
        SOURCE.replace("theta[i] * theta[3 + i]", "'a' * theta[3 + i]"),
        SOURCE.replace("out[i] =", "out[i] = ="),
        SOURCE.replace("cotangent, out)", "cotangent)"),
        SOURCE.replace("range(3)", "rnge(3)"),
    ],
    ids=["no backward", "unknown name", "wrong type", "syntax", "arguments", "unknown function"],
)
@pytest.mark.parametrize("use", ["flow", "descent", "claim on a path"])
def test_a_kernel_that_does_not_compile_is_met_by_a_sentence(use, source):
    posed = problem(Product(kernel_of=source))
    said = r"^The kernel of Product\(first=1.0, second=1.0\) does not compile \([^\n]*\); mend the"
    with pytest.warns(RuntimeWarning, match=f"{said}[^\n]* This run does so by itself"):
        USES[use](posed)
    with pytest.raises(dl.KernelError, match=said):
        dl.gradient_flow(posed, THETA, 1.0, method="Tsit5")
    with pytest.raises(dl.KernelError, match=said):
        USES["batch"](posed)
    with pytest.raises(dl.KernelError, match=said):
        check_model(posed.model)


# -- derivatives of observables -------------------------------------------------------------------

STATES = dl.RandomStates((2, 2, 2))


@pytest.fixture
def register():
    before = dict(REGISTRY)

    def add(function, derivative=None, **options):
        declared = dl.observable(**options)(function)
        if derivative is not None:
            declared.derivative(derivative)
        return function.__name__

    yield add
    for name in set(REGISTRY) - set(before):
        del REGISTRY[name]


def matrix(problem, factors):
    return problem.model.end_to_end(factors)


def own(problem, factors):
    return np.linalg.norm(matrix(problem, factors), axis=(-2, -1))


def absolute(problem, factors):
    return np.abs(matrix(problem, factors)).sum(axis=(-2, -1))


def largest(problem, factors):
    return np.real(np.linalg.svd(matrix(problem, factors), compute_uv=False)[..., 0])


def real_part(problem, factors):
    return np.real(matrix(problem, factors)[..., 0, 0]) ** 2


def conjugated(problem, factors):
    w = matrix(problem, factors)
    return np.real_if_close((w * np.conj(w)).sum(axis=(-2, -1)).real)


def chosen(problem, factors):
    return np.where(np.abs(matrix(problem, factors)) > 0, 1.0, 0.0).real.sum(
        axis=(-2, -1)
    ) + np.abs(matrix(problem, factors)[..., 0, 0])


@pytest.mark.parametrize("function", [own, absolute, largest, real_part, conjugated, chosen])
def test_what_is_not_analytic_is_found_out(register, function):
    name = register(function, analytic=True)
    with pytest.raises(ValueError, match="marked analytic, but its complex step is 0 along"):
        dl.RateLaw(name, "0", scale="parameter_norm**2").check(STATES)


def power(problem, factors):
    return (matrix(problem, factors) ** 3).sum(axis=(-2, -1))


def entire(problem, factors):
    return np.exp(np.sin(matrix(problem, factors))).sum(axis=-1)


def root(problem, factors):
    return np.sqrt((matrix(problem, factors) ** 2).sum(axis=(-2, -1)))


@pytest.mark.parametrize("function", [power, entire, root])
def test_what_is_analytic_is_used(register, function):
    options = {"dims": ("row",)} if function is entire else {}
    name = register(function, analytic=True, **options)
    found = dl.RateLaw(name, "0", scale="parameter_norm**2").check(STATES)
    assert found.status == "REFUTED"


def test_the_root_is_a_norm(register):
    register(root, analytic=True)
    assert dl.RateLaw("root", "d_frobenius_norm").check(STATES).status == "SUPPORTED"


def cubes_rate(factor, power=2):
    def derivative(problem, factors, directions):
        moved = problem.model.pushforward(factors, directions)
        return factor * (matrix(problem, factors) ** power * moved).sum(axis=(-2, -1))

    return derivative


@pytest.mark.parametrize(
    ("factor", "exponent"), [(2, 2), (-3, 2), (0, 2), (3, 3), (3 * (1 + 1e-4), 2)]
)
def test_a_wrong_derivative_is_found_out(register, factor, exponent):
    register(power, cubes_rate(factor, exponent))
    with pytest.raises(ValueError, match=r"given a derivative, which is .* mend `@power"):
        dl.RateLaw("power", "loss").check(STATES)


def test_a_right_derivative_is_used(register):
    register(power, cubes_rate(3))
    law = dl.RateLaw("power", "sum(3 * end_to_end**2 * d_end_to_end)")
    assert law.check(STATES).status == "SUPPORTED"


def test_kinks_and_noise_are_no_contradiction(register):
    def rounded(problem, factors):
        return np.round(power(problem, factors), 6)

    register(rounded, cubes_rate(3))
    assert dl.RateLaw("rounded", "sum(3 * end_to_end**2 * d_end_to_end)").check(STATES).held


def test_a_parameter_is_probed_with_its_value(register):
    def scaled(problem, factors, p=1.0):
        return (
            matrix(problem, factors)[..., 0, 0] ** p
            if p == 1.0
            else np.abs(matrix(problem, factors)[..., 0, 0])
        )

    register(scaled, analytic=True)
    fine = {"q": dl.Reading("scaled")}
    assert dl.RateLaw("q", "d_end_to_end[0, 0]", readings=fine).check(STATES).status == "SUPPORTED"
    other = {"q": dl.Reading("scaled", parameters={"p": 2.0})}
    with pytest.raises(ValueError, match="marked analytic"):
        dl.RateLaw("q", "loss", readings=other).check(STATES)


def test_every_shipped_derivative_keeps_its_promise():
    tensors = dl.RandomStates(dl.CPFactorization((2, 2, 2), 2), "gaussian").problem
    of_tensors = ("component_norms", "end_to_end", "imbalances", "frobenius_norm", "loss")
    of_matrices = ("singular_values", "determinant", "matricization_singular_values", "end_to_end")
    for problem, names in ((STATES.problem, of_matrices), (tensors, of_tensors)):
        for name in names:
            REGISTRY[name]._probe(problem, {})
