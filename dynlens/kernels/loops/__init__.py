"""Loops that numba compiles, as Python modules: read as text, joined, and never imported.

See `dynlens.kernels.sources`. What a module imports from another here is what it is compiled with
unless another part stands in for it: any loss for that of `loss`, any model for `quadratic`.
"""
