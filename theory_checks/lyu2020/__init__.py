"""Homogeneous networks under the exponential loss: Lyu & Li (2020), theorems N2.

A network is homogeneous of degree K if c times the parameters make c^K times the outputs. Here it
has four neurons relu(w x)^2, so that K = 3 and the flow is smooth; q are the margins, rho the norm
of the parameters, nu = sum q exp(-q).

====== ========================= ===================================================================
N2.1   n1_norm                   d/dt rho^2 = 2 K nu
N2.2   n2_smoothed_margin        log(1 / loss) / rho^K never falls once loss < 1
====== ========================= ===================================================================
"""
