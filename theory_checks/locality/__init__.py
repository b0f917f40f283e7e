"""Locality of what networks learn, and the regularizer against it: theorems L.

f(x) = <W, x_1 (x) ... (x) x_N> is a circuit over locations 1, ..., N, W the end-to-end tensor of a
mode tree. Its separation rank between the locations in I and the others is that of the
matricization [[W; I]] (P3.T4): how much the function lets the two regions depend on each other.

| id   | file                | statement                                                  |
|------|---------------------|------------------------------------------------------------|
| L.T1 | `t1_vertex_cuts.py` | ranks for every partition are smallest vertex cuts         |
| L.T2 | `t2_edge_cuts.py`   | ranks at the nodes bound those of every partition          |

`partitions.py` has integer tensors and their ranks.
"""
