"""Compiled text: the gradients of models as machine code, and the cache that keeps it."""
