"""P3.E1, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.p3_e1 import report, runs

experiment = Experiment(
    id="P3.E1",
    title="matrix, tensor and hierarchical factorization learn rank after rank",
    source="razin2022implicit, the experiments on the dynamics of learning",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.panels, "_nodes": report.nodes, "_scale": report.errors},
)
