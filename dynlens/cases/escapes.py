"""Escapes from a saddle by the flow and by descent: the family of what is late, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dynlens.cases.small_starts import SmallStarts
from dynlens.comparison.transitions import step_crossing
from dynlens.dynamics.descent import gradient_descent
from dynlens.support import validation
from dynlens.support.errors import IntegrationError
from dynlens.support.typing import Array

LATER = 1.5  # times the flow's escape: how long descent is given


@dataclass(frozen=True)
class EscapeTimes(SmallStarts):
    """Like `SmallStarts`, with the times at which gradient descent comes to the same norm.

    Besides ``alpha`` and ``escape_time``, which is the flow's, ``descent_time`` may be read, and
    ``eta``.

    Parameters
    ----------
    eta : float
        Step of descent; the other parameters are those of `SmallStarts`.
    """

    eta: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.positive("eta", self.eta)

    def measure(self) -> dict[str, Array]:
        """Everything that is measured, by name."""
        found = super().measure()
        times = [
            self.descended(alpha, t)
            for alpha, t in zip(self.alphas, found["escape_time"], strict=True)
        ]
        eta = np.full(len(self.alphas), self.eta)
        return {**found, "descent_time": np.array(times), "eta": eta}

    def descended(self, alpha: float, about: float) -> float:
        """Time at which descent from ``alpha * a`` comes to the norm, by its steps' cubic."""
        steps = round(LATER * about / self.eta) + 10
        run = gradient_descent(
            self.problem,
            alpha * np.array(self.direction),
            eta=self.eta,
            steps=steps,
            saves=np.arange(steps + 1),
        )
        event = self.leaving
        heights = run.values(event.observable, **dict(event.parameters)) - event.value
        t = step_crossing(run.t, heights)
        if np.isnan(t):
            raise IntegrationError(
                f"descent from alpha = {alpha:g} has not come to {event.name} by t = "
                f"{run.t[-1]:.4g} ({run.message}); take a smaller `eta`."
            )
        return t
