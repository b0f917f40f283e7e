"""P1.E2: tensor completion by a CP factorization finds tensors of low rank."""
