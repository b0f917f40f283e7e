"""Cases: where a claim is looked at, from random states to families of runs."""

from dynlens.support.lazy import attach

_HOME = {
    "BackwardError": ".backward_error",
    "Box": ".boxes",
    "Case": ".base",
    "DescentCase": ".descents",
    "EscapeTimes": ".escapes",
    "Family": ".families",
    "Measurement": ".measurements",
    "Path": ".paths",
    "Points": ".boxes",
    "RandomMatrices": ".base",
    "RandomStates": ".base",
    "Reading": ".base",
    "SmallStarts": ".small_starts",
    "Start": ".base",
    "States": ".base",
    "SystemPath": ".systems",
}

__getattr__, __dir__, __all__ = attach(__name__, _HOME)
