"""Singular values of a balanced factorization grow at rate L s^(2 - 2/L) <-grad l, u v'>.

Arora, Cohen, Hu & Luo (2019), Theorem 3.
"""

import sympy as sp

from dynlens import BALANCED, Check, Path, RandomStates, RateLaw, Start, Theorem, completion_problem

depth, singular_values = sp.symbols("depth singular_values", positive=True)
alignment = sp.Symbol("alignment", real=True)  # <-grad l(W), u_r v_r^T>

law = depth * alignment * singular_values ** (2 - 2 / depth)


def claim(rate, **changes):
    """The rate law, asserted where the singular value is not a rounding residue."""
    settings = {"where": "singular_values - 1e-9", "assumptions": (BALANCED,)} | changes
    return RateLaw(of="singular_values", rate=rate, **settings)


along_flow = tuple(
    Path(completion_problem(L), Start(0.3, "balanced", seed=1, determinant=1), 50.0)
    for L in (2, 3, 4)
)
anywhere = tuple(
    RandomStates(widths, fraction=0.6) for widths in ((3, 3, 3), (3, 4, 5), (5, 5, 4, 3), (2,) * 6)
)

theorem = Theorem(
    id="A.3",
    title="singular values of a balanced deep matrix factorization",
    source="arora2019implicit, Theorem 3",
    checks=(Check(claim(law), along_flow + anywhere),),
    controls={
        "factor L dropped": Check(claim(law / depth), anywhere),
        "exponent 2 - 1/L": Check(
            claim(depth * alignment * singular_values ** (2 - 1 / depth)), anywhere
        ),
        "sign flipped": Check(claim(-law), anywhere),
        "balancedness dropped": Check(
            claim(law, assumptions=()), (RandomStates((3, 3, 3), start="gaussian"),)
        ),
    },
)
