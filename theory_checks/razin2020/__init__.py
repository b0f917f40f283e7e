"""Norms may go to infinity: Razin & Cohen (2020), theorems P1.

A matrix W = W_L ... W_1 is fitted to b_12 = b_21 = 1, b_22 = 0; its entry W_11 is not observed. The
loss is half the sum of the squared residuals, s = sqrt(2 loss) their norm. D is the distance of W
to the matrices of rank one, `rank_distance` in formulas; erank its effective rank.

====== ========================= ===================================================================
P1.P1  p1_norm_minimizers        among the solutions, small norms mean a small |W_11|
P1.P2  p2_rank_surrogates        among the solutions, a large |W_11| means a rank near one
P1.P3  p3_determinant_sign       half of all random starts have det W > 0
P1.T1  t1_all_norms_grow         from those, balanced, every norm grows as the loss falls
P1.C1  c1_divergence             if the loss vanishes, like loss^(-1/2), and the rank tends to one
P1.P4  p4_convergence            two layers from a multiple of the identity reach zero loss
P1.T2  t2_perturbed              with perturbed observations |W_11| is driven up to |z z'| / |eps|
P1.X1  x1_larger                 in larger matrices the one unseen entry diverges as well
P1.R1  r1_unbalanced             without balancedness two layers lose the positive determinant
====== ========================= ===================================================================
"""
