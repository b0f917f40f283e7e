"""Preconditioners that respect the row space lead to the solution of least norm.

Shah et al. (2020): if D_t maps the row space of X to itself, iterates from w_0 = 0 stay in it, and
the only interpolator there is w_mn. Full-matrix AdaGrad does, D_t = (eps I + sum g g^T)^(-1/2).
"""

from dynlens import Check, Theorem
from theory_checks.shah2020.t1_gradient_descent import Ends, is_limit

theorem = Theorem(
    id="Q4.T2",
    title="in-span adaptive methods find the solution of least norm",
    source="shah2020generalization",
    checks=(
        Check(is_limit("w_mn"), (Ends("in span", steps=1500), Ends("adagrad", steps=800))),
        # From elsewhere they keep the start's part off the rows, as gradient descent does.
        Check(is_limit("shifted"), (Ends("in span", started=True, steps=1500),)),
        Check(is_limit("shifted"), (Ends("adagrad", started=True, steps=800),)),
    ),
    controls={
        "every preconditioner": Check(is_limit("w_mn"), (Ends("constant", steps=6000),)),
        "AdaGrad by the diagonal": Check(is_limit("w_mn", 0.05), (Ends("diagonal"),)),
        "from any start": Check(is_limit("w_mn", 0.5), (Ends("adagrad", True, 800),)),
    },
)
