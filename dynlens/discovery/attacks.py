"""Cases that a conjecture has not seen: other seeds, scales, shapes, losses, and one size more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from dynlens.cases.base import Case, RandomStates
from dynlens.models import (
    CPFactorization,
    DeepLinear,
    HierarchicalTensor,
    QuadraticNetwork,
    SymmetricTensor,
    binary_tree,
    one_level_tree,
)
from dynlens.models.base import Model
from dynlens.problems.losses import HuberLoss

FAR = 1000  # added to the seeds that were seen
SCALES = (0.1, 0.4, 1.6)  # times a scale that was seen: where signs are both, and beyond
SEEN_SCALES = (0.5, 1.0, 1.7)
DEPTHS = (2, 3, 4, 5)
FEW = 10  # states of each attack


class Attack(NamedTuple):
    """A case with what is new about it, in words that follow "holds"."""

    words: str
    case: Case


def varied(model: Model) -> tuple[RandomStates, ...]:
    """Return states of models like this one: three scales, and several depths or orders."""
    start = "balanced" if "balanced" in model.kinds else "gaussian"
    family: list[Model] = [model]
    if isinstance(model, DeepLinear):
        width = max(model.widths)
        family = [DeepLinear((width,) * (depth + 1)) for depth in DEPTHS]
    elif isinstance(model, CPFactorization):
        size = max(model.shape)
        family = [CPFactorization((size,) * order, model.components) for order in DEPTHS]
    elif isinstance(model, HierarchicalTensor):
        size, width = max(model.shape), max(model.widths)
        family = [
            replace(model, shape=(size,) * n, tree=one_level_tree(n), widths=(width,))
            for n in DEPTHS[:-1]
        ]
    elif isinstance(model, SymmetricTensor) and model.degree == model.order:
        family = [replace(model, order=n, degree=n) for n in DEPTHS[1:]]
    return tuple(RandomStates(m, start, scale=c) for m in family for c in SEEN_SCALES)


def attacks(cases: Sequence[Case]) -> list[Attack]:
    """Return what to try a law on that was found on these cases; nothing of other kinds of case."""
    random = [case for case in cases if isinstance(case, RandomStates)]
    if not random:
        return []
    last = random[-1]
    found = [Attack("for other targets and states", _other(case)) for case in _by_model(random)]
    for share in SCALES:
        found.append(Attack(f"at scale {last.scale * share:g}", _other(last, last.scale * share)))
    found += [Attack(words, replace(_other(last), model=m)) for words, m in _others(random)]
    found.append(Attack("under Huber's loss", replace(_other(last), loss=HuberLoss(0.5))))
    found.append(Attack("with 60 % observed", replace(_other(last), fraction=0.6)))
    return found


def without_hypothesis(cases: Sequence[Case]) -> list[Attack]:
    """Return the same models at states that need not be balanced."""
    random = [case for case in cases if isinstance(case, RandomStates)]
    loose = [case for case in random if case.start != "gaussian"]
    return [
        Attack("without it", replace(_other(case), start="gaussian")) for case in _by_model(loose)
    ]


def _other(case: RandomStates, scale: float | None = None) -> RandomStates:
    size = case.scale if scale is None else scale
    return replace(case, seed=case.seed + FAR, scale=size, count=FEW)


def _by_model(cases: Sequence[RandomStates]) -> list[RandomStates]:
    return list({repr(case.model): case for case in cases}.values())


def _others(cases: Sequence[RandomStates]) -> Iterator[tuple[str, Model]]:
    """Models of the same kind: of one size more than any seen, and of unequal sizes."""
    models = [case.model for case in cases if isinstance(case.model, Model)]
    seen = {repr(model) for model in models}
    largest = max(models, key=lambda model: model.parameters)
    for words, model in _neighbours(largest, models):
        if repr(model) not in seen:
            yield words, model


def _neighbours(model: Model, models: Sequence[Model]) -> Iterator[tuple[str, Model]]:
    if isinstance(model, DeepLinear):
        deepest = max(m.depth for m in models if isinstance(m, DeepLinear))
        width = max(min(model.widths), 2)
        yield f"at depth {deepest + 1}", DeepLinear((width,) * (deepest + 2))
        yield (
            f"on {width}-{width + 2}-{width + 1}-{width + 1}",
            DeepLinear((width, width + 2, width + 1, width + 1)),
        )
        yield f"on {width + 1}-{width}-{width}", DeepLinear((width + 1, width, width))
    elif isinstance(model, CPFactorization):
        most = max(m.order for m in models if isinstance(m, CPFactorization))
        yield f"at order {most + 1}", CPFactorization((2,) * (most + 1), model.components)
        yield "on a 3×4×2 tensor", CPFactorization((3, 4, 2), model.components)
        yield "with a component more", replace(model, components=model.components + 1)
    elif isinstance(model, HierarchicalTensor):
        yield (
            "on a binary tree of equal widths",
            HierarchicalTensor((3, 2, 2, 3), binary_tree(4), (2, 2, 2)),
        )
        yield (
            "on a binary tree of widths (3, 2, 4)",
            HierarchicalTensor((3, 2, 2, 3), binary_tree(4), (3, 2, 4)),
        )
        yield "on a tree of unequal depth", HierarchicalTensor((2, 3, 2), ((0, 1), 2), (2, 3))
        yield "on a tree of one level", HierarchicalTensor((2, 3, 2), one_level_tree(3), (3,))
        yield "with wider nodes", replace(model, widths=tuple(w + 1 for w in model.widths))
    elif isinstance(model, SymmetricTensor):
        order = max(m.order for m in models if isinstance(m, SymmetricTensor)) + 1
        degree = order if model.degree == model.order else model.degree
        if not isinstance(degree, tuple):
            yield f"at order {order}", replace(model, order=order, degree=degree)
        yield "in one dimension more", replace(model, dimension=model.dimension + 1)
        if not isinstance(model.degree, tuple) and not isinstance(model.coefficients, tuple):
            yield "with a component more", replace(model, components=model.components + 1)
    elif isinstance(model, QuadraticNetwork):
        yield "with one input more", replace(model, inputs=model.inputs + 1)
        if not model.signs:
            yield "with one neuron more", replace(model, neurons=model.neurons + 1)
