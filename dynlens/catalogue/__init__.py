"""The catalogue: the shipped theorems, found by id, verified, and told in a report."""

from dynlens.catalogue.shipped import from_file, theorem, theorems, verify

__all__ = ["from_file", "theorem", "theorems", "verify"]
