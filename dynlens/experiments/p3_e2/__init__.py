"""P3.E2: a regularizer against locality lets residual networks see far."""
