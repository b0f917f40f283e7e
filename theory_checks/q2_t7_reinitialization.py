"""With few components some directions are missed unless small components start anew.

The phases of Ge et al. (2021), an experiment: six components for five directions, whose starts are
drawn with fixed seeds. Of the seeds 0 to 5, fresh components find every direction with four, and
without them one does; with two seeds all components have grown onto fewer directions, so that none
is left to start anew. The order of discovery is up to the draws.
"""

from dataclasses import dataclass

import numpy as np

from dynlens import AtLeast, Check, Equal, Measurement, Theorem
from dynlens.reinitialization import modified_flow
from theory_checks.q2_t4_fitting_times import Staircase

SEEDS = (2, 3, 5)
PENALTY = 0.05


@dataclass(frozen=True)
class Phases(Measurement):
    """Directions found (less than a tenth of the coefficient left, or the penalty), by seed."""

    fresh: bool
    seeds: tuple[int, ...] = SEEDS
    phases: int = 5
    length: float = 14.0

    def measure(self, fine):
        found, loss, order = [], [], []
        for seed in self.seeds:
            case = Staircase(1e-3, PENALTY, components=6, seed=seed)
            runs = modified_flow(
                case.problem,
                1e-3 * case.directions.ravel(),
                phases=[self.length] * self.phases,
                # Nothing is as small as 1e-30.
                threshold=0.1 if self.fresh else 1e-30,
                scale=1e-3,
                seed=seed,
                rtol=1e-9 if fine else 1e-8,
                atol=1e-13,
            )
            share = np.concatenate([run.values("fitted_coefficients") for run in runs]) / case.a
            reached = share > 0.5
            found.append(reached[-1].sum())
            loss.append(runs[-1].values("residual_norm")[-1] ** 2)
            when = np.where(reached.any(axis=0), reached.argmax(axis=0), len(share))
            order.append(np.abs(np.argsort(when, kind="stable") - np.arange(5)).sum())
        return {"found": found, "squared": loss, "disorder": order}


fresh, without = (Phases(True),), (Phases(False),)
everything = Equal("found", "5", tolerance=0.0)
theorem = Theorem(
    id="Q2.T7",
    title="few components need to start anew",
    source="ge2021understanding; experiment derived",
    checks=(
        Check(everything, fresh),
        Check(AtLeast("4", "found"), without),
        # The bias of the penalty alone: r lambda^2 / 4.
        Check(Equal("squared", f"5 * {PENALTY}**2 / 4", tolerance=1e-3), fresh),
        Check(AtLeast("squared", "0.08"), without),
    ),
    controls={
        "all five without fresh components": Check(everything, without),
        # Seeds 0 and 4: no component is left small, so that none starts anew.
        "fresh components always find all": Check(everything, (Phases(True, seeds=(0, 4)),)),
        "always in order, for any number of components": Check(
            AtLeast("0", "disorder"), (Phases(True, seeds=tuple(range(6))),)
        ),
    },
)
