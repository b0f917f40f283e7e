"""Zero is a saddle of high order for vanilla components, from which escape takes powers of 1/delta.

After Wang et al. (2020), derived: within distance s of zero the loss |W - e_1^l|^2 falls by at most
1 - (1 - C s^(l+1))^2 (coefficients trained; s^l if they are fixed at one), and an aligned component
of size delta needs 1 / (l (l-2) a delta^(l-2)) to escape, ln(1/delta) / (2a) for l = 2. A
2-homogeneous component needs ln(1/delta) / (2a) for every order.
"""

import dynlens as dl

from . import algebra
from .saddle import Decrease, Escape

vanilla, homogeneous = [Escape(l) for l in (3, 4, 5)], [Escape(l, degree=2) for l in (3, 4, 5)]
decreases = [Decrease(l, trained) for trained in (True, False) for l in (3, 4, 5)]
decrease = dl.Equal("decrease", "1 - (1 - C * s**(l + trained))**2", tolerance=1e-6)
# t integrates 1 / (l a u^(l-1)) + u / (l a (a - u^l)) from delta to half the norm. The first
# term alone gives the lower bound; what it lacks of the leading order exceeds the second term.
first_term = "leading * (1 - (2 * delta)**(l - 2))"
second_term = "log((1 - delta**2) / (1 - delta_0**2)) / 4"  # at order 2
logarithm = dl.Equal("time - time_0", f"log(delta_0 / delta) / 2 + {second_term}")
integral = "time is an elementary function of the norm"

theorem = dl.Theorem(
    "Q1.T5",
    "the saddle at zero, and how long it takes to leave it",
    source="wang2020beyond; derived",
    claims={
        "integral": dl.Identities(integral, algebra.escape_times),
        "exact": dl.Check(
            dl.Equal("time", "exact"), [*vanilla, Escape(2), Escape(4, a=0.6), *homogeneous]
        ),
        "decrease": dl.Check(decrease, decreases),
        "power": dl.PowerLaw("time", "delta**(2 - l)", 1, band=0.01),
        "lower": dl.AtLeast("time", first_term),
        "upper": dl.AtLeast("leading", "time"),
        "order 2": dl.Check(logarithm, [Escape(2)]),
    },
    on=vanilla,
    false={
        "an ordinary saddle": {"claim": "decrease", "right": "1 - (1 - C * s**2)**2"},
        "order l with trained coefficients": {
            "claim": "decrease",
            "right": "1 - (1 - C * s**l)**2",
        },
        "escape ~ delta^-(l - 1)": {"against": "delta**(1 - l)"},
        "prefactor 1 / (l a)": {"claim": "lower", "right": f"(l - 2) * {first_term}"},
        "no correction at all": {"claim": "lower", "right": "leading"},
        "ln(1 / delta) / a at order 2": {"claim": "order 2", "right": "log(delta_0 / delta)"},
        "vanilla escape in ln(1 / delta)": {
            "claim": "exact",
            "right": "time_0 * log(delta) / log(delta_0)",
            "on": vanilla[:1],
        },
    },
)
