"""Turning from the left keeps Q^T Q and all energies, from any start; other forms do so on O(d).

Along Q' = A(Q, t) Q, A skew, Q(t) = U(t) Q(0) with U orthogonal: Q^T Q is constant for every start,
and so is E_s(QV) for every s and V (derived). The same field on O(d), written as Q' = QB or as
Q' = -(G - Q G^T Q) / 2, keeps neither off the group, and plain descent on Q leaves it.
"""

import dynlens as dl

from . import conservation

zero = {"right": "0", "scale": "1", "tolerance": 1e-9}

theorem = dl.Theorem(
    "O.T1",
    "turning from the left keeps all energies",
    source="liu2021orthogonal; derived",
    claims={
        "gram": dl.Equal("gram_left", **zero),
        **{f"energy {s}": dl.Equal(f"energy{s}_left", **zero) for s in (0, 1, 2)},
        "on the group": dl.Check(dl.Equal("gram_right", **zero), conservation.ON),
    },
    on=conservation.OFF + conservation.ON,
    false={
        "Q' = QB keeps Q^T Q": {"claim": "gram", "left": "gram_right"},
        "Q' = QB keeps energies": {"claim": "energy 1", "left": "energy1_right"},
        "the projected form keeps Q^T Q": {"claim": "gram", "left": "gram_projected"},
        "the projected form keeps energies": {"claim": "energy 1", "left": "energy1_projected"},
        "plain descent stays orthogonal": {"claim": "gram", "left": "gram_plain"},
        "plain descent keeps energies": {"claim": "energy 1", "left": "energy_plain"},
        "half of the neurons may be turned": {"claim": "energy 1", "left": "half"},
    },
)
