"""Diagonal linear networks beta = u^2 - v^2: Woodworth et al. (2020), theorems N3.

Squared loss of X beta, fewer data than entries, start u = v = alpha.

====== ========================= ===================================================================
N3.1   n1_potential              u v is conserved, and arcsinh(beta / 2 alpha^2) in the row space
N3.4   n4_mirror                 the flow of beta is a mirror flow, from every start
====== ========================= ===================================================================
"""
