"""Gradient descent beside gradient flow, after Hairer et al. (1993, 2006) and others.

Descent takes steps of eta along -g, g the gradient of the loss l; the flow follows -g. H is the
Hessian, theta(t) the flow from the same start, and e the leading error of descent,
theta_n = theta(n eta) + eta e + O(eta^2).

====  ========================  ==============================================================
id    file                      statement
====  ========================  ==============================================================
F1    f1_modified_equation      one step errs from the flow by eta^2/2 H g, less from modified ones
F2.1  f2_1_first_order_error    e' = -H e - H g / 2 along the flow
F2.2  f2_2_time_shift           where g is an eigenvector of H, e is a shift of the clock
F2.3  f2_3_modified_flows       over a fixed time descent is within O(eta^2) of its modified flows
F2.4  f2_4_delayed_escape       out of a saddle late, into a minimum early
F2.D  f2_d_closed_forms         the flow's closed forms hold for descent less its leading error
F3    f3_quadratics             quadratics, the principal flow, the thresholds 1 and 2
F4    f4_euler_bounds           bounds on the distance to the flow, from classical to sharp
F5.4  f5_4_mild_curvature       the curvature of deep linear networks is mild along the flow
F6    f6_broken_conservation    conservation laws are broken by eta^2 times the gradient's
====  ========================  ==============================================================
"""
