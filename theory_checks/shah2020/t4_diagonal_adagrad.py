"""AdaGrad by the diagonal leaves the row space, a little, and stays where it has come to.

Shah et al. (2020): on the rows it finds w_mn, as every method that fits does; off the rows

    |P_perp (w_t - w_s)|  <=  eta sum over s <= q < t of |P_perp D_q X^T| |X w_q - y|,

which is summable once the residuals decay geometrically: there is a limit, which is not w_mn.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from dynlens import AtLeast, Check, Equal, Measurement, Theorem
from dynlens.theory.regression import diagonal_adagrad, preconditioned_descent
from theory_checks.shah2020.t1_gradient_descent import NUDGE, Ends, instance

EPSILON, ETA = 1e-8, 0.3
STEPS = (0, 1, 2, 5, 10, 20, 50, 100, 1000, 5000, 20_000)


@dataclass(frozen=True)
class Spans(Measurement):
    """What lies between every two of some steps: the way off the rows, and its bound."""

    seed: int = 0
    steps: tuple[int, ...] = STEPS

    @cache  # noqa: B019 - frozen, and a handful of them
    def measure(self, fine):
        nudge = NUDGE if fine else 1.0
        X, y, _, _ = instance(self.seed)
        X = X * nudge
        w = preconditioned_descent(X, y, diagonal_adagrad(EPSILON), eta=ETA, steps=self.steps[-1])
        outside = np.eye(X.shape[1]) - np.linalg.pinv(X) @ X
        residuals = w @ X.T - y
        # D_q as they were, from the gradients along the path.
        scales = 1 / np.sqrt(np.cumsum((residuals @ X) ** 2, axis=0) + EPSILON)
        early = slice(0, 200)  # later the residuals are rounding: their part is bounded as a whole
        norms = np.linalg.norm(outside @ (scales[early, :, None] * X.T), 2, axis=(1, 2))
        later = np.full(len(w) - len(norms), np.linalg.norm(scales[-1, :, None] * X.T, 2))
        steps = ETA * np.append(norms, later) * np.linalg.norm(residuals, axis=1)
        bounds = np.append(0.0, np.cumsum(steps))
        pairs = [(s, t) for s in self.steps for t in self.steps if s < t]
        off = w @ outside
        return {
            "s": np.array([s for s, _ in pairs], dtype=float),
            "t": np.array([t for _, t in pairs], dtype=float),
            "moved": np.array([np.linalg.norm(off[t] - off[s]) for s, t in pairs]),
            "bound": np.array([bounds[t] - bounds[s] for s, t in pairs]),
            "outside": np.array([np.linalg.norm(off[t]) for _, t in pairs]),
            "residual": np.array([np.linalg.norm(residuals[t]) for _, t in pairs]),
        }


case, others = (Spans(),), (Spans(1, STEPS[:-1]), Spans(2, STEPS[:-1]))
LATE = "t - 99"  # positive from step 100 on

theorem = Theorem(
    id="Q4.T4",
    title="diagonal AdaGrad saturates off the row space",
    source="shah2020generalization; bound derived",
    checks=(
        Check(Equal("kept", "w_mn", tolerance=1e-13), (Ends("diagonal"),)),
        Check(AtLeast("bound + 1e-13", "moved"), case + others),
        Check(AtLeast("1e-10", "moved", where="s - 999"), case + others),
        Check(AtLeast("1e-13", "residual", where="t - 4999"), case + others),
        Check(Equal("outside", "0.709998", where=LATE, tolerance=1e-6), case),
    ),
    controls={
        "it finds w_mn": Check(Equal("w", "w_mn", tolerance=0.05), (Ends("diagonal"),)),
        "what is off the rows decays": Check(AtLeast("0.1", "outside", where=LATE), case),
        "nothing is ever off the rows": Check(AtLeast("1e-3", "outside"), case),
        "a hundredth of the bound": Check(AtLeast("bound / 100", "moved", where="20 - t"), case),
    },
)
