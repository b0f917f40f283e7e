"""Deflation in over-parameterized tensor decomposition: Ge et al. (2021), theorems Q2."""
