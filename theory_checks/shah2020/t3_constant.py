"""A constant preconditioner finds the solution nearest to the start in the norm of its inverse.

w_t - w_0 stays in the range of D X^T, so the limit is

    w_0 + D X^T (X D X^T)^-1 (y - X w_0) = argmin {|w - w_0|_{D^-1} : X w = y}

(derived; the choice of the norm by the optimizer is the subject of Vaswani et al. 2020).
"""

from dataclasses import dataclass

import numpy as np

from dynlens import AtLeast, Check, Measurement, Theorem
from dynlens.theory.regression import interpolator
from theory_checks.shah2020.t1_gradient_descent import NUDGE, Ends, instance, is_limit


@dataclass(frozen=True)
class Rivals(Measurement):
    """Norms of the limit and of other solutions, less the start."""

    count: int = 200
    seed: int = 0

    def measure(self, fine):
        X, y, w0, D = instance(self.seed)
        y = y * (NUDGE if fine else 1.0)
        rng = np.random.default_rng(self.seed + 1)
        inverse = np.linalg.inv(D)
        sizes = np.exp(rng.uniform(np.log(1e-3), np.log(10), (self.count, 1)))
        away = rng.standard_normal((self.count, 30)) @ (np.eye(30) - np.linalg.pinv(X) @ X)

        def squared(w):
            return np.einsum("...i,ij,...j->...", w - w0, inverse, w - w0)

        found = interpolator(X, y, w0=w0, D=D)
        plain = interpolator(X, y, w0=w0)
        others = squared(found + sizes * away)
        return {"own": squared(found), "others": others, "plain": squared(plain)}


rivals = (Rivals(),)
runs = (Ends("constant", steps=6000), Ends("constant", started=True, steps=6000))

theorem = Theorem(
    id="Q4.T3",
    title="the limit under a constant preconditioner",
    source="vaswani2020each; derived",
    checks=(
        Check(is_limit("with_D"), runs),
        Check(AtLeast("others", "own"), rivals),
        Check(AtLeast("plain", "own"), rivals),
    ),
    controls={
        "the inverse of D": Check(is_limit("with_inverse_D", 0.5), runs),
        "as gradient descent": Check(is_limit("shifted", 0.1), runs),
        "nearest in the norm of D = I": Check(AtLeast("own", "plain"), rivals),
    },
)
