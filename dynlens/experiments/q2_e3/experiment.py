"""Q2.E3, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.q2_e3 import report, runs

experiment = Experiment(
    id="Q2.E3",
    title="the penalty's bias, and its basin",
    source="ge2021understanding, on the regularizer; derived",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.panels},
)
