"""What training near the start can reach: of symmetric tensors, and of two-layer networks."""
