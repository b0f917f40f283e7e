"""Steppers for gradient flow: loops that are compiled beside the gradient they call."""
