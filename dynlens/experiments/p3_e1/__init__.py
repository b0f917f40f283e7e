"""P3.E1: matrix, tensor and hierarchical tensor factorization, side by side."""
