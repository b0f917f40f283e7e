"""A balanced component that is zero stays zero; one that is not never becomes zero.

Razin, Maman & Cohen (2021), after Theorem 1. The second half is quantitative here, for N = 3: by
Theorem 1 |d/dt sigma^(-1/3)| = |gamma|, and |gamma| <= |grad l(W)| <= sqrt(2 loss(0)) under half
the squares, so that a component needs infinite time to vanish.
"""

import dynlens as dl

from . import cases

ASSUMED = (dl.BALANCED,)
ROOT = "component_norms_0**(1 / 3)"
LASTING = f"{ROOT} / (1 + {ROOT} * sqrt(2 * loss_0) * t)"  # multiplied out, for sigma near zero

theorem = dl.Theorem(
    "P2.L2",
    "balanced components neither leave nor reach zero",
    source="razin2021implicit, after Theorem 1",
    claims={
        "stays zero": dl.Check(
            dl.Equal(
                "first",
                0,
                scale="parameter_norm**3",
                where="0.5 - sign(first_0)",  # where it starts at zero
                readings=cases.FIRST,
                assumptions=ASSUMED,
            ),
            cases.ZEROS,
        ),
        "stays positive": dl.AtLeast(
            "component_norms**(1 / 3)", LASTING, where="component_norms_0", assumptions=ASSUMED
        ),
    },
    on=cases.ZEROS + cases.NONZERO,
    false={
        "balancedness dropped, leaving zero": {
            "claim": "stays zero",
            "assumptions": (),
            "on": [cases.ONE_VECTOR_ZERO],
        },
        "balancedness dropped, reaching zero": {
            "claim": "stays positive",
            "assumptions": (),
            "on": [cases.THROUGH_ZERO],
        },
        "decays no faster than exp(-t / 100)": {
            "claim": "stays positive",
            "right": f"{ROOT} * exp(-t / 100)",
        },
    },
)
