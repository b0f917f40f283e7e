"""P3.E2, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.p3_e2 import report, runs

experiment = Experiment(
    id="P3.E2",
    title="a regularizer against locality lets networks see far",
    source="razin2022implicit, the experiment on images of the same class, at a size for CPUs",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.accuracies},
)
