"""The rank of a tree's tensor, for every partition, is its smallest vertex cut.

Every node nu has an index variable, of D_n values at a leaf and R_nu elsewhere, joined to that of
its parent. For every set I of modes and every set S of variables that separates I from the rest,

    rank [[W; I]]  <=  product of the sizes in S,

and for almost all weights the smallest product is the rank: an instance with this rank is enough,
since a minor that is not zero at one point is zero on a set of measure zero (derived, after Cohen
& Shashua 2017). Ranks are of integers, counted exactly. So a binary tree of neighbours has rank
R^(N/2) across odd and even locations and R across its halves, a flat one R across all.
"""

import dynlens as dl

from . import partitions

theorem = dl.Theorem(
    "L.T1",
    "ranks for every partition are smallest vertex cuts",
    source="cohen2017inductive, razin2022implicit; derived",
    claims={
        "at most": dl.Check(dl.AtLeast("vertex_cut", "rank"), partitions.TREES),
        "equal": dl.Check(dl.Equal("vertex_cut", "rank"), partitions.TREES),
        "odd and even": dl.Check(dl.Equal("rank", "16"), [partitions.ODD]),
        "halves and neighbours": dl.Check(dl.Equal("rank", "2"), [partitions.NEIGHBOURS]),
        "strangers": dl.Check(dl.Equal("rank", "4"), [partitions.STRANGERS]),
        "flat": dl.Check(dl.AtLeast("5", "rank"), [partitions.FLAT]),
    },
    false={
        "a node's own width": {
            "claim": "equal",
            "left": "own_width",
            "on": [partitions.WIDE],
        },
        "the largest size, not the product": {
            "claim": "at most",
            "left": "largest_size",
            "on": [partitions.STRANGERS],
        },
        "the sum, not the product": {
            "claim": "at most",
            "left": "sum_of_sizes",
            "on": [partitions.ODD],
        },
        "at most N": {"claim": "at most", "left": "order", "on": [partitions.ODD]},
        "edges do as well": {"claim": "equal", "left": "edge_cut", "on": [partitions.TREES[-1]]},
    },
)
