"""Claims: statements about observables, with their assumptions and controls."""

from dynlens.support.lazy import attach

_HOME = {
    "All": ".base",
    "Assumption": ".base",
    "AtLeast": ".equations",
    "BALANCED": ".base",
    "Check": ".theorem",
    "Claim": ".base",
    "ClosedForm": ".equations",
    "Conserved": ".equations",
    "Equal": ".equations",
    "Equilibrium": ".equilibria",
    "Frequency": ".draws",
    "Identities": ".proof",
    "Infimum": ".extrema",
    "LeadingError": ".orders",
    "LeastAmongFits": ".potentials",
    "Limit": ".limits",
    "Mean": ".draws",
    "Monotone": ".trends",
    "Order": ".orders",
    "POSITIVE_DETERMINANT": ".base",
    "PowerLaw": ".limits",
    "RateLaw": ".equations",
    "Recursion": ".orders",
    "Supremum": ".extrema",
    "Theorem": ".theorem",
    "falsify": ".falsifying",
    "step_imbalances": ".orders",
}

# What was here before cases had a room of their own; to be dropped with version 0.3.
_MOVED = dict.fromkeys(
    (
        *("Case", "Measurement", "Path", "RandomMatrices", "RandomStates", "Reading"),
        *("SmallStarts", "Start", "States", "SystemPath"),
    ),
    "dynlens.cases",
)

__getattr__, __dir__, __all__ = attach(__name__, _HOME, moved=_MOVED)
