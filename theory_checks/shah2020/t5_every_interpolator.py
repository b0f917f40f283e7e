"""Every solution is the one of least norm, in a norm made for it.

Let Xw = y and z = w_mn not zero. Then w is the interpolator of least norm |v|^2 = v^T Q v for

    Q = I - w w^T / |w|^2 + z z^T / (z^T w),

since Q w = z lies in the row space. Q is positive definite: with c = |z| / |w|, the cosine of the
angle between the two, its eigenvalues are 1 +- sqrt(1 - c^2), and 1. So to say that a method finds
"a solution of least norm" says nothing unless the norm is named (Shah et al. 2020; matrix derived).
"""

from dataclasses import dataclass

import numpy as np
import sympy as sp

from dynlens import AtLeast, Check, Equal, Identities, Measurement, Theorem
from dynlens.theory.regression import diagonal_adagrad, interpolator, preconditioned_descent
from theory_checks.shah2020.t1_gradient_descent import NUDGE, instance


@dataclass(frozen=True)
class Norms(Measurement):
    """Solutions with their norms: some at random, and that of diagonal AdaGrad."""

    count: int = 20
    seed: int = 0

    def measure(self, fine):
        nudge = NUDGE if fine else 1.0
        X, y, _, _ = instance(self.seed)
        X = X * nudge
        rng = np.random.default_rng(self.seed + 1)
        z = np.linalg.pinv(X) @ y
        outside = np.eye(len(z)) - np.linalg.pinv(X) @ X
        sizes = np.exp(rng.uniform(np.log(0.1), np.log(3), (self.count, 1)))
        solutions = z + sizes * np.linalg.norm(z) * rng.standard_normal((self.count, 30)) @ outside
        run = preconditioned_descent(X, y, diagonal_adagrad(1e-8), eta=0.3, steps=300)
        rows = [self.norm_of(X, y, z, w) for w in (run[-1], *solutions)]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def norm_of(self, X, y, z, w):
        aside = np.eye(len(w)) - np.outer(w, w) / (w @ w)
        Q = aside + np.outer(z, z) / (z @ w)
        swapped = np.eye(len(w)) - np.outer(z, z) / (z @ z) + np.outer(w, w) / (z @ w)
        least = np.linalg.eigvalsh(Q)[0]
        return {
            "w": w,
            "found": interpolator(X, y, D=np.linalg.inv(Q)),
            "otherwise": interpolator(X, y, D=np.linalg.inv(swapped)),
            "w_mn": z,
            "image": Q @ w,
            "least": least,
            "least_aside": np.linalg.eigvalsh(aside)[0],
            "c": np.linalg.norm(z) / np.linalg.norm(w),
        }


def eigenvalues():
    """In the plane of w and z, with unit vectors (1, 0) and (c, s): Q is 1 +- s there."""
    s, x = sp.symbols("s x", positive=True)
    c = sp.sqrt(1 - s**2)
    w, z = sp.Matrix([1, 0]), sp.Matrix([c, s])
    Q = sp.eye(2) - w * w.T + z * z.T
    characteristic = (Q - x * sp.eye(2)).det()
    return {
        "eigenvalues": sp.expand(characteristic - (1 - s - x) * (1 + s - x)),
        # w and z of lengths 1 and c: z^T w = c^2, and Q w = z.
        "image": sp.expand((Q * w - c * z).norm() ** 2),
    }


cases = (Norms(), Norms(seed=1), Norms(seed=2))

theorem = Theorem(
    id="Q4.T5",
    title="every interpolator is one of least norm",
    source="shah2020generalization; matrix derived",
    checks=(
        Check(Identities("eigenvalues of the norm", eigenvalues)),
        Check(Equal("image", "w_mn", tolerance=1e-13), cases),
        # Solutions up to 15 times as long as z: Q has condition 2 |w|^2 / |z|^2 * 2, below 1e3.
        Check(Equal("found", "w", tolerance=1e-11), cases),
        Check(AtLeast("least", "0", tolerance=0.0), cases),
        Check(Equal("least", "1 - sqrt(1 - c**2)", scale="1", tolerance=1e-13), cases),
    ),
    controls={
        "in the Euclidean norm": Check(Equal("w", "w_mn", tolerance=0.05), cases),
        "w and z exchanged": Check(Equal("otherwise", "w"), cases),
        "definite without z": Check(AtLeast("least_aside", "1e-9"), cases),
        "least eigenvalue c": Check(Equal("least", "c"), cases),
    },
)
