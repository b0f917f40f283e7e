"""Every solution is the one of least norm, in a norm made for it.

Let Xw = y and z = w_mn not zero. Then w is the interpolator of least norm |v|^2 = v^T Q v for

    Q = I - w w^T / |w|^2 + z z^T / (z^T w),

since Q w = z lies in the row space. Q is positive definite: with c = |z| / |w|, the cosine of the
angle between the two, its eigenvalues are 1 +- sqrt(1 - c^2), and 1. So to say that a method finds
"a solution of least norm" says nothing unless the norm is named (Shah et al. 2020; matrix derived).
"""

import sympy as sp

import dynlens as dl

from . import cases


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


theorem = dl.Theorem(
    "Q4.T5",
    "every interpolator is one of least norm",
    source="shah2020generalization; matrix derived",
    claims={
        "algebra": dl.Identities("eigenvalues of the norm", eigenvalues),
        "image": dl.Equal("image", "w_mn", tolerance=1e-13),
        # Solutions up to 15 times as long as z: Q has condition 2 |w|^2 / |z|^2 * 2, below 1e3.
        "found": dl.Equal("found", "w", tolerance=1e-11),
        "definite": dl.AtLeast("least", "0", tolerance=0.0),
        "spectrum": dl.Equal("least", "1 - sqrt(1 - c**2)", scale="1", tolerance=1e-13),
    },
    on=cases.NORMS,
    false={
        "in the Euclidean norm": {"claim": "found", "left": "w_mn"},
        "w and z exchanged": {"claim": "found", "left": "found_exchanged"},
        "definite without z": {"claim": "definite", "left": "least_without_z", "right": "1e-9"},
        "least eigenvalue c": {"claim": "spectrum", "right": "c"},
    },
)
