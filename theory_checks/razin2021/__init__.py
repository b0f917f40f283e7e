"""Tensor (CP) factorization: Razin, Maman & Cohen (2021), theorems P2."""
