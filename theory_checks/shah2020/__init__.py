"""Adaptive methods in over-parameterized linear regression: theorems Q4.

Shah et al. (2020) and Vaswani et al. (2020). X has n rows of length d > n, independent, and y is
to be fitted: descent w_{t+1} = w_t - eta D_t X^T (X w_t - y) finds one of many solutions of Xw = y.
P = X^+ X projects onto the row space of X, P_perp = I - P; w_mn = X^+ y is the solution of least
norm; g_q are the gradients X^T (X w_q - y).

| id    | file                       | statement                                                  |
|-------|----------------------------|------------------------------------------------------------|
| Q4.T0 | `t0_row_space.py`          | P w = w_mn for every solution                              |
| Q4.T1 | `t1_gradient_descent.py`   | D = I: the limit is w_mn + P_perp w_0                      |
| Q4.T2 | `t2_in_span.py`            | so it is if D_t respects the row space: AdaGrad, full      |
| Q4.T3 | `t3_constant.py`           | D constant: the solution nearest to w_0 in the norm D^-1   |
| Q4.T4 | `t4_diagonal_adagrad.py`   | AdaGrad, diagonal: off the rows it saturates               |
| Q4.T5 | `t5_every_interpolator.py` | every solution is one of least norm, in a norm made for it |
| Q4.T6 | `t6_test_error.py`         | which predicts better is decided by the signal             |

`cases.py` has the data and their solutions, `descents.py` the runs, `risks.py` test errors.
"""
