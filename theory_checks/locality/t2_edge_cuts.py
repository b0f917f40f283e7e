"""Low ranks at the nodes of a tree mean low ranks for every partition.

For any tensor with ranks k_nu = rank [[W; nu]] at the nodes, and every set of edges (nu, Pa(nu))
that separates the modes in I from the others,

    rank [[W; I]]  <=  product of the k_nu over the edges cut;

in particular rank [[W; I + J]] <= rank [[W; I]] rank [[W; J]] for disjoint I and J. This is how a
low hierarchical rank limits the dependence between regions far apart (derived). In trees of two
children a node the bound is sharp for almost all weights; where more children meet, the variable
that they share counts once in a vertex cut, and as often as it is cut here.
"""

import dynlens as dl

from . import partitions

theorem = dl.Theorem(
    "L.T2",
    "ranks at the nodes bound those of every partition",
    source="razin2022implicit on hierarchical ranks; derived",
    claims={
        "tensors of trees": dl.Check(dl.AtLeast("edge_cut", "rank"), partitions.TREES),
        "any tensor": dl.Check(dl.AtLeast("edge_cut", "rank"), partitions.SPARSE),
        "two sets": dl.Check(dl.AtLeast("product_of_modes", "rank"), partitions.SPARSE),
        "two children": dl.Check(dl.Equal("edge_cut", "rank"), partitions.TWO_CHILDREN),
    },
    false={
        "equal for every tree": {"claim": "two children", "on": [partitions.TREES[-1]]},
        "equal for every tensor": {"claim": "two children", "on": partitions.SPARSE},
        "the sum, not the product": {
            "claim": "tensors of trees",
            "left": "sum_of_ranks",
            "on": [partitions.ODD],
        },
        "the rank at a node, for a set that is none": {
            "claim": "tensors of trees",
            "left": "rank_of_half",
            "on": [partitions.STRANGERS],
        },
    },
)
