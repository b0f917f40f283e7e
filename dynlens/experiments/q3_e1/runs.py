r"""Q3.E1: the risks of random features, neural tangent and networks, against neurons per dimension.

Three quadratic targets, by the spectrum of B: a ramp of positive eigenvalues, as many +1 as -1, and
three ones. For each number of neurons N the least risk over each class, relative to that of a
constant, averaged over first layers drawn at random, beside its formula; and networks that gradient
descent has trained, in a smaller dimension.

References
----------
ghorbani2019limitations
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dynlens.dynamics.descent import gradient_descent
from dynlens.experiments.lab import Lab, Runs
from dynlens.models.quadratic import QuadraticNetwork
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Full
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array
from dynlens.theory import lazy_networks as lazy

TARGETS = ("ramp", "mixed signs", "rank 3")
CLASSES = ("features", "tangent", "network")
FULL = {"d": 80, "draws": 20}
SMALL = {"d": 24, "draws": 5}  # of the quick version
SHARES = (0.05, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0, 1.25)
TRAINED_D, TRAINED_SHARES = 24, (0.125, 0.25, 0.5, 0.75)
ETA, STEPS, SCALE = 0.01, 10_000, 0.1  # of the training


@dataclass(frozen=True)
class Risk:
    """The risk of a class of functions with N neurons, relative to that of a constant.

    ``risk`` is a mean over first layers, with its standard ``error``, and ``least`` the least of
    them; ``formula`` is what theory has for it. ``kind`` is one of `CLASSES`, or "trained".
    """

    target: str
    kind: str
    d: int
    neurons: int
    risk: float
    error: float
    formula: float
    least: float

    @property
    def share(self) -> float:
        """Neurons per dimension."""
        return self.neurons / self.d


def target(name: str, d: int) -> Array:
    """Return B."""
    spectra = {
        "ramp": np.linspace(0.2, 1.8, d),
        "mixed signs": np.resize([1.0, -1.0], d),
        "rank 3": np.append(np.ones(3), np.zeros(d - 3)),
    }
    return np.diag(spectra[name])


def risks(name: str, share: float, d: int, draws: int) -> list[Risk]:
    """Risks of each class, with N = share * d neurons drawn `draws` times."""
    B, N = target(name, d), max(1, round(share * d))
    layers = np.random.default_rng([d, N]).standard_normal((draws, N, d))
    found = {
        "features": [lazy.random_features_risk(B, W) for W in layers],
        "tangent": [lazy.tangent_risk(B, W) for W in layers],
        "network": [lazy.network_risk(B, N)],
    }
    formulas = {
        "features": lazy.random_features_limit(B, N),
        "tangent": lazy.tangent_mean(B, N),
        "network": lazy.network_risk(B, N),
    }
    return [
        Risk(
            target=name,
            kind=kind,
            d=d,
            neurons=N,
            risk=float(np.mean(risks)),
            error=float(np.std(risks, ddof=1) / np.sqrt(draws)) if len(risks) > 1 else 0.0,
            formula=formulas[kind],
            least=float(np.min(risks)),
        )
        for kind, risks in found.items()
    ]


def trained(name: str, share: float) -> list[Risk]:
    """Risk, alone in a list, at which descent on the first layer ends, beside the least there is.

    The second layer is fixed, all ones, or half of either sign for a target that has both.
    """
    d = TRAINED_D
    B, N = target(name, d), max(1, round(share * d))
    plus = N // 2 if np.linalg.eigvalsh(B)[0] < 0 else N
    signs = (1,) * plus + (-1,) * (N - plus)
    problem = Problem(QuadraticNetwork(d, N, signs), SquaredLoss(half=False), Full(B))
    start = problem.init(SCALE, kind="gaussian", seed=N)
    run = gradient_descent(problem, start, eta=ETA, steps=STEPS, saves=2)
    risk = float(problem.objective(run.final) / np.sum(B**2))
    formula = lazy.network_risk(B, N, positive=plus)
    return [Risk(name, "trained", d, N, risk=risk, error=0.0, formula=formula, least=risk)]


def measure(lab: Lab) -> Runs[Risk]:
    """Find all risks, then train."""
    sizes = SMALL if lab.quick else FULL
    few = (0.25,) if lab.quick else TRAINED_SHARES
    drawn = [partial(risks, name, share, **sizes) for name in TARGETS for share in SHARES]
    ended = [partial(trained, name, share) for name in TARGETS for share in few]
    return Runs(risk for job in lab.each([*drawn, *ended]) for risk in job())


def table(found: Runs[Risk]) -> list[dict[str, Any]]:
    """Rows of the table: one for each risk."""
    return [
        {
            "target": one.target,
            "class": one.kind,
            "d": one.d,
            "neurons": one.neurons,
            "share": one.share,
            "risk": one.risk,
            "error": one.error,
            "formula": one.formula,
        }
        for one in found
    ]
