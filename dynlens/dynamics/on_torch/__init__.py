"""Gradient descent with torch: many runs at once, on a CPU or on a CUDA device."""
