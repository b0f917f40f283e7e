"""Wang, Wu, Lee, Ma & Ge (2020): tensor decomposition beyond the lazy regime.

Notation: components u_i in R^d fit a symmetric target T = sum_j c_j v_j^l of norm one by W =
sum_i c_i u_i^l (*vanilla*) or W = sum_i a_i |u_i|^(2-l) u_i^l with signs a_i (*2-homogeneous*);
R = W - T, N = (d + l - 1 choose l) is the dimension of the symmetric tensors. Proofs are our own
("derived").

======  =====================  ================================================================
Q1.T1   t1_lazy_dimension      the dimension of the linearized class
Q1.T2   t2_lazy_bound          an exact lower bound for linearized training
Q1.T3   t3_equal_width         lazy and other training with the same number of components
Q1.T4   t4_bad_minima          the vanilla objective has bad local minima for every width
Q1.T5   t5_escape              zero is a saddle of high order; how long it takes to leave it
Q1.T6   t6_frozen_residual     one component's path under a constant residual, in closed form
Q1.T7   t7_complement          parts outside the target's span die out
Q1.T8   t8_stationarity        stationary points, norms, and a direction of descent
Q1.T9   t9_anticoncentration   a random direction correlates with every residual
Q1.T10  t10_fresh_components   fresh components free descent from where it is stuck
======  =====================  ================================================================
"""
