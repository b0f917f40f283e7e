"""Over a fixed time descent stays within O(eta^2) of its modified flows.

One order better than the flow's O(eta), and no better: the local errors of F1 add up (backward
error analysis, Hairer, Lubich & Wanner 2006, IX). With the correction f_2 it is O(eta^3).
"""

from dynlens import (
    BackwardError,
    Check,
    DeepLinear,
    Full,
    PowerLaw,
    Problem,
    SquaredLoss,
    Start,
    Theorem,
    completion_problem,
)

ETAS = (0.04, 0.02, 0.01)
two_layers = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
cases = (
    BackwardError(two_layers, (1.7, 0.3), ETAS, 3.0),
    BackwardError(completion_problem(2), Start(0.5, seed=0), ETAS, 2.0),
)


def order(of, expected):
    return PowerLaw(of, "eta", expected, band=0.1)


theorem = Theorem(
    id="F2.3",
    title="the distance of descent to its modified flows",
    source="barrett2021implicit; hairer2006geometric, IX",
    checks=(
        Check(order("to_flow", 1), cases),
        Check(order("to_first", 2), cases),
        Check(order("to_second", 3), cases),
        Check(order("to_principal", 2), cases),
    ),
    controls={
        "the modified flow is of order 3": Check(order("to_first", 3), cases),
        "the modified flow is no better than the flow": Check(order("to_first", 1), cases),
        "the principal flow is of order 3": Check(order("to_principal", 3), cases),
    },
)
