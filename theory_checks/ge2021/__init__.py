"""Ge, Ren, Wang & Zhou (2021): deflation in over-parameterized tensor decomposition.

Notation: components w_i in R^d fit the target T = sum_k a_k e_k^l, with orthonormal e_k and
a_1 > ... > a_r > 0, by W = sum_i |w_i|^(2-l) w_i^l, under ½ |W - T|^2 + lambda/2 sum |w_i|^2; order
l = 4 unless said otherwise. K_k = a_k - lambda / 2. Proofs are our own ("derived").

=====  =====================  ==============================================================
Q2.T1  t1_frozen_residual     one component under a constant residual, with elementary clock
Q2.T2  t2_winner_rule         which direction a fresh component finds
Q2.T3  t3_logistic_law        aligned components fit their direction by a logistic law
Q2.T4  t4_fitting_times       when each direction is fitted, from the start alone
Q2.T5  t5_residual_after      half the penalty is left of every discovered direction
Q2.T6  t6_basin               the basin of a fitted direction, and its rate
Q2.T7  t7_reinitialization    few components need to start anew
Q2.T8  t8_alignment_time      alignment takes a time of order d / (a log m)
Q2.T9  t9_mean_first          close directions are fitted by their mean first
=====  =====================  ==============================================================
"""
