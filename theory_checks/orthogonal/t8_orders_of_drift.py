"""Fixed-point steps drift with orders 1, 3, 3, 5, 5: an iteration more does not always help.

One step is Y_0 = Q + eta A Q, then k times Y = Q + (eta/2) A (Q + Y). An eigenvalue i theta of
eta A is multiplied by p_k with |p_k|^2 - 1 as in `dynlens.theory.orthogonal.step_defect` (derived).
Over a fixed time the defect of Q^T Q, and the relative drift of the energy, are of these orders:
k = 1 and k = 2, which is the authors', drift alike, outwards and inwards. Exponential, Cayley, QR
and polar steps do not drift. All are of first order along the flow.
"""

import dynlens as dl

from . import steps
from .steps import ORDERS, STATED, drifts

outwards = {k: "trace" if k in (0, 1, 4) else "-trace" for k in ORDERS}
numbers = {
    f"at theta = .3, k = {k}": dl.Check(dl.Equal(f"k{k}", value, tolerance=1e-7), [steps.Defects()])
    for k, value in enumerate(STATED)
}
defects = {
    f"defect, k = {k}": dl.Check(dl.PowerLaw("defect", "h", exponent=order), drifts(k, steps.CALM))
    for k, order in ORDERS.items()
}
energies = {
    f"energy, k = {k}": dl.Check(dl.PowerLaw("energy", "h", exponent=order), steps.ENERGIES[k])
    for k, order in ORDERS.items()
}

theorem = dl.Theorem(
    "O.T8",
    "orders of drift of fixed-point steps",
    source="steps of liu2021orthogonal (code); derived",
    claims={
        "lengthening": dl.Identities("|p_k|^2 - 1, k = 0, ..., 5", steps.lengthening),
        **numbers,
        **defects,
        **energies,
        **{
            f"sign, k = {k}": dl.Check(dl.AtLeast(side, "0"), drifts(k))
            for k, side in outwards.items()
        },
        "exact": dl.Check(dl.Equal("defect", "0", scale="1", tolerance=1e-12), steps.KEPT),
        "first order": dl.Check(dl.PowerLaw("distance", "h", exponent=1), steps.KEPT),
    },
    false={
        "an iteration more, an order more": {"claim": "defect, k = 2", "exponent": 4},
        "order two for tangent steps": {"claim": "defect, k = 0", "exponent": 2},
        "two iterations are Cayley's step": {"claim": "exact", "on": drifts(2)},
        "two iterations drift outwards": {"claim": "sign, k = 2", "left": "trace"},
        "even orders": {"claim": "energy, k = 1", "exponent": 2},
    },
)
