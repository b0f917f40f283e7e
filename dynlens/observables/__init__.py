"""Observables: named, labelled functions of a state."""

from dynlens.observables import balance, norms, spectra
from dynlens.observables.registry import Observable, known_observables, observable

__all__ = ["Observable", "balance", "known_observables", "norms", "observable", "spectra"]
