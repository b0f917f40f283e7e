"""Lazy training of two-layer networks and its limits: Ghorbani et al. (2019), theorems Q3."""
