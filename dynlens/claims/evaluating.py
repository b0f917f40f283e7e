"""What the judge asks of a claim, so that its parts need not know claims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from dynlens.cases.base import Samples
from dynlens.cases.formulas import Formula
from dynlens.support.typing import Array


class Evaluating(Protocol):
    """Something that evaluates formulas on samples: a `Claim`."""

    @property
    def assumptions(self) -> tuple[Any, ...]:
        """What it presupposes."""

    @property
    def given(self) -> tuple[tuple[str, float], ...]:
        """Numbers that its formulas use by name."""

    @property
    def allowed(self) -> float:
        """What its residuals must not exceed, at most."""

    def quantities(self) -> tuple[str, ...]:
        """Names that its formulas read."""

    def evaluate(self, formula: Formula, samples: Samples) -> Array:
        """Return a formula at every sample."""

    def inputs(self, formula: str, names: Iterable[str], samples: Samples) -> dict[str, Array]:
        """Return the values of names, so that they broadcast."""

    def read(self, name: str, samples: Samples) -> Array:
        """Return a quantity by name."""
