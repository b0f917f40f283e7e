"""Hierarchical tensor factorization: Razin, Maman & Cohen (2022), theorems P3."""
