"""Orthogonal over-parameterized training: Liu et al. (2021), theorems Q5."""
