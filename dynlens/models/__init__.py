"""Models: maps, multilinear as a rule, from factors to an end-to-end matrix or tensor."""

from dynlens.support.lazy import attach

_HOME = {
    "CPFactorization": ".cp",
    "DeepLinear": ".deep_linear",
    "HierarchicalTensor": ".hierarchical",
    "Model": ".base",
    "QuadraticNetwork": ".quadratic",
    "SymmetricTensor": ".symmetric",
    "adjacent_pool_tree": ".hierarchical",
    "binary_tree": ".hierarchical",
    "one_level_tree": ".hierarchical",
}

__getattr__, __dir__, __all__ = attach(__name__, _HOME)
