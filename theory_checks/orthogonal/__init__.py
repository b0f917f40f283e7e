"""Orthogonal training as flows on the orthogonal group: theorems O.

Neurons are the columns of a fixed V, weights QV, Q orthogonal; G is the gradient of the loss with
respect to Q, M = skew(G Q^T). Every parameterization turns Q by Q' = AQ, A skew. Authors' schemes
are those of the code of Liu et al. (2021); the energy E_s is that of Q5.

| id    | file                     | statement                                              |
|-------|--------------------------|--------------------------------------------------------|
| O.T1  | `t1_energy.py`           | turning from the left keeps all energies               |
| O.T2  | `t2_invariants.py`       | invariants of parameterized rotations                  |
| O.T3  | `t3_growth.py`           | exact growth of the parameters in descent              |
| O.T4  | `t4_velocities.py`       | velocities of parameterized rotations                  |
| O.T5  | `t5_equivalences.py`     | Loewdin's flow is the Riemannian flow                  |
| O.T6  | `t6_reflections.py`      | Householder's determinant is fixed                     |
| O.CF1 | `cf1_procrustes.py`      | Procrustes' flow in closed form                        |
| O.CF2 | `cf2_plane.py`           | rotations of the plane                                 |
| O.T7  | `t7_landscape.py`        | the gap of the wrong determinant is 2 b_min            |
| O.T8  | `t8_orders_of_drift.py`  | fixed-point steps drift with orders 1, 3, 3, 5, 5      |
| O.T9  | `t9_retractions.py`      | how far retractions are from the exponential           |
| O.T10 | `t10_stochastic.py`      | turning a random block is slower by p(p-1)/(d(d-1))    |
| O.T11 | `t11_penalties.py`       | squared penalties are never exact, others are          |
| O.T12 | `t12_minimal_energy.py`  | random neurons have not the minimal energy             |

`instances.py` has the losses, `conservation.py`, `velocities.py`, `closed_forms.py` and `steps.py`
what is measured.
"""
