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

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.dynamics.descent import gradient_descent
from dynlens.experiments.base import Each, Experiment, Result, as_csv, write
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


def target(name: str, d: int) -> Array:
    """Return B."""
    spectra = {
        "ramp": np.linspace(0.2, 1.8, d),
        "mixed signs": np.resize([1.0, -1.0], d),
        "rank 3": np.append(np.ones(3), np.zeros(d - 3)),
    }
    return np.diag(spectra[name])


def rows_of(name: str, share: float, d: int, draws: int) -> list[dict[str, Any]]:
    """Rows of the table: one for each class, with N = share * d neurons drawn `draws` times."""
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
        {
            "target": name,
            "class": kind,
            "d": d,
            "neurons": N,
            "share": N / d,
            "risk": float(np.mean(risks)),
            "error": float(np.std(risks, ddof=1) / np.sqrt(draws)) if len(risks) > 1 else 0.0,
            "formula": formulas[kind],
        }
        for kind, risks in found.items()
    ]


def trained(name: str, share: float) -> dict[str, Any]:
    """Row of the table: the risk at which descent on the first layer ends, and the least there is.

    The second layer is fixed, all ones, or half of either sign for a target that has both.
    """
    d = TRAINED_D
    B, N = target(name, d), max(1, round(share * d))
    plus = N // 2 if np.linalg.eigvalsh(B)[0] < 0 else N
    signs = (1,) * plus + (-1,) * (N - plus)
    problem = Problem(QuadraticNetwork(d, N, signs), SquaredLoss(half=False), Full(B))
    start = problem.init(SCALE, kind="gaussian", seed=N)
    run = gradient_descent(problem, start, eta=ETA, steps=STEPS, saves=2)
    return {
        "target": name,
        "class": "trained",
        "d": d,
        "neurons": N,
        "share": N / d,
        "risk": float(problem.objective(run.final) / np.sum(B**2)),
        "error": 0.0,
        "formula": lazy.network_risk(B, N, positive=plus),
    }


def job(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of one case."""
    return [trained(**case)] if "d" not in case else rows_of(**case)


def run(folder: Path, quick: bool, each: Each[Any]) -> Result:
    """Measure everything, draw it, and say what was found."""
    from dynlens.experiments import q3_e1_report

    sizes = SMALL if quick else FULL
    few = (0.25,) if quick else TRAINED_SHARES
    jobs: list[dict[str, Any]]
    jobs = [{"name": name, "share": share, **sizes} for name in TARGETS for share in SHARES]
    jobs += [{"name": name, "share": share} for name in TARGETS for share in few]
    table = tuple(row for case in each(jobs) for row in job(case))
    text = q3_e1_report.text(table)
    figures = q3_e1_report.draw(table, folder)
    files = (write(folder / "q3_e1.csv", as_csv(table)), write(folder / "q3_e1.txt", text + "\n"))
    return Result(experiment.id, experiment.title, table, text, figures, files)


experiment = Experiment(
    id="Q3.E1",
    title="risks of random features, neural tangent and networks",
    source="ghorbani2019limitations, the figure on quadratic functions",
    run=run,
)
