"""Adaptive methods in linear regression: Shah et al. (2020), Vaswani et al. (2020), theorems Q4."""
