"""What every model must fulfil, to be run on a model of your own.

``check_model(model)`` is the suite that the shipped models pass. Each part raises `AssertionError`
with what it measured; the parts may be called one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.models.base import STEP, Model
from dynlens.problems.losses import HuberLoss, Loss, SquaredLoss
from dynlens.problems.observations import Entries, Full, Observations, Sensing
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike, Factors

SCALE = 0.8  # of the states at which everything is compared
HALF_SQUARES = SquaredLoss()

SEEN: dict[str, Callable[[ArrayLike], Observations]] = {
    "entries": lambda target: Entries.sample(target, fraction=0.5, seed=3),
    "full": Full,
    "sensing": lambda target: Sensing.gaussian(target, count=7, seed=3),
}


def check_model(model: Model) -> None:
    """Check a model against everything dynlens expects of one.

    It has the degrees that it states (multilinear, as a rule), its pullback is the adjoint of its
    derivative, leading axes are batch axes, gradients and Hessians agree with the complex step for
    several losses and observations, the compiled gradient, if there is one, equals the numpy
    reference, starts are
    drawn again by their seed, and what it says gradient flow conserves has no rate.

    Parameters
    ----------
    model : Model

    Raises
    ------
    AssertionError
        With what was measured, for the first part that fails.

    Examples
    --------
    >>> from dynlens import CPFactorization
    >>> check_model(CPFactorization((3, 2, 2), components=2))
    """
    validation.instance("model", model, Model, "for example `DeepLinear((2, 2, 2))`.")
    parameters(model)
    starts(model)
    polynomial(model)
    adjoint(model)
    batched(model)
    for seen in SEEN:
        for loss in (HALF_SQUARES, SquaredLoss("mean", half=False)):
            derivatives(problem_of(model, loss, seen))
            compiled(problem_of(model, loss, seen))
        compiled(problem_of(model, HuberLoss(0.3, "mean"), seen))
    conserved(model)


def problem_of(model: Model, loss: Loss = HALF_SQUARES, seen: str = "entries") -> Problem:
    """Pose a problem with a random target."""
    target = np.random.default_rng(2).standard_normal(model.tensor_shape)
    return Problem(model, loss, SEEN[seen](target))


def factors_of(model: Model, seed: int = 1) -> Factors:
    """Gaussian factors."""
    return model.unravel(model.init(SCALE, kind="gaussian", seed=seed))


def parameters(model: Model) -> None:
    """Cutting theta into factors and stacking them are inverse, and the repr hides nothing."""
    theta = np.random.default_rng(0).standard_normal((2, 3, model.parameters))
    factors = model.unravel(theta)
    shapes = [factor.shape[2:] for factor in factors]
    assert shapes == list(model.factor_shapes), f"{shapes}, not {model.factor_shapes}"
    assert np.array_equal(model.ravel(factors), theta), "ravel(unravel(theta)) is not theta"
    assert isinstance(hash(model), int)


def starts(model: Model) -> None:
    """The same seed draws the same start, another seed another."""
    assert "gaussian" in model.kinds, f"`kinds` are {model.kinds}; offer 'gaussian' at least"
    for kind in model.kinds:
        if kind == "identity":
            continue
        first, again, other = (model.init(0.3, kind=kind, seed=seed) for seed in (4, 4, 5))
        assert first.shape == (model.parameters,), f"{kind}: shape {first.shape}"
        assert np.array_equal(first, again), f"{kind}: seed 4 drew two different starts"
        assert np.any(first != other), f"{kind}: seeds 4 and 5 drew the same start"


def polynomial(model: Model) -> None:
    """The tensor is homogeneous in each factor, of the degree that the model states, if it does."""
    factors = factors_of(model)
    tensor = model.end_to_end(factors)
    assert tensor.shape == model.tensor_shape, f"shape {tensor.shape}, not {model.tensor_shape}"
    if model.degrees is None:
        return
    for n, (step, degree) in enumerate(zip(factors_of(model, seed=5), model.degrees, strict=True)):
        start, word = factors[n], "linear" if degree == 1 else f"of degree {degree}"

        def at(factor: NDArray[Any], n: int = n) -> NDArray[Any]:
            return model.end_to_end((*factors[:n], factor, *factors[n + 1 :]))

        # On polynomials of degree p, differences of order p + 1 vanish.
        order = degree + 1
        terms = [(-1) ** k * comb(order, k) * at(start + k * step) for k in range(order + 1)]
        off = relative(at(-3.0 * start), (-3.0) ** degree * tensor)
        off = max(off, relative(sum(terms[1:], start=terms[0] + tensor), tensor))
        assert off < 1e-12, f"not {word} in factor {n}: off by {off:.1e}"


def adjoint(model: Model) -> None:
    """``<cotangent, pushforward(v)> = <pullback(cotangent), v>``."""
    factors, directions = factors_of(model), factors_of(model, seed=6)
    cotangent = np.random.default_rng(7).standard_normal(model.tensor_shape)
    pushed = float(np.sum(cotangent * model.pushforward(factors, directions)))
    parts = zip(model.pullback(factors, cotangent), directions, strict=True)
    pulled = sum(float(np.sum(part * v)) for part, v in parts)
    assert abs(pushed - pulled) < 1e-12 * max(1, abs(pushed)), (
        f"`pullback` is not the adjoint of the derivative of `end_to_end`: the "
        f"first pairs to {pulled:.6g}, the second to {pushed:.6g} at random"
    )


def batched(model: Model) -> None:
    """Leading axes are treated one by one."""
    problem = problem_of(model)
    theta = np.stack([model.init(SCALE, kind="gaussian", seed=seed) for seed in range(6)])
    functions: tuple[Callable[[Array], Array], ...]
    functions = (problem.end_to_end, problem.objective, problem.gradient)
    for function in functions:
        whole = function(theta.reshape(2, 3, -1))
        singles = np.array([function(row) for row in theta]).reshape(whole.shape)
        off = relative(whole, singles)
        assert off < 1e-12, f"{function.__name__} of a batch off by {off:.1e}"
    v = np.cos(np.arange(theta.size)).reshape(theta.shape)
    whole = problem.hessian_vector_product(theta, v)
    rows = zip(theta, v, strict=True)
    off = relative(whole, np.array([problem.hessian_vector_product(x, y) for x, y in rows]))
    assert off < 1e-12, f"hessian_vector_product of a batch off by {off:.1e}"


def derivatives(problem: Problem) -> None:
    """Gradient and Hessian agree with complex steps; for losses that allow complex residuals."""
    theta = problem.model.init(SCALE, kind="gaussian", seed=1)
    steps = theta + 1j * STEP * np.eye(theta.size)
    off = relative(problem.gradient(theta), np.imag(problem.objective(steps)) / STEP)
    assert off < 1e-12, f"gradient off by {off:.1e}"
    v = np.random.default_rng(9).standard_normal(theta.size)
    wanted = np.imag(problem.gradient(theta + 1j * STEP * v)) / STEP
    off = relative(problem.hessian_vector_product(theta, v), wanted)
    assert off < 1e-12, f"Hessian off by {off:.1e}"


def compiled(problem: Problem) -> None:
    """The compiled loss and gradient, if there are any, equal the reference."""
    if problem.without_kernel:
        return
    out = np.full(problem.model.parameters, np.nan)
    for seed in range(2):  # twice, in the same work space
        theta = problem.model.init(SCALE, kind="gaussian", seed=seed)
        value = problem.machine.module.gradient(theta, *problem.machine.data, out)
        off = relative(out, problem.gradient(theta))
        assert off < 1e-13, f"compiled gradient off by {off:.1e}"
        off = relative(np.array(value), problem.objective(theta))
        assert off < 1e-13, f"compiled loss off by {off:.1e}"


def conserved(model: Model) -> None:
    """What the model calls balance has no rate along the flow, and balanced starts have it."""
    problem = problem_of(model)
    theta = model.init(SCALE, kind="gaussian", seed=1)
    try:
        model.imbalances(model.unravel(theta))
    except TypeError:
        return  # it states no components, and nothing conserved
    moved = model.unravel(theta + 1j * STEP * problem.vector_field(0.0, theta))
    rate = float(np.abs(np.imag(model.imbalances(moved)) / STEP).max(initial=0.0))
    assert rate < 1e-12 * np.sum(theta**2), f"imbalances have the rate {rate:.1e}"
    if "balanced" in model.kinds:
        start = model.init(SCALE, kind="balanced", seed=1)
        off = float(model.unbalancedness(model.unravel(start))) / np.sum(start**2)
        assert off < 1e-14, f"a balanced start has unbalancedness {off:.1e}, relative"


def relative(got: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Largest difference, relative to the largest entry wanted."""
    size = np.abs(wanted).max(initial=0.0)
    return float(np.abs(got - wanted).max(initial=0.0) / (size if size > 0 else 1.0))
