"""All solutions of a regression are the same on the row space of the data.

P = X^+ X projects onto it. If Xw = y then P w = X^+ y = w_mn, the solution of least norm: one
projection turns any interpolator into it (Shah et al. 2020; the projection derived).
"""

from dataclasses import dataclass

import numpy as np

from dynlens import AtLeast, Check, Equal, Measurement, Theorem
from theory_checks.shah2020.t1_gradient_descent import NUDGE, instance


@dataclass(frozen=True)
class Interpolators(Measurement):
    """Solutions at random, from near the least one to far; `off` of them fits the data no more."""

    n: int = 10
    d: int = 30
    count: int = 100
    off: float = 0.0
    seed: int = 0

    def measure(self, fine):
        nudge = NUDGE if fine else 1.0
        X, y, _, _ = instance(self.seed, self.n, self.d)
        X = X * nudge
        rng = np.random.default_rng(self.seed + 1)
        inverse = np.linalg.pinv(X)
        P, w_mn = inverse @ X, inverse @ y
        sizes = np.exp(rng.uniform(np.log(1e-3), np.log(1e2), (self.count, 1)))
        w = w_mn + sizes * rng.standard_normal((self.count, self.d)) @ (np.eye(self.d) - P)
        w = w + self.off * inverse @ rng.standard_normal(self.n)
        return {
            "projected": w @ P.T,
            "w": w,
            "w_mn": np.broadcast_to(w_mn, w.shape),
            "fitted": w @ X.T,
            "y": np.broadcast_to(y, (self.count, self.n)),
            "size": np.linalg.norm(w, axis=1),
            "least": np.full(self.count, np.linalg.norm(w_mn)),
        }


cases = (Interpolators(), Interpolators(n=1, d=2), Interpolators(n=29, d=30))
# Rounding is that of w, up to a hundred times as long as w_mn, times the condition of X.
same = {"scale": "size + least", "tolerance": 1e-12}

theorem = Theorem(
    id="Q4.T0",
    title="all interpolators agree on the row space",
    source="shah2020generalization; derived",
    checks=(
        Check(Equal("fitted", "y", **same), cases),
        Check(Equal("projected", "w_mn", **same), cases),
        Check(AtLeast("size", "least"), cases),
    ),
    controls={
        "whether or not the data are fitted": Check(
            Equal("projected", "w_mn", **same), (Interpolators(off=0.1),)
        ),
        "without the projection": Check(Equal("w", "w_mn", **same), cases),
    },
)
