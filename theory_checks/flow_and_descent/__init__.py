"""Gradient descent beside gradient flow: F1 to F6, after Hairer et al. (1993, 2006) and others."""
