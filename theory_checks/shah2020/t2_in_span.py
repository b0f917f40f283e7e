"""Preconditioners that respect the row space lead to the solution of least norm.

Shah et al. (2020): if D_t maps the row space of X to itself, iterates from w_0 = 0 stay in it, and
the only interpolator there is w_mn. Full-matrix AdaGrad does, D_t = (eps I + sum g g^T)^(-1/2).
From elsewhere they keep the start's part off the rows, as gradient descent does.
"""

import dynlens as dl

from .descents import CONSTANT, Ends

from_zero = [Ends("in span", steps=1500), Ends("adagrad", steps=800)]
from_anywhere = [Ends("in span", started=True, steps=1500), Ends("adagrad", True, steps=800)]

theorem = dl.Theorem(
    "Q4.T2",
    "in-span adaptive methods find the solution of least norm",
    source="shah2020generalization",
    claims={
        "from zero": dl.Check(dl.Equal("w", "w_mn", tolerance=1e-11), from_zero),
        "from anywhere": dl.Check(dl.Equal("w", "w_mn_shifted", tolerance=1e-11), from_anywhere),
    },
    false={
        "every preconditioner": {"claim": "from zero", "on": CONSTANT[:1]},
        "AdaGrad by the diagonal": {"claim": "from zero", "on": [Ends("diagonal")]},
        "from any start": {"claim": "from zero", "on": from_anywhere[1:]},
    },
)
