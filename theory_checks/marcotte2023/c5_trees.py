"""A tree has a law for each child of each of its components: sum over nodes of R |C|.

Derived: the squared norm of row r of a node's weight less that of column r of the child's. Where
the children of the root have width one, the root sees one number of each, and there is a law more.
"""

import dynlens as dl

from . import cases

theorem = dl.Theorem(
    "C.5",
    "the number of conservation laws of hierarchical tensor factorizations",
    source="marcotte2023abide, razin2022implicit; derived",
    claims={
        "at most": dl.Equal("most", "pairs"),
        "at least": dl.Equal("least", "pairs"),
        "stated": dl.Equal("stated", "pairs"),
    },
    on=[cases.TREES],
    false={
        "widths of one": {"on": [cases.NARROW_TREE]},
        "one less": {"right": "pairs - 1"},
    },
)
