"""Limitations of lazy training of two-layer networks, Ghorbani et al. (2019): theorems Q3.

Inputs x ~ N(0, I_d), target <x, B x>, quadratic activation, N = rho d neurons w_i, the rows of W,
and a free intercept: functions are symmetric matrices A, of risk 2 |A - B|^2. Risks here are the
least over a class V, relative to that of a constant: |B - P_V B|^2 / |B|^2. The share of the
identity in B is tau = (tr B)^2 / (d |B|^2).

| id    | file                    | class        | risk                                   |
|-------|-------------------------|--------------|----------------------------------------|
| Q3.T1 | `t1_random_features.py` | second layer | 1 - rho <B, Gamma>^2 / ...             |
| Q3.T2 | `t2_neural_tangent.py`  | linearized   | (1 - rho)^2 (1 - tau) + (1 - rho) tau  |
| Q3.T3 | `t3_networks.py`        | networks     | sum of lambda_i^2 / B^2 over i > N     |
| Q3.T4 | `t4_mixture.py`         | all of them  | two Gaussians: 1 / (1 + (P_V D)^2 / 2) |

`cases.py` draws features, `networks.py` trains networks, `mixtures.py` has the two Gaussians, and
`algebra.py` what is proved.
"""
