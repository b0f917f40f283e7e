"""Numerical verification of theorems about gradient flow and gradient descent.

``import dynlens as dl`` costs next to nothing: each public name is fetched from its module
the first time it is used. Here are the nouns and verbs of every session, and the whole language of
statements, claims and cases; the rest is in the rooms, such as `dl.theory` or `dl.comparison`.
"""

from dynlens.support.lazy import attach
from dynlens.support.moved import install

__version__ = "0.1.0"

# Public name -> the module that defines it.
_HOME = {
    # Problems
    "CPFactorization": "dynlens.models.cp",
    "CrossEntropy": "dynlens.problems.labelled",
    "DeepLinear": "dynlens.models.deep_linear",
    "Entries": "dynlens.problems.observations",
    "ExponentialLoss": "dynlens.problems.labelled",
    "FormulaModel": "dynlens.models.formula",
    "Full": "dynlens.problems.observations",
    "HierarchicalTensor": "dynlens.models.hierarchical",
    "HuberLoss": "dynlens.problems.losses",
    "LinearLoss": "dynlens.problems.losses",
    "LogisticLoss": "dynlens.problems.labelled",
    "Problem": "dynlens.problems.problem",
    "QuadraticNetwork": "dynlens.models.quadratic",
    "RankOneSensing": "dynlens.problems.observations",
    "RankOneSum": "dynlens.problems.rank_one_sum",
    "Ridge": "dynlens.problems.losses",
    "Sensing": "dynlens.problems.observations",
    "SmoothHingeLoss": "dynlens.problems.labelled",
    "SquaredLoss": "dynlens.problems.losses",
    "SymmetricTensor": "dynlens.models.symmetric",
    "completion_problem": "dynlens.problems.instances",
    "from_function": "dynlens.problems.functions",
    "from_torch": "dynlens.problems.functions",
    "network": "dynlens.problems.formulas",
    "objective": "dynlens.problems.formulas",
    # Flow and descent
    "Batch": "dynlens.dynamics.batches",
    "Event": "dynlens.dynamics.events",
    "IntegrationError": "dynlens.support.errors",
    "KernelError": "dynlens.support.errors",
    "Trajectory": "dynlens.dynamics.trajectory",
    "compare": "dynlens.comparison.comparison",
    "gradient_descent": "dynlens.dynamics.descent",
    "gradient_descent_batch": "dynlens.dynamics.batches",
    "gradient_flow": "dynlens.dynamics.flow",
    "gradient_flow_batch": "dynlens.dynamics.batches",
    "load": "dynlens.dynamics.trajectory",
    "loss_below": "dynlens.dynamics.events",
    "observable": "dynlens.observables.registry",
    "plot_observable": "dynlens.plot.trajectories",
    "starts": "dynlens.dynamics.batches",
    # Claims
    "All": "dynlens.claims.base",
    "Assumption": "dynlens.claims.base",
    "AtLeast": "dynlens.claims.equations",
    "BALANCED": "dynlens.claims.base",
    "Check": "dynlens.claims.theorem",
    "Claim": "dynlens.claims.base",
    "ClosedForm": "dynlens.claims.equations",
    "Conserved": "dynlens.claims.equations",
    "Equal": "dynlens.claims.equations",
    "Equilibrium": "dynlens.claims.equilibria",
    "Frequency": "dynlens.claims.draws",
    "Identities": "dynlens.claims.proof",
    "Infimum": "dynlens.claims.extrema",
    "LeadingError": "dynlens.claims.orders",
    "LeastAmongFits": "dynlens.claims.potentials",
    "Limit": "dynlens.claims.limits",
    "Mean": "dynlens.claims.draws",
    "Monotone": "dynlens.claims.trends",
    "Order": "dynlens.claims.orders",
    "POSITIVE_DETERMINANT": "dynlens.claims.base",
    "PowerLaw": "dynlens.claims.limits",
    "RateLaw": "dynlens.claims.equations",
    "Recursion": "dynlens.claims.orders",
    "Supremum": "dynlens.claims.extrema",
    "Theorem": "dynlens.claims.theorem",
    "falsify": "dynlens.claims.falsifying",
    # Discovery
    "best_constant": "dynlens.discovery.constants",
    "conjecture": "dynlens.discovery.conjecturing",
    "conservation_laws": "dynlens.discovery.laws",
    # Cases
    "BackwardError": "dynlens.cases.backward_error",
    "Box": "dynlens.cases.boxes",
    "Case": "dynlens.cases.base",
    "DescentCase": "dynlens.cases.descents",
    "Family": "dynlens.cases.families",
    "Measurement": "dynlens.cases.measurements",
    "Path": "dynlens.cases.paths",
    "Points": "dynlens.cases.boxes",
    "RandomMatrices": "dynlens.cases.base",
    "RandomStates": "dynlens.cases.base",
    "Reading": "dynlens.cases.base",
    "SmallStarts": "dynlens.cases.small_starts",
    "Start": "dynlens.cases.base",
    "load_case": "dynlens.cases.saved",
    "States": "dynlens.cases.base",
    "SystemPath": "dynlens.cases.systems",
    # Verdicts
    "ClaimViolated": "dynlens.support.errors",
    "Status": "dynlens.verdict",
    "Verdict": "dynlens.verdict",
    "from_file": "dynlens.catalogue.shipped",
    "theorem": "dynlens.catalogue.shipped",
    "theorems": "dynlens.catalogue.shipped",
    "verify": "dynlens.catalogue.shipped",
}

_ROOMS = (
    "cases",
    "catalogue",
    "claims",
    "comparison",
    "discovery",
    "dynamics",
    "experiments",
    "models",
    "observables",
    "plot",
    "problems",
    "theory",
)

# Name that was here -> the room where it is; to be dropped with version 0.3.
_MOVED = {
    "FrozenResidual": "dynlens.theory",
    "Sweep": "dynlens.support.sweep",
    "adjacent_pool_tree": "dynlens.models",
    "binary_tree": "dynlens.models",
    "cp_rank_estimate": "dynlens.observables",
    "first_order_error": "dynlens.comparison",
    "fitting_times": "dynlens.theory",
    "frozen_scalar_field": "dynlens.dynamics",
    "hyperspherical_energy": "dynlens.theory",
    "known_observables": "dynlens.observables",
    "log_times": "dynlens.dynamics",
    "low_hierarchical_rank_tensor": "dynlens.problems",
    "low_rank_matrix": "dynlens.problems",
    "low_rank_tensor": "dynlens.problems",
    "modified_field": "dynlens.dynamics",
    "observed_order": "dynlens.comparison",
    "one_level_tree": "dynlens.models",
    "plot_comparison": "dynlens.plot",
    "plot_controls": "dynlens.plot",
    "plot_verdict": "dynlens.plot",
    "preconditioned_descent": "dynlens.theory",
    "principal_field": "dynlens.dynamics",
    "reproduce": "dynlens.experiments",
}

__getattr__, __dir__, __all__ = attach(__name__, _HOME, rooms=_ROOMS, moved=_MOVED)
__all__ = sorted([*__all__, "__version__"])

install()  # old paths of modules are found
