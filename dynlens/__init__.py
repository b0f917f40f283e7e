"""Numerical verification of theorems about gradient flow and gradient descent.

``import dynlens as dl`` costs next to nothing: each public name is fetched from its module
the first time it is used.
"""

from typing import Any

__version__ = "0.1.0"

# Public name -> the module that defines it.
_HOME = {
    "Assumption": "dynlens.claims",
    "AtLeast": "dynlens.claims",
    "BALANCED": "dynlens.claims",
    "BackwardError": "dynlens.claims.modified",
    "Batch": "dynlens.batches",
    "CPFactorization": "dynlens.models.cp",
    "Case": "dynlens.claims",
    "Check": "dynlens.claims",
    "Claim": "dynlens.claims",
    "ClaimViolated": "dynlens.errors",
    "ClosedForm": "dynlens.claims",
    "Conserved": "dynlens.claims",
    "DeepLinear": "dynlens.models.deep_linear",
    "DescentCase": "dynlens.claims.orders",
    "Entries": "dynlens.observations",
    "Equal": "dynlens.claims",
    "Event": "dynlens.events",
    "Frequency": "dynlens.claims",
    "Full": "dynlens.observations",
    "HierarchicalTensor": "dynlens.models.hierarchical",
    "HuberLoss": "dynlens.losses",
    "Identities": "dynlens.claims",
    "FrozenResidual": "dynlens.closed_forms",
    "IntegrationError": "dynlens.errors",
    "KernelError": "dynlens.errors",
    "LeadingError": "dynlens.claims.orders",
    "Measurement": "dynlens.claims",
    "Mean": "dynlens.claims",
    "Order": "dynlens.claims.orders",
    "POSITIVE_DETERMINANT": "dynlens.claims",
    "Path": "dynlens.claims",
    "PowerLaw": "dynlens.claims",
    "Problem": "dynlens.problem",
    "QuadraticNetwork": "dynlens.models.quadratic",
    "RandomMatrices": "dynlens.claims",
    "RandomStates": "dynlens.claims",
    "RankOneSum": "dynlens.rank_one_sum",
    "Ridge": "dynlens.losses",
    "SymmetricTensor": "dynlens.models.symmetric",
    "RankOneSensing": "dynlens.observations",
    "RateLaw": "dynlens.claims",
    "Reading": "dynlens.claims",
    "Recursion": "dynlens.claims.orders",
    "Sensing": "dynlens.observations",
    "SmallStarts": "dynlens.claims",
    "SquaredLoss": "dynlens.losses",
    "Start": "dynlens.claims",
    "States": "dynlens.claims",
    "Status": "dynlens.verdict",
    "Sweep": "dynlens.sweep",
    "SystemPath": "dynlens.claims",
    "Theorem": "dynlens.claims",
    "Trajectory": "dynlens.trajectory",
    "Verdict": "dynlens.verdict",
    "adjacent_pool_tree": "dynlens.models.hierarchical",
    "binary_tree": "dynlens.models.hierarchical",
    "compare": "dynlens.claims.comparison",
    "completion_problem": "dynlens.instances",
    "cp_rank_estimate": "dynlens.observables.ranks",
    "falsify": "dynlens.claims",
    "first_order_error": "dynlens.claims.first_order",
    "fitting_times": "dynlens.closed_forms",
    "frozen_scalar_field": "dynlens.modified",
    "from_file": "dynlens.catalogue",
    "gradient_descent": "dynlens.descent",
    "gradient_descent_batch": "dynlens.batches",
    "gradient_flow": "dynlens.flow",
    "gradient_flow_batch": "dynlens.batches",
    "hyperspherical_energy": "dynlens.spheres",
    "known_observables": "dynlens.observables",
    "load": "dynlens.trajectory",
    "log_times": "dynlens.flow",
    "loss_below": "dynlens.events",
    "low_hierarchical_rank_tensor": "dynlens.instances",
    "low_rank_matrix": "dynlens.observations",
    "low_rank_tensor": "dynlens.observations",
    "modified_field": "dynlens.modified",
    "observable": "dynlens.observables",
    "observed_order": "dynlens.claims.slopes",
    "one_level_tree": "dynlens.models.hierarchical",
    "plot_comparison": "dynlens.plot",
    "plot_controls": "dynlens.plot",
    "plot_observable": "dynlens.plot",
    "plot_verdict": "dynlens.plot",
    "preconditioned_descent": "dynlens.regression",
    "principal_field": "dynlens.modified",
    "reproduce": "dynlens.experiments",
    "starts": "dynlens.batches",
    "theorem": "dynlens.catalogue",
    "theorems": "dynlens.catalogue",
    "verify": "dynlens.catalogue",
}

__all__ = sorted(["__version__", *_HOME])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(_unknown(name))
    from importlib import import_module

    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next use does not come back here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    folded = {known.lower(): known for known in _HOME}
    near = [folded[match] for match in get_close_matches(name.lower(), folded)]
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see dir(dynlens)."
    return f"module 'dynlens' has no attribute {name!r}; {hint}"
