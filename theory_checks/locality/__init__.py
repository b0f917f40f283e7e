"""Locality of what networks learn, and the regularizer against it: theorems L.

f(x) = <W, x_1 (x) ... (x) x_N> is a circuit over locations 1, ..., N, W the end-to-end tensor of a
mode tree. Its separation rank between the locations in I and the others is that of the
matricization [[W; I]] (P3.T4): how much the function lets the two regions depend on each other.

| id   | file                     | statement                                             |
|------|--------------------------|-------------------------------------------------------|
| L.T1 | `t1_vertex_cuts.py`      | ranks for every partition are smallest vertex cuts    |
| L.T2 | `t2_edge_cuts.py`        | ranks at the nodes bound those of every partition     |
| L.T3 | `t3_certificate.py`      | directions of gradients certify a separation rank     |
| L.T4 | `t4_no_converse.py`      | a large surrogate says nothing of the rank            |
| L.T5 | `t5_closed_forms.py`     | the surrogate of a bilinear function in closed form   |
| L.T6 | `t6_gradient.py`         | the gradient of the surrogate                         |
| L.T7 | `t7_local_components.py` | the law of local components under the regularizer     |
| L.T8 | `t8_two_values.py`       | two singular values under the regularizer             |
| L.T9 | `t9_rising_rank.py`      | the regularizer raises the effective rank (observed)  |

The surrogate R is the mean of |cos| between gradients at a region P for two contents of another, Q
(`dynlens.problems.Locality`). `partitions.py` has integer tensors and their ranks, `gradients.py`
gradients of functions of known rank, `surrogate.py` the regularizer at random tensors, `flows.py`
what moves under it, `algebra.py` what sympy proves.
"""
