"""Models by a short word, for commands that ask about one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
from dynlens.problems.instances import completion_problem
from dynlens.problems.problem import Problem

Numbers = tuple[int, ...]

# Kind -> how it is written, and how it is made of the groups of numbers.
KINDS: dict[str, tuple[str, Callable[..., Model | Problem]]] = {
    "deep": ("deep:3-3-3, the widths", DeepLinear),
    "cp": ("cp:2-2-2:4, sizes and components", lambda shape, r: CPFactorization(shape, r[0])),
    "tree": (
        "tree:2-2-2-2:2, sizes and widths, a binary tree",
        lambda shape, r: HierarchicalTensor(shape, binary_tree(len(shape)), _one_or_all(r)),
    ),
    "level": (
        "level:2-2-2:3, sizes and width, a tree of one level",
        lambda shape, r: HierarchicalTensor(shape, one_level_tree(len(shape)), _one_or_all(r)),
    ),
    "symmetric": (
        "symmetric:2-3-4, dimension, order and components",
        lambda sizes: SymmetricTensor(*sizes),
    ),
    "quadratic": ("quadratic:2-3, inputs and neurons", lambda sizes: QuadraticNetwork(*sizes)),
    "P1": ("P1:3, the completion problem and its depth", lambda depth: completion_problem(*depth)),
}


def _one_or_all(widths: Numbers) -> Any:
    return widths[0] if len(widths) == 1 else widths


def model_or_problem(text: str) -> Model | Problem:
    """Return the model, or the problem, of a word.

    Examples
    --------
    >>> model_or_problem("deep:2-3-2")
    DeepLinear(widths=(2, 3, 2))
    """
    kind, *groups = text.split(":")
    remedy = f"write one of: {'; '.join(how for how, _ in KINDS.values())}."
    if kind not in KINDS:
        raise ValueError(f"no model {text!r}; {remedy}")
    try:
        numbers = [tuple(int(part) for part in group.split("-")) for group in groups]
        return KINDS[kind][1](*numbers)
    except (TypeError, IndexError) as error:
        raise ValueError(f"{text!r} has too many or too few numbers; {remedy}") from error
    except ValueError as error:
        if "int()" in str(error):
            raise ValueError(f"{text!r} is not numbers after {kind!r}; {remedy}") from error
        raise
