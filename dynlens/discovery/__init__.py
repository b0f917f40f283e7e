"""Discovery: conservation laws and rate laws that are found, not only checked."""

from dynlens.support.lazy import attach

_HOME = {
    "BestConstant": ".constants",
    "Conjecture": ".conjecturing",
    "ConservationLaws": ".laws",
    "Law": ".laws",
    "best_constant": ".constants",
    "conjecture": ".conjecturing",
    "conservation_laws": ".laws",
    "relu_cell": ".cells",
}

__getattr__, __dir__, __all__ = attach(__name__, _HOME)
