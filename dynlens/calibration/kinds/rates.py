"""Rate laws of every model: exact ones, and the same with an error in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dynlens.calibration.drawing import Draw, Stated, kind
from dynlens.cases.base import Case, RandomStates, States
from dynlens.claims.base import BALANCED
from dynlens.claims.equations import Equal, RateLaw
from dynlens.models.base import Model
from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import (
    HierarchicalTensor,
    adjacent_pool_tree,
    binary_tree,
    one_level_tree,
)
from dynlens.models.quadratic import QuadraticNetwork
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.losses import HuberLoss, Loss, Ridge, SquaredLoss
from dynlens.problems.observations import Full
from dynlens.problems.problem import Problem
from dynlens.problems.rank_one_sum import RankOneSum

LOSSES: tuple[Loss, ...] = (
    SquaredLoss(),
    SquaredLoss("mean"),
    SquaredLoss(half=False),
    HuberLoss(0.5),
)


@dataclass(frozen=True)
class Law:
    """``d/dt x = x * relative`` for a quantity x, at balanced states if `balanced`.

    Any power, logarithm or other function of x then has a law as well, by the chain rule.
    """

    of: str
    relative: str
    balanced: bool = True
    where: str | None = None

    def under(self, draw: Draw) -> tuple[str, str]:
        """A function of the quantity, and the rate of that."""
        x, law = self.of, self.relative
        shape = draw.whole(0, 4)
        if shape == 0:
            return x, f"{x} * ({law})"
        if shape == 1:
            return f"log({x})", f"({law})"
        if shape == 2:
            return f"sqrt(1 + {x}**2)", f"{x}**2 / sqrt(1 + {x}**2) * ({law})"
        power = draw.uniform(0.3, 3.0)
        if shape == 3:
            return f"{x}**{power}", f"{power} * {x}**{power} * ({law})"
        return f"{x} / (1 + {x})", f"{x} / (1 + {x})**2 * ({law})"


LOSS = Law("loss", "-gradient_norm**2 / loss", balanced=False)
SINGULAR = Law(
    "singular_values", "depth * alignment * singular_values**(1 - 2 / depth)",
    where="singular_values - 1e-6",
)  # fmt: skip
FROBENIUS = Law(
    "frobenius_norm",
    "depth * sum(alignment * singular_values**(3 - 2 / depth)) / frobenius_norm**2",
)
DETERMINANT = Law(
    "(determinant**2)", "2 * depth * sum(alignment * singular_values**(1 - 2 / depth))"
)
COMPONENT = Law(
    "component_norms", "order * component_alignments * component_norms**(1 - 2 / order)"
)
LOCAL = Law(
    "local_component_norms",
    "local_component_orders * local_alignments"
    " * local_component_norms**(1 - 2 / local_component_orders)",
    where="local_component_norms - 1e-6",
)


def deep(draw: Draw) -> Model:
    """A deep linear network of random widths, narrowest at an end."""
    depth, least = draw.whole(2, 5), draw.whole(1, 3)
    inner = [draw.whole(least, 4) for _ in range(depth)]
    return DeepLinear((least, *inner) if draw.sometimes(0.5) else (*inner, least))


def square(draw: Draw) -> Model:
    """A deep linear network of square matrices."""
    return DeepLinear((draw.whole(1, 4),) * (draw.whole(2, 5) + 1))


def cp(draw: Draw) -> Model:
    """A CP factorization."""
    return CPFactorization(
        tuple(draw.whole(1, 4) for _ in range(draw.whole(2, 4))), draw.whole(1, 4)
    )


def tree(draw: Draw) -> Model:
    """A hierarchical factorization: halving, one level, or the pooling of a convolutional net."""
    order = draw.whole(3, 5)
    shape = tuple(draw.whole(2, 3) for _ in range(order))
    branches = draw.one_of(
        (binary_tree(order), one_level_tree(order), adjacent_pool_tree(order, draw.whole(2, 3)))
    )
    widths: Any = draw.whole(1, 3)  # one for all nodes
    return HierarchicalTensor(shape, branches, widths=widths, trainable_root=draw.sometimes(0.7))


def symmetric(draw: Draw) -> Model:
    """A symmetric tensor, its coefficients trained or not."""
    return SymmetricTensor(
        draw.whole(2, 4), draw.whole(2, 4), draw.whole(1, 4),
        coefficients=draw.one_of((None, 1.0)),
    )  # fmt: skip


def quadratic(draw: Draw) -> Model:
    """A network with quadratic activation."""
    neurons = draw.whole(1, 4)
    return QuadraticNetwork(
        draw.whole(1, 4), neurons, None if draw.sometimes(0.5) else (1, -1, 1, -1)[:neurons]
    )


FAMILIES = (
    (deep, (LOSS, SINGULAR, FROBENIUS)),
    (square, (DETERMINANT, SINGULAR)),
    (cp, (LOSS, COMPONENT)),
    (tree, (LOSS, LOCAL)),
    (symmetric, (LOSS,)),
    (quadratic, (LOSS,)),
)


def drawn_law(draw: Draw) -> tuple[Law, RandomStates]:
    """A law, and states at which it holds."""
    family, laws = draw.one_of(FAMILIES)
    law, model = draw.one_of(laws), family(draw)
    return law, RandomStates(
        model,
        "balanced" if law.balanced else draw.one_of(model.kinds[:2]),
        scale=draw.uniform(0.3, 1.5),
        seed=draw.whole(0, 10**6),
        count=draw.whole(1, 12),
        loss=draw.one_of(LOSSES),
        fraction=draw.one_of((1.0, 0.6)),
    )


def claimed(draw: Draw, law: Law, off: str) -> RateLaw:
    """A law of some function of its quantity, the rate times `off`."""
    of, rate = law.under(draw)
    return RateLaw(
        of,
        f"{off} * {rate}",
        where=law.where,
        assumptions=(BALANCED,) if law.balanced else (),
        tolerance=draw.tolerance(),
    )


@kind
def rate_laws(draw: Draw) -> Stated:
    """Exact laws of every model under random functions; false: a factor is off."""
    law, case = drawn_law(draw)
    return Stated(claimed(draw, law, draw.factor), case, abs(draw.error))


@kind
def exponents(draw: Draw) -> Stated:
    """Exact laws of every model; false: an exponent is off."""
    law, case = drawn_law(draw)
    # The rate is off by the error times |log x|, wherever x is not one.
    size = np.abs(np.log(np.abs(_read(case, law.of))))
    size = size[np.isfinite(size)].max(initial=0.0)
    off = "1" if draw.true else f"Abs({law.of})**({draw.error!r})"
    return Stated(claimed(draw, law, off), case, 0.9 * abs(draw.error) * min(size, 1.0))


@kind
def at_one_entry(draw: Draw) -> Stated:
    """Exact laws; false: off at one entry of one state only."""
    law, case = drawn_law(draw)
    found = _read(case, law.of).ravel()
    found = found[np.isfinite(found) & (found > 1e-6)]
    value = float(draw.one_of(found.tolist() or [1.0]))
    # A bell as narrow as may be without dying of rounding itself.
    bell = f"exp(-(({law.of} / {value!r} - 1) / 1e-4)**2)"
    off = "1" if draw.true else f"(1 + {draw.error!r} * {bell})"
    # Beside it another entry, 1e-4 away or less, may share the error; no matter.
    return Stated(claimed(draw, law, off), case, 0.99 * abs(draw.error))


@kind
def tiny_components(draw: Draw) -> Stated:
    """Laws of components of sizes from 1 to 1e-8 side by side; false: off at the smallest only."""
    sizes = [1.0, *sorted((draw.spread(1e-8, 1e-2) for _ in range(draw.whole(1, 2))), reverse=True)]
    order, n = draw.whole(2, 4), len(sizes)
    rng, law = draw.rng, COMPONENT
    model: Model
    if draw.sometimes(0.5):
        model = CPFactorization((3,) * order, n)
        columns = [rng.standard_normal((3, n)) for _ in range(order)]
        factors = [f / np.linalg.norm(f, axis=0) * np.array(sizes) ** (1 / order) for f in columns]
    else:
        law, model = SINGULAR, DeepLinear((n,) * (order + 1))
        law = replace(law, where=None)
        factors = list(model.balanced_factors(np.diag(sizes)))
    target = Full(rng.standard_normal(model.tensor_shape))
    case = States(Problem(model, SquaredLoss(), target), (tuple(model.ravel(factors).tolist()),))
    bell = f"exp(-10 * ({law.of} / {sizes[-1]!r} - 1)**2)"
    off = "1" if draw.true else f"(1 + {draw.error!r} * {bell})"
    return Stated(claimed(draw, law, off), case, 0.99 * abs(draw.error))


@kind
def balancedness(draw: Draw) -> Stated:
    """Laws of balanced states; false: of states that are not, as if they were."""
    law = draw.one_of((SINGULAR, COMPONENT, LOCAL))
    models = {SINGULAR: deep, COMPONENT: cp, LOCAL: tree}
    model = models[law](draw)
    if law is SINGULAR:  # scalars are always balanced enough: two by two at least
        model = DeepLinear((draw.whole(2, 4),) * (draw.whole(2, 4) + 1))
    start = "balanced" if draw.true else "gaussian"
    case = RandomStates(model, start, seed=draw.whole(0, 10**6), count=10)
    claim = replace(claimed(draw, law, "1"), assumptions=(BALANCED,) if draw.true else ())
    return Stated(claim, case)


@kind
def conserved_pointwise(draw: Draw) -> Stated:
    """Imbalances do not change; false: a share of another quantity is added."""
    family = draw.one_of((deep, cp, tree, symmetric, quadratic))
    model = family(draw)
    while model.parameters < 2 or not _conserves(model):
        model = family(draw)
    case = RandomStates(
        model, "gaussian", seed=draw.whole(0, 10**6), count=8, loss=draw.one_of(LOSSES)
    )
    of = "imbalances" if draw.true else f"sum(imbalances) + {draw.error!r} * loss"
    scale = "parameter_norm * gradient_norm"
    claim = RateLaw(of, 0, scale=scale, tolerance=draw.tolerance())
    drift = (_read(case, "gradient_norm") / _read(case, "parameter_norm")).max()
    return Stated(claim, case, 0.99 * abs(draw.error) * float(drift))


@kind
def penalties(draw: Draw) -> Stated:
    """A penalty adds its own term to every law; false: the term is off."""
    strength = draw.spread(1e-3, 1.0)
    model, law, number = draw.one_of(
        (
            (DeepLinear((2, 2, 2, 2)), SINGULAR, "depth"),
            (CPFactorization((2, 3, 2), 2), COMPONENT, "order"),
        )
    )
    target = Full(np.round(draw.rng.standard_normal(model.tensor_shape), 2))
    problem = Problem(model, SquaredLoss(), target, Ridge(strength))
    seed = draw.whole(0, 10**6)
    theta = [problem.init(1.0, kind="balanced", seed=seed + k) for k in range(4)]
    case = States(problem, tuple(tuple(row.tolist()) for row in theta))
    term = f"{draw.factor} * {strength!r} * {number}"
    claim = RateLaw(
        law.of,
        f"{law.of} * ({law.relative}) - {term} * {law.of}",
        assumptions=(BALANCED,),
        tolerance=draw.tolerance(),
    )
    x = _read(case, law.of)
    rate = np.abs(claim.evaluate(claim.sides()[0], case.samples()))
    share = strength * float(_number(model)) * np.abs(x) / np.maximum(rate, 1e-300)
    return Stated(claim, case, 0.9 * abs(draw.error) * min(1.0, float(np.nanmax(share))))


@kind
def symmetric_tensors(draw: Draw) -> Stated:
    """Components of symmetric tensors beside their target; false: a factor is off."""
    order, d = draw.whole(3, 4), draw.whole(2, 4)
    p, c = draw.one_of((order, 2)), draw.uniform(0.3, 1.5)
    target = RankOneSum.random([draw.uniform(0.5, 2.0) for _ in range(2)], dimension=d,
                               order=order, seed=draw.whole(0, 99))  # fmt: skip
    model = SymmetricTensor(d, order, draw.whole(1, 4), degree=p, coefficients=c)
    problem = Problem(model, SquaredLoss(), target)
    seed = draw.whole(0, 10**6)
    theta = [problem.init(draw.uniform(0.3, 1.2), kind="gaussian", seed=seed + k) for k in range(4)]
    case = States(problem, tuple(tuple(row.tolist()) for row in theta))
    law = Law("vector_norms", f"{p} * {c} * vector_norms**{p - 2} * residual_correlations")
    return Stated(replace(claimed(draw, law, draw.factor), assumptions=()), case, abs(draw.error))


def _conserves(model: Model) -> bool:
    """Whether anything is known to be conserved, and is there."""
    try:
        return model.imbalances(model.unravel(np.ones(model.parameters))).size > 0
    except TypeError:
        return False


def _number(model: Model) -> int:
    return model.depth if isinstance(model, DeepLinear) else len(model.tensor_shape)


def _read(case: Case, formula: str) -> np.ndarray:
    return Equal(formula, "1").evaluate(formula, case.samples())
