"""How far one step is from the exponential, to leading order.

With |A| = 1 and a step from the identity: Cayley h^3 |A^3| / 12, polar h^3 |A^3| / 3, QR with a
positive diagonal h^2 |skew(su(A^2))|, su the strictly upper part (derived).
"""

import dynlens as dl

from . import steps

near = {"where": "0.02 - h", "tolerance": 0.02}  # the next term is of relative order h or h^2

theorem = dl.Theorem(
    "O.T9",
    "retractions beside the exponential",
    source="derived",
    claims={
        "cayley": dl.Equal("cayley", "h**3 * A3 / 12", **near),
        "polar": dl.Equal("polar", "h**3 * A3 / 3", **near),
        "qr": dl.Equal("qr", "h**2 * su", **near),
        "order of cayley": dl.PowerLaw("cayley", "h", exponent=3),
        "order of polar": dl.PowerLaw("polar", "h", exponent=3),
        "order of qr": dl.PowerLaw("qr", "h", exponent=2),
    },
    on=steps.RETRACTIONS,
    false={
        "QR is of third order": {"claim": "order of qr", "exponent": 3},
        "polar with 1/12": {"claim": "polar", "right": "h**3 * A3 / 12"},
    },
)
