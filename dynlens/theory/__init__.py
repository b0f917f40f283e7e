"""Mathematics of single papers: closed forms and function classes that theorems compare with."""

from dynlens.support.lazy import attach

_HOME = {
    "Cut": ".cuts",
    "FrozenResidual": ".closed_forms",
    "adagrad": ".regression",
    "alignment_time": ".closed_forms",
    "basin_edge": ".closed_forms",
    "cayley": ".spheres",
    "constant": ".regression",
    "diagonal_adagrad": ".regression",
    "exact_rank": ".cuts",
    "fitting_times": ".closed_forms",
    "gram_schmidt": ".spheres",
    "half_time": ".closed_forms",
    "harmonic_spectrum": ".lazy_tensors",
    "householder": ".spheres",
    "hyperspherical_energy": ".spheres",
    "interpolator": ".regression",
    "lazy_dimension": ".lazy_tensors",
    "lazy_error_bound": ".lazy_tensors",
    "logistic_mass": ".closed_forms",
    "mean_pair_energy": ".spheres",
    "mixture_risk": ".lazy_networks",
    "network_risk": ".lazy_networks",
    "plain": ".regression",
    "preconditioned_descent": ".regression",
    "random_features_limit": ".lazy_networks",
    "random_features_risk": ".lazy_networks",
    "rank_modulo": ".cuts",
    "smallest_edge_cut": ".cuts",
    "smallest_vertex_cut": ".cuts",
    "symmetric_dimension": ".lazy_tensors",
    "tangent_limit": ".lazy_networks",
    "tangent_mean": ".lazy_networks",
    "tangent_risk": ".lazy_networks",
    "trace_share": ".lazy_networks",
    "vanilla_time": ".closed_forms",
}

__getattr__, __dir__, __all__ = attach(__name__, _HOME)
