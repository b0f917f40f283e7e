"""P2.E1, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.p2_e1 import report, runs

experiment = Experiment(
    id="P2.E1",
    title="components of a tensor factorization are learned one after another",
    source="razin2021implicit, the experiment on the dynamics of learning",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.curves, "_scale": report.errors},
)
