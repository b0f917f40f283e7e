"""One attention head keeps W_Q W_Q^T - W_K W_K^T and W_V W_V^T - W_O^T W_O, and nothing else.

Derived: it sees W_Q^T W_K and W_O W_V, two networks of two layers, so twice k (2 h + 1 - k) / 2
with k = min(h, 2 d) for width h and dimension d.
"""

import dynlens as dl

from . import cases

COUNT = "k * (2 * h + 1 - k)"

theorem = dl.Theorem(
    "C.10",
    "the number of conservation laws of an attention head",
    source="marcotte2023abide; derived",
    claims={"at most": dl.Equal("most", COUNT), "at least": dl.Equal("least", COUNT)},
    on=[cases.HEADS],
    false={
        "one block": {"right": f"({COUNT}) / 2"},
        "h (h + 1)": {"right": "h * (h + 1)", "on": [cases.THIN_HEAD]},
        "all entries": {"right": "2 * h**2"},
    },
)
