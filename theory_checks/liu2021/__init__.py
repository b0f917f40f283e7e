"""Orthogonal over-parameterized training of Liu et al. (2021): theorems Q5.

Neurons are the rows v_i of V, of shape (n, d), with directions u_i = v_i / |v_i|. Their
hyperspherical energy says how evenly the directions are spread over the sphere,

    E_s(V) = sum over i != j of f_s(|u_i - u_j|),    f_s(z) = z^-s for s > 0, f_0(z) = -ln z,

over ordered pairs. Training turns all neurons together, by an orthogonal Q.

| id    | file                | statement                                                    |
|-------|---------------------|--------------------------------------------------------------|
| Q5.T1 | `t1_invariance.py`  | E_s(V Q^T) = E_s(V)                                          |
| Q5.T2 | `t2_rescaling.py`   | lengths do not enter E_s, signs do                           |
| Q5.T3 | `t3_mean_energy.py` | the mean energy of a pair of Gaussian neurons, a closed form |

`cases.py` has the neurons and their energies, `algebra.py` the Beta integral of Q5.T3.
"""
