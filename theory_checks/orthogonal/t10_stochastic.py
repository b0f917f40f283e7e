"""Turning a random block of p of d coordinates is the flow, slower by p (p-1) / (d (d-1)).

With A_J the block of A on a uniform random set J: E[A_J] = f A and E |A_J|^2 = f |A|^2,
f = p (p-1) / (d (d-1)), here over all sets (derived; the scheme is Liu et al.'s). Orthogonality and
energy are kept exactly; a run ends where the full descent is after f times as many steps.
"""

import dynlens as dl

from . import steps

blocks = [steps.Blocks(), steps.Blocks(d=9, p=4, seed=1)]
run = [steps.Stochastic()]
SHARE = "p * (p - 1) / (d * (d - 1))"

theorem = dl.Theorem(
    "O.T10",
    "turning random blocks is slower by p(p-1)/(d(d-1))",
    source="stochastic scheme of liu2021orthogonal (code); derived",
    claims={
        "mean": dl.Check(dl.Equal("mean", f"{SHARE} * A", tolerance=1e-12), blocks),
        "square": dl.Check(dl.Equal("square", f"{SHARE} * whole", tolerance=1e-12), blocks),
        "gram": dl.Check(dl.Equal("gram", "0", scale="1", tolerance=1e-11), run),
        "energy": dl.Check(dl.Equal("energy", "0", scale="1", tolerance=1e-11), run),
        "as many steps": dl.Check(
            dl.Equal("loss", "full", scale="begun - full", tolerance=0.03), run
        ),
    },
    false={
        "p / d": {"claim": "mean", "right": "p / d * A"},
        "(p / d)^2": {"claim": "square", "right": "(p / d)**2 * whole"},
    },
)
