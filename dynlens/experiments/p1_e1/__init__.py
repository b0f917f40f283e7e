"""P1.E1: fitting a deep matrix factorization drives all norms to infinity."""
