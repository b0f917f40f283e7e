"""P1.E2, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.p1_e2 import report, runs

experiment = Experiment(
    id="P1.E2",
    title="tensor completion finds tensors of low CP rank",
    source="razin2020implicit, the experiment on tensor completion",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.errors},
)
