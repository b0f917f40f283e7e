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
    "BackwardError": "dynlens.cases.backward_error",
    "Batch": "dynlens.dynamics.batches",
    "CPFactorization": "dynlens.models.cp",
    "Case": "dynlens.claims",
    "Check": "dynlens.claims",
    "Claim": "dynlens.claims",
    "ClaimViolated": "dynlens.support.errors",
    "ClosedForm": "dynlens.claims",
    "Conserved": "dynlens.claims",
    "DeepLinear": "dynlens.models.deep_linear",
    "DescentCase": "dynlens.cases.descents",
    "Entries": "dynlens.problems.observations",
    "Equal": "dynlens.claims",
    "Event": "dynlens.dynamics.events",
    "Frequency": "dynlens.claims",
    "Full": "dynlens.problems.observations",
    "HierarchicalTensor": "dynlens.models.hierarchical",
    "HuberLoss": "dynlens.problems.losses",
    "Identities": "dynlens.claims",
    "FrozenResidual": "dynlens.theory.closed_forms",
    "IntegrationError": "dynlens.support.errors",
    "KernelError": "dynlens.support.errors",
    "LeadingError": "dynlens.claims.orders",
    "Measurement": "dynlens.claims",
    "Mean": "dynlens.claims",
    "Order": "dynlens.claims.orders",
    "POSITIVE_DETERMINANT": "dynlens.claims",
    "Path": "dynlens.claims",
    "PowerLaw": "dynlens.claims",
    "Problem": "dynlens.problems.problem",
    "QuadraticNetwork": "dynlens.models.quadratic",
    "RandomMatrices": "dynlens.claims",
    "RandomStates": "dynlens.claims",
    "RankOneSum": "dynlens.problems.rank_one_sum",
    "Ridge": "dynlens.problems.losses",
    "SymmetricTensor": "dynlens.models.symmetric",
    "RankOneSensing": "dynlens.problems.observations",
    "RateLaw": "dynlens.claims",
    "Reading": "dynlens.claims",
    "Recursion": "dynlens.claims.orders",
    "Sensing": "dynlens.problems.observations",
    "SmallStarts": "dynlens.claims",
    "SquaredLoss": "dynlens.problems.losses",
    "Start": "dynlens.claims",
    "States": "dynlens.claims",
    "Status": "dynlens.verdict",
    "Sweep": "dynlens.support.sweep",
    "SystemPath": "dynlens.claims",
    "Theorem": "dynlens.claims",
    "Trajectory": "dynlens.dynamics.trajectory",
    "Verdict": "dynlens.verdict",
    "adjacent_pool_tree": "dynlens.models.hierarchical",
    "binary_tree": "dynlens.models.hierarchical",
    "compare": "dynlens.comparison.comparison",
    "completion_problem": "dynlens.problems.instances",
    "cp_rank_estimate": "dynlens.observables.ranks",
    "falsify": "dynlens.claims",
    "first_order_error": "dynlens.comparison.first_order",
    "fitting_times": "dynlens.theory.closed_forms",
    "frozen_scalar_field": "dynlens.dynamics.modified",
    "from_file": "dynlens.catalogue",
    "gradient_descent": "dynlens.dynamics.descent",
    "gradient_descent_batch": "dynlens.dynamics.batches",
    "gradient_flow": "dynlens.dynamics.flow",
    "gradient_flow_batch": "dynlens.dynamics.batches",
    "hyperspherical_energy": "dynlens.theory.spheres",
    "known_observables": "dynlens.observables",
    "load": "dynlens.dynamics.trajectory",
    "log_times": "dynlens.dynamics.times",
    "loss_below": "dynlens.dynamics.events",
    "low_hierarchical_rank_tensor": "dynlens.problems.instances",
    "low_rank_matrix": "dynlens.problems.observations",
    "low_rank_tensor": "dynlens.problems.observations",
    "modified_field": "dynlens.dynamics.modified",
    "observable": "dynlens.observables",
    "observed_order": "dynlens.comparison.slopes",
    "one_level_tree": "dynlens.models.hierarchical",
    "plot_comparison": "dynlens.plot",
    "plot_controls": "dynlens.plot",
    "plot_observable": "dynlens.plot",
    "plot_verdict": "dynlens.plot",
    "preconditioned_descent": "dynlens.theory.regression",
    "principal_field": "dynlens.dynamics.modified",
    "reproduce": "dynlens.experiments",
    "starts": "dynlens.dynamics.batches",
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


def _moved() -> None:
    from dynlens.support.moved import install

    install()


_moved()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    folded = {known.lower(): known for known in _HOME}
    near = [folded[match] for match in get_close_matches(name.lower(), folded)]
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see dir(dynlens)."
    return f"module 'dynlens' has no attribute {name!r}; {hint}"
