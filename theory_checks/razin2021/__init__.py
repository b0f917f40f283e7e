"""Tensor factorization: Razin, Maman & Cohen (2021), theorems P2.

W is the sum of R components, each the outer product of N vectors w_r^n. A component's norm is
sigma_r, the product of the norms of its vectors, and gamma_r its alignment, the inner product of
-grad l(W) with the outer product of its directions. Its unbalancedness eps is the largest
difference of the squared norms of two of its vectors.

====== ==================== ========================================================================
P2.L1  l1_conservation      within a component all squared norms grow alike
P2.L2  l2_zero_components   a balanced component neither leaves nor reaches zero
P2.T1  t1_component_norms   components grow at rate N gamma sigma^(2 - 2/N)
P2.T2  t2_rank_one          small starts follow a trajectory of rank one
P2.C1  c1_convergence       and come near a solution of rank one
====== ==================== ========================================================================
"""
