"""Claims: statements about observables, with their assumptions, cases and controls."""

from dynlens.cases.base import (
    Case,
    RandomMatrices,
    RandomStates,
    Reading,
    Start,
    States,
)
from dynlens.cases.families import SmallStarts
from dynlens.cases.measurements import Measurement
from dynlens.cases.paths import Path
from dynlens.cases.systems import SystemPath
from dynlens.claims.base import (
    BALANCED,
    POSITIVE_DETERMINANT,
    Assumption,
    Claim,
    falsify,
)
from dynlens.claims.equations import AtLeast, ClosedForm, Conserved, Equal, RateLaw
from dynlens.claims.limits import Frequency, Mean, PowerLaw
from dynlens.claims.proof import Identities
from dynlens.claims.theorem import Check, Theorem

__all__ = [
    "BALANCED",
    "POSITIVE_DETERMINANT",
    "Assumption",
    "AtLeast",
    "Case",
    "Check",
    "Claim",
    "ClosedForm",
    "Conserved",
    "Equal",
    "Frequency",
    "Identities",
    "Mean",
    "Measurement",
    "Path",
    "PowerLaw",
    "RandomMatrices",
    "RandomStates",
    "RateLaw",
    "Reading",
    "SmallStarts",
    "Start",
    "States",
    "SystemPath",
    "Theorem",
    "falsify",
]
