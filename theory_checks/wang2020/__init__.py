"""Tensor decomposition beyond the lazy regime: Wang et al. (2020), theorems Q1."""
