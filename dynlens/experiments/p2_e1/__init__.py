"""P2.E1: components of a tensor factorization are learned one after another."""
