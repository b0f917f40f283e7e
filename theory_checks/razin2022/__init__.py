"""Hierarchical tensor factorization: Razin, Maman & Cohen (2022), theorems P3.

A tree over the modes 1, ..., N; each node nu but the leaves has a width R_nu, each node a weight
W^(nu), a matrix with a row for each of its own components and a column for each of its parent's.
The local component r of an interior node is row r of its weight and column r of each child's:
L_nu vectors, one more than nu has children. Its norm sigma is the product of theirs, its alignment
gamma the inner product of -grad l(W) with the tensor of this component alone, over sigma.

====== ========================= ===================================================================
P3.L1  l1_conservation           within a local component all squared norms grow alike
P3.T1  t1_local_component_norms  local components grow at rate L gamma sigma^(2 - 2/L)
P3.D3  d3_hierarchical_rank      few local components mean low hierarchical rank
P3.P1  p1_near_low_rank          small ones put the tensor near low hierarchical rank
P3.T2  t2_incremental            they grow one after another
P3.T3  t3_arithmetic_circuit     the factorization is a convolutional arithmetic circuit
P3.T4  t4_separation_rank        whose separation ranks are ranks of matricizations
====== ========================= ===================================================================
"""
