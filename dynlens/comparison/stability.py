r"""Stability: the step times the sharpness, along descent and along the flow, against 1 and 2.

On a quadratic descent is monotone below 1, oscillates between 1 and 2, and diverges above; a
minimum that is sharper than :math:`2/\eta` cannot attract it (Cohen et al. 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dynlens.dynamics.trajectory import Trajectory
from dynlens.problems.curvature import DENSE, curvature_range
from dynlens.support.typing import Array

FEW = 25  # times looked at where the spectrum's ends need Lanczos
OSCILLATES, UNSTABLE = 1.0, 2.0


@dataclass(frozen=True, eq=False)
class Stability:
    """Ends of the Hessian's spectrum at some common times.

    Parameters
    ----------
    t : ndarray, shape (T,)
    flow, descent : ndarray, shape (T, 2)
        Least and largest eigenvalue; NaN where descent overflowed.
    eta : float
    """

    t: Array
    flow: Array
    descent: Array
    eta: float

    @property
    def largest(self) -> float:
        """Largest product of the step and the sharpness, on either run."""
        return self.eta * float(np.nanmax([self.flow[:, 1], self.descent[:, 1]]))

    @property
    def final(self) -> float:
        """Product of the step and the sharpness where descent ended."""
        return self.eta * float(self.descent[-1, 1])

    def beyond(self, threshold: float, run: str = "flow") -> float | None:
        """First of the times at which the product is above the threshold, or None."""
        values: Array = getattr(self, run)
        passed = np.flatnonzero(self.eta * values[:, 1] > threshold)
        return float(self.t[passed[0]]) if len(passed) else None

    def __str__(self) -> str:
        parts = []
        for name, values in (("flow", self.flow), ("descent", self.descent)):
            product = self.eta * values[:, 1]
            parts.append(f"{product[0]:.3g} to {product[-1]:.3g} (most {np.nanmax(product):.3g})")
            lowest = float(np.nanmin(values[:, 0]))
            parts[-1] = f"{name} {parts[-1]}, least curvature {lowest:.3g}"
        return "eta * sharpness: " + "; ".join(parts)


def stability(flow: Trajectory, descent: Trajectory) -> Stability:
    """Look at the Hessian along a flow and a descent that are given at the same times.

    At every time for up to 128 parameters, at 25 of them by Lanczos for more.
    """
    kept = np.arange(len(flow))
    if flow.problem.model.parameters > DENSE:
        kept = np.unique(np.linspace(0, len(flow) - 1, FEW).round().astype(int))
    ends = [curvature_range(run.problem, run.theta[kept]) for run in (flow, descent)]
    return Stability(flow.t[kept], ends[0], ends[1], float(descent.attrs["eta"]))
