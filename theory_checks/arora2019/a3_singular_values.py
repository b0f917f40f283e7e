"""Singular values of a balanced factorization grow at rate L s^(2 - 2/L) <-grad l, u v'>.

Arora, Cohen, Hu & Luo (2019), Theorem 3.
"""

import dynlens as dl

from . import cases

law = "depth * alignment * singular_values**(2 - 2 / depth)"

theorem = dl.Theorem(
    "A.3",
    "singular values of a balanced deep matrix factorization",
    source="arora2019implicit, Theorem 3",
    claims=[
        dl.RateLaw("singular_values", law, where=cases.NOT_ROUNDING, assumptions=(dl.BALANCED,))
    ],
    on=[*cases.BALANCED_FLOWS, *cases.BALANCED_STATES],
    false={
        "factor L dropped": {"rate": law.removeprefix("depth * ")},
        "exponent 2 - 1/L": {"rate": law.replace("2 / depth", "1 / depth")},
        "sign flipped": {"rate": f"-{law}"},
        "balancedness dropped": {
            "assumptions": (),
            "on": [dl.RandomStates((3, 4, 5), "gaussian", fraction=0.6)],
        },
    },
)
