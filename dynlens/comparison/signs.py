r"""A lost sign of the determinant: discretization, broken balance and rounding told apart.

The flow of a balanced factorization keeps the sign of :math:`\det W` for ever. A computed run may
lose it for three reasons. Descent breaks balance by :math:`\eta^2` per step, and the flow of
*unbalanced* factors does cross zero; a step may be so long that it jumps across; and once the
determinant is below rounding, arithmetic crosses. Each is tested by taking it away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.flow import gradient_flow
from dynlens.dynamics.trajectory import Trajectory
from dynlens.models.capabilities import Balancing
from dynlens.support.equality import EqualWithNaN
from dynlens.support.typing import Array
from dynlens.verdict import SHARP

SAME = 0.01  # crossings closer than this share of their time are one and the same
BEFORE = 0.9  # of descent's crossing: from where the flow goes on in its place


@dataclass(frozen=True, eq=False)
class LostSign(EqualWithNaN):
    """When the determinant's sign is lost, by whom, and what taking a cause away does to it.

    Times are those of the first saved state with the other sign, None where it is kept to the end.

    Parameters
    ----------
    flow, descent : float or None
    resolved : float
        Last time up to which the flow's determinant exceeds its numerical error a thousandfold.
    nudged : float or None
        Of descent from a start that is off in the last place: rounding would move it.
    carried_on : float or None
        Of the flow that goes on from descent's state at nine tenths of its crossing's time: no
        step is taken there, the imbalance is kept.
    rebalanced : float or None
        The same from balanced factors of the same matrix.
    imbalance, smallest : float
        Descent's largest imbalance, and the flow's smallest singular value, when descent crosses.
    """

    flow: float | None
    descent: float | None
    resolved: float
    nudged: float | None = None
    carried_on: float | None = None
    rebalanced: float | None = None
    imbalance: float = np.nan
    smallest: float = np.nan

    @property
    def cause(self) -> str:
        """Why descent lost the sign: ``"rounding"``, ``"imbalance"``, ``"discretization"``, ``""``.

        "rounding" if a start off in the last place crosses elsewhere, or the flow's own determinant
        is not resolved there; "imbalance" if the flow crosses too as long as it goes on from
        descent's imbalance, and does not from balanced factors.
        """
        if self.descent is None:
            return ""
        moved = self.nudged is None or abs(self.nudged - self.descent) > SAME * self.descent
        if moved or self.descent > self.resolved:
            return "rounding"
        if self.carried_on is None:
            return "discretization"
        later = self.rebalanced is None or self.rebalanced > 2 * self.carried_on
        return "imbalance" if later else "discretization"

    def __str__(self) -> str:
        parts = []
        if self.descent is not None:
            why = {
                "imbalance": (
                    f"its steps broke balance ({self.imbalance:.2g}, beside a smallest singular "
                    f"value of {self.smallest:.2g}), and the flow from there crosses too, unless "
                    "it is balanced again"
                ),
                "discretization": "by its steps alone: the flow from there does not cross",
                "rounding": "by rounding: a start off in the last place crosses elsewhere",
            }[self.cause]
            parts.append(f"Descent loses the sign of det W at t = {self.descent:.4g}: {why}.")
        if self.flow is not None:
            parts.append(
                f"The computed flow loses it at t = {self.flow:.4g} by rounding: its determinant "
                f"is resolved up to t = {self.resolved:.4g} only."
            )
        return " ".join(parts)


def lost_sign(flow: Trajectory, descent: Trajectory) -> LostSign | None:
    """Say who loses the sign of the determinant, and why; None where there is none to lose.

    Parameters
    ----------
    flow, descent : Trajectory
        At the same times, of a deep linear network with a square end-to-end matrix, from a balanced
        start.
    """
    problem, model = flow.problem, flow.problem.model
    if not isinstance(model, Balancing) or descent.attrs["method"] != "plain":
        return None
    if model.depth < 2 or len(set(model.tensor_shape)) != 1:
        return None
    start = flow.theta[0]
    if model.unbalancedness(model.unravel(start)) > 1e-9 * np.sum(start**2):
        return None
    here, error = flow.values("determinant"), flow.error("determinant")
    if here[0] == 0:
        return None
    good = np.abs(here) > SHARP * error
    resolved = float(flow.t[-1] if good.all() else flow.t[max(int(np.argmin(good)) - 1, 0)])
    on_flow = _crossing(flow.t, here)
    with np.errstate(over="ignore", invalid="ignore"):
        on_descent = _crossing(descent.t, descent.values("determinant"))
    if on_descent is None:
        return LostSign(on_flow, None, resolved)
    k = int(np.searchsorted(descent.t, on_descent))
    eta = descent.attrs["eta"]
    marks = np.round(descent.t[: k + 2] / eta).astype(np.int64)
    nudged = gradient_descent(
        problem, start * (1 + 2.0**-52), eta=eta, steps=int(marks[-1]), saves=marks
    )
    last = max(int(np.searchsorted(descent.t, BEFORE * on_descent)) - 1, 0)
    begin, state = float(descent.t[last]), descent.theta[last]
    times = np.linspace(0.0, 3 * (on_descent - begin) + on_descent, 401)
    again = model.ravel(model.balanced_factors(problem.end_to_end(state)))

    def carried(theta: Array) -> float | None:
        run = gradient_flow(problem, theta, times, rtol=1e-11, atol=1e-14)
        crossed = _crossing(run.t, run.values("determinant"))
        return None if crossed is None else begin + crossed

    return LostSign(
        on_flow,
        on_descent,
        resolved,
        _crossing(nudged.t, nudged.values("determinant")),
        carried(state),
        carried(again),
        float(np.abs(descent.values("imbalances")[k]).max()),
        float(flow.values("singular_values")[k].min()),
    )


def _crossing(t: Array, determinant: Array) -> float | None:
    lost = np.flatnonzero(np.sign(determinant) != np.sign(determinant[0]))
    return float(t[lost[0]]) if len(lost) else None
