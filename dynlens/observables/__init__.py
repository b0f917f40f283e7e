"""Observables: named, labelled functions of a state."""

from dynlens.observables import (
    balance,
    components,
    matricizations,
    norms,
    parameters,
    ranks,
    spectra,
    symmetric,
    tangents,
)
from dynlens.observables.ranks import cp_rank_estimate
from dynlens.observables.registry import Observable, known_observables, observable

__all__ = [
    "Observable",
    "balance",
    "components",
    "cp_rank_estimate",
    "known_observables",
    "matricizations",
    "norms",
    "observable",
    "parameters",
    "ranks",
    "spectra",
    "symmetric",
    "tangents",
]
