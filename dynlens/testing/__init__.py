"""What a part of your own must fulfil to be a part of dynlens: suites that ours pass too."""

from dynlens.testing.models import (
    HALF_SQUARES,
    SCALE,
    SEEN,
    adjoint,
    batched,
    check_model,
    compiled,
    conserved,
    derivatives,
    factors_of,
    parameters,
    polynomial,
    problem_of,
    relative,
    starts,
)

__all__ = [
    "HALF_SQUARES",
    "SCALE",
    "SEEN",
    "adjoint",
    "batched",
    "check_model",
    "compiled",
    "conserved",
    "derivatives",
    "factors_of",
    "parameters",
    "polynomial",
    "problem_of",
    "relative",
    "starts",
]
