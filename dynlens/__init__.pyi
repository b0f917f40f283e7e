# Written by `python -m dynlens.support.stubs`.
from dynlens import cases as cases
from dynlens import catalogue as catalogue
from dynlens import claims as claims
from dynlens import comparison as comparison
from dynlens import discovery as discovery
from dynlens import dynamics as dynamics
from dynlens import experiments as experiments
from dynlens import models as models
from dynlens import observables as observables
from dynlens import plot as plot
from dynlens import problems as problems
from dynlens import theory as theory
from dynlens.cases.backward_error import BackwardError as BackwardError
from dynlens.cases.base import Case as Case
from dynlens.cases.base import RandomMatrices as RandomMatrices
from dynlens.cases.base import RandomStates as RandomStates
from dynlens.cases.base import Reading as Reading
from dynlens.cases.base import Start as Start
from dynlens.cases.base import States as States
from dynlens.cases.boxes import Box as Box
from dynlens.cases.boxes import Points as Points
from dynlens.cases.descents import DescentCase as DescentCase
from dynlens.cases.families import Family as Family
from dynlens.cases.measurements import Measurement as Measurement
from dynlens.cases.paths import Path as Path
from dynlens.cases.saved import load_case as load_case
from dynlens.cases.small_starts import SmallStarts as SmallStarts
from dynlens.cases.systems import SystemPath as SystemPath
from dynlens.catalogue.shipped import from_file as from_file
from dynlens.catalogue.shipped import theorem as theorem
from dynlens.catalogue.shipped import theorems as theorems
from dynlens.catalogue.shipped import verify as verify
from dynlens.claims.base import BALANCED as BALANCED
from dynlens.claims.base import POSITIVE_DETERMINANT as POSITIVE_DETERMINANT
from dynlens.claims.base import All as All
from dynlens.claims.base import Assumption as Assumption
from dynlens.claims.base import Claim as Claim
from dynlens.claims.draws import Frequency as Frequency
from dynlens.claims.draws import Mean as Mean
from dynlens.claims.equations import AtLeast as AtLeast
from dynlens.claims.equations import ClosedForm as ClosedForm
from dynlens.claims.equations import Conserved as Conserved
from dynlens.claims.equations import Equal as Equal
from dynlens.claims.equations import RateLaw as RateLaw
from dynlens.claims.equilibria import Equilibrium as Equilibrium
from dynlens.claims.extrema import Infimum as Infimum
from dynlens.claims.extrema import Supremum as Supremum
from dynlens.claims.falsifying import falsify as falsify
from dynlens.claims.limits import Limit as Limit
from dynlens.claims.limits import PowerLaw as PowerLaw
from dynlens.claims.orders import LeadingError as LeadingError
from dynlens.claims.orders import Order as Order
from dynlens.claims.orders import Recursion as Recursion
from dynlens.claims.potentials import LeastAmongFits as LeastAmongFits
from dynlens.claims.proof import Identities as Identities
from dynlens.claims.theorem import Check as Check
from dynlens.claims.theorem import Theorem as Theorem
from dynlens.claims.trends import Monotone as Monotone
from dynlens.comparison.comparison import compare as compare
from dynlens.discovery.conjecturing import conjecture as conjecture
from dynlens.discovery.constants import best_constant as best_constant
from dynlens.discovery.laws import conservation_laws as conservation_laws
from dynlens.dynamics.batches import Batch as Batch
from dynlens.dynamics.batches import gradient_descent_batch as gradient_descent_batch
from dynlens.dynamics.batches import gradient_flow_batch as gradient_flow_batch
from dynlens.dynamics.batches import starts as starts
from dynlens.dynamics.descent import gradient_descent as gradient_descent
from dynlens.dynamics.events import Event as Event
from dynlens.dynamics.events import loss_below as loss_below
from dynlens.dynamics.flow import gradient_flow as gradient_flow
from dynlens.dynamics.trajectory import Trajectory as Trajectory
from dynlens.dynamics.trajectory import load as load
from dynlens.models.cp import CPFactorization as CPFactorization
from dynlens.models.deep_linear import DeepLinear as DeepLinear
from dynlens.models.formula import FormulaModel as FormulaModel
from dynlens.models.hierarchical import HierarchicalTensor as HierarchicalTensor
from dynlens.models.quadratic import QuadraticNetwork as QuadraticNetwork
from dynlens.models.symmetric import SymmetricTensor as SymmetricTensor
from dynlens.observables.registry import observable as observable
from dynlens.plot.trajectories import plot_observable as plot_observable
from dynlens.problems.formulas import network as network
from dynlens.problems.formulas import objective as objective
from dynlens.problems.functions import from_function as from_function
from dynlens.problems.functions import from_torch as from_torch
from dynlens.problems.instances import completion_problem as completion_problem
from dynlens.problems.labelled import CrossEntropy as CrossEntropy
from dynlens.problems.labelled import ExponentialLoss as ExponentialLoss
from dynlens.problems.labelled import LogisticLoss as LogisticLoss
from dynlens.problems.labelled import SmoothHingeLoss as SmoothHingeLoss
from dynlens.problems.losses import HuberLoss as HuberLoss
from dynlens.problems.losses import LinearLoss as LinearLoss
from dynlens.problems.losses import Ridge as Ridge
from dynlens.problems.losses import SquaredLoss as SquaredLoss
from dynlens.problems.observations import Entries as Entries
from dynlens.problems.observations import Full as Full
from dynlens.problems.observations import RankOneSensing as RankOneSensing
from dynlens.problems.observations import Sensing as Sensing
from dynlens.problems.problem import Problem as Problem
from dynlens.problems.rank_one_sum import RankOneSum as RankOneSum
from dynlens.support.errors import ClaimViolated as ClaimViolated
from dynlens.support.errors import IntegrationError as IntegrationError
from dynlens.support.errors import KernelError as KernelError
from dynlens.verdict import Status as Status
from dynlens.verdict import Verdict as Verdict

__all__ = [
    "BALANCED",
    "POSITIVE_DETERMINANT",
    "All",
    "Assumption",
    "AtLeast",
    "BackwardError",
    "Batch",
    "Box",
    "CPFactorization",
    "Case",
    "Check",
    "Claim",
    "ClaimViolated",
    "ClosedForm",
    "Conserved",
    "CrossEntropy",
    "DeepLinear",
    "DescentCase",
    "Entries",
    "Equal",
    "Equilibrium",
    "Event",
    "ExponentialLoss",
    "Family",
    "FormulaModel",
    "Frequency",
    "Full",
    "HierarchicalTensor",
    "HuberLoss",
    "Identities",
    "Infimum",
    "IntegrationError",
    "KernelError",
    "LeadingError",
    "LeastAmongFits",
    "Limit",
    "LinearLoss",
    "LogisticLoss",
    "Mean",
    "Measurement",
    "Monotone",
    "Order",
    "Path",
    "Points",
    "PowerLaw",
    "Problem",
    "QuadraticNetwork",
    "RandomMatrices",
    "RandomStates",
    "RankOneSensing",
    "RankOneSum",
    "RateLaw",
    "Reading",
    "Recursion",
    "Ridge",
    "Sensing",
    "SmallStarts",
    "SmoothHingeLoss",
    "SquaredLoss",
    "Start",
    "States",
    "Status",
    "Supremum",
    "SymmetricTensor",
    "SystemPath",
    "Theorem",
    "Trajectory",
    "Verdict",
    "__version__",
    "best_constant",
    "compare",
    "completion_problem",
    "conjecture",
    "conservation_laws",
    "falsify",
    "from_file",
    "from_function",
    "from_torch",
    "gradient_descent",
    "gradient_descent_batch",
    "gradient_flow",
    "gradient_flow_batch",
    "load",
    "load_case",
    "loss_below",
    "network",
    "objective",
    "observable",
    "plot_observable",
    "starts",
    "theorem",
    "theorems",
    "verify",
]
__version__: str
