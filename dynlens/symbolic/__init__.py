"""Exact derivations: is this expression zero, does this formula solve that equation, compile it.

Every question has three answers. ZERO needs a rewriting that ends in 0; NONZERO needs an exact
rational point where the value is not 0; anything else is UNDECIDED, however many digits vanish.

Expressions are read over the reals: where a non-integer power has a negative base, or a logarithm a
negative argument, the expression is undefined, and nothing is claimed there.
"""

from dynlens.symbolic.answers import Answer, Outcome, as_latex, as_text
from dynlens.symbolic.compiling import compile_function
from dynlens.symbolic.equations import along_flow, inverts_ode, solves_ode
from dynlens.symbolic.inequalities import holds
from dynlens.symbolic.zero import is_zero

__all__ = [
    "Answer",
    "Outcome",
    "along_flow",
    "as_latex",
    "as_text",
    "compile_function",
    "holds",
    "inverts_ode",
    "is_zero",
    "solves_ode",
]
