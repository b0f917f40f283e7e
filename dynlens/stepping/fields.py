"""How a compiled loop calls the vector field: at one place of a flat array, into another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynlens.problem import KERNEL_HEAD, Problem

FAST = """# Sums may be taken in any order; infinities and NaNs stay what they are.
fast = njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
# One copy of each, whoever calls it: the same bits whether compiled now or loaded from the cache.
part = njit(
    cache=True,
    error_model="numpy",
    fastmath={"reassoc", "contract", "nsz"},
    forceinline=True,
)"""


def field_source(problem: Problem) -> tuple[str, Callable[[Any, Any], str], str]:
    """Return what a loop needs of the field.

    Returns
    -------
    head : str
        Source to begin a module with.
    call : callable
        ``call(at, to)`` is an expression that reads the parameters from ``w[at:]``, writes the
        field to ``w[to:]`` and has the value of the objective.
    arguments : str
        Names of the arrays that the expression reads; see `field_data`.
    """
    n, lines = problem.model.size, problem.kernel_lines
    if lines is None:
        arguments = "values, index, rows, weight, work, tensor, cotangent"

        def call(at: Any, to: Any) -> str:
            return f"field(w[{at} : {at} + {n}], {arguments}, w[{to} : {to} + {n}])"

        # From a module of its own: a loop for another method must not compile it again.
        kernel = f"from {problem.compiled.__name__} import field"
        return "\n".join((KERNEL_HEAD, kernel, FAST, "", "")), call, arguments

    theta, out = [f"x{i}" for i in range(n)], [f"y{i}" for i in range(n)]
    body = [f"{name} = w[at + {i}]" for i, name in enumerate(theta)]
    body += lines(theta, out, "-")
    body += [f"w[to + {i}] = {name}" for i, name in enumerate(out)]
    body += ["return weight[0] * total"]
    field = "\n    ".join(["@part", "def field(w, at, to, values, weight):"][1:] + body)
    text = "\n\n".join((KERNEL_HEAD, problem.loss_source, FAST, f"@part\n{field}\n\n"))
    return text, lambda at, to: f"field(w, {at}, {to}, values, weight)", "values, weight"


def field_data(problem: Problem) -> tuple[Any, ...]:
    """Return the arrays that the call needs, in the order of its arguments."""
    data = problem.kernel_data
    return data if problem.kernel_lines is None else (data[0], data[3])
