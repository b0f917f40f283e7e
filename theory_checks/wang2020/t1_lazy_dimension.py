"""The dimension of what linearized training can reach (Alexander & Hirschowitz).

The lazy class of Wang et al. (2020) is the tangent space of a secant variety of Veronese's: for
generic vectors its dimension is min(d m, N), but one less for four (d, l, m), and in order 2.
Trained coefficients add nothing, since u^l lies in the class itself.
"""

import dynlens as dl

from .lazy import Ranks

# (d, l, m)
exceptional = ((5, 3, 7), (3, 4, 5), (4, 4, 9), (5, 4, 14), (6, 2, 3))
regular = ((4, 3, 4), (4, 3, 5), (6, 3, 9), (5, 3, 6), (5, 4, 13), (3, 5, 4))

theorem = dl.Theorem(
    "Q1.T1",
    "the dimension of the linearized class",
    source="alexander1995polynomial; wang2020beyond",
    claims={
        "dimension": dl.Equal("rank", "theorem", scale="1", tolerance=0.0),
        "coefficients": dl.Equal("widened", "rank", scale="1", tolerance=0.0),
        # The derivative of u^l along u is l u^l: Euler's identity.
        "Euler": dl.Equal("euler", "0", scale="1", tolerance=1e-10),
    },
    on=[Ranks(exceptional), Ranks(regular), Ranks(exceptional, seed=1)],
    false={
        "always min(d m, N)": {"right": "Min(d * m, N)", "on": [Ranks(exceptional[:1])]},
        "min((d - 1) m, N)": {"right": "Min((d - 1) * m, N)", "on": [Ranks(((6, 3, 9),))]},
        "trained coefficients add m": {
            "claim": "coefficients",
            "right": "Min((d + 1) * m, N)",
            "on": [Ranks(((4, 3, 4),))],
        },
    },
)
