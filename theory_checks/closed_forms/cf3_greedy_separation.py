"""Of two modes with constant alignments the slower stays small while the faster blows up.

Follows from the rate law of Arora et al. (2019) under constant alignments, both modes solved.
"""

import numpy as np
import sympy as sp

from dynlens import (
    AtLeast,
    Check,
    ClosedForm,
    DeepLinear,
    HuberLoss,
    Identities,
    Path,
    Problem,
    Reading,
    Sensing,
    Start,
    Theorem,
)
from dynlens.symbolic import is_zero
from theory_checks.closed_forms.cf1_constant_alignment import (
    N,
    blow_up,
    exponential,
    g,
    growth,
    s0,
    t,
)

g1, g2, s1 = sp.symbols("gamma_1 gamma_2 sigma_1", positive=True)
ratio_at_blow_up = (1 - g2 / g1) ** (-N / (N - 2))
# Time eliminated from the two solutions: sigma_2 as a function of sigma_1.
second = s0 * (1 - g2 / g1 * (1 - (s1 / s0) ** (-(N - 2) / N))) ** (-N / (N - 2))


def derivation():
    """Evaluate mode 2 at the time mode 1 blows up (N >= 3), or reaches one (N = 2)."""
    at_blow_up = growth.subs({g: g2, t: blow_up.subs(g, g1)}) / s0
    when_one = sp.log(1 / s0) / (2 * g1)
    first_mode = growth.subs(g, g1)
    return {
        "N >= 3": is_zero(at_blow_up - ratio_at_blow_up, positive=[1 - g2 / g1]),
        "N = 2": is_zero(exponential.subs({g: g2, t: when_one}) - s0 ** (1 - g2 / g1)),
        "bounded in sigma_0": sp.diff(ratio_at_blow_up, s0),
        "time eliminated": is_zero(
            (second.subs(s1, first_mode) / growth.subs(g, g2)) ** ((N - 2) / N) - 1,
            positive=[s0 ** (-(N - 2) / N) - (N - 2) * k * t for k in (g1, g2)],
        ),
    }


def two_modes(depth, scale):
    """Alignments 1 and 0.6: Huber's constant gradient, measured along the two diagonal entries."""
    tensors = [np.diag([1.0, 0.0]), np.diag([0.0, 0.6])]
    sensing = Sensing(tensors, [1e3, 1e3])
    problem = Problem(DeepLinear((2,) * (depth + 1)), HuberLoss(1.0), sensing)
    power = (depth - 2) / depth
    when_one = (scale**-power - 1) / (depth - 2)  # mode 1 reaches one
    return Path(problem, Start(scale, "identity"), when_one, rtol=1e-12, atol=1e-16)


MODES = {
    "sigma_1": Reading("singular_values", where=(0,)),
    "sigma_2": Reading("singular_values", where=(1,)),
}
paths = tuple(two_modes(depth, scale) for depth in (3, 4) for scale in (1e-2, 1e-4, 1e-6))


def law(formula):
    text = str(formula.subs({N: sp.Symbol("depth"), s0: sp.Symbol("sigma_1_0")}))
    return ClosedForm(
        left="sigma_2", right=text, given={"gamma_1": 1.0, "gamma_2": 0.6}, readings=MODES
    )


theorem = Theorem(
    id="CF3",
    title="greedy separation of two modes",
    source="arora2019implicit, Theorem 3, solved for two modes",
    checks=(
        Check(
            Identities(
                "sigma_2 / sigma_0 = (1 - gamma_2/gamma_1)^(-N/(N-2)) at the blow-up",
                derivation,
                show=lambda: {"ratio": ratio_at_blow_up, "path": second},
            )
        ),
        Check(law(second), paths),
        # Bounded whatever the start: the limits are 15.625 (N = 3) and 6.25 (N = 4).
        Check(AtLeast(left="15.625", right="sigma_2 / sigma_2_0", readings=MODES), paths),
    ),
    controls={
        "exponent -1/(N - 2)": Check(
            law(s0 * (1 - g2 / g1 * (1 - (s1 / s0) ** (-(N - 2) / N))) ** (-1 / (N - 2))), paths[:1]
        ),
        "limit 2.5 at N = 3": Check(
            AtLeast(left="2.5", right="sigma_2 / sigma_2_0", readings=MODES), paths[:1]
        ),
        "the ratio grows like 1 / sigma_0": Check(
            # From 6.7 at 1e-2 it would have to pass 600 at 1e-4.
            AtLeast(
                left="sigma_2 / sigma_2_0",
                right="6 * (0.01 / sigma_2_0)",
                readings=MODES,
                where="sigma_1 - 0.99",
            ),
            paths[1:2],
        ),
    },
)
