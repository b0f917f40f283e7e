"""Q1.E3, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.q1_e3 import report, runs

experiment = Experiment(
    id="Q1.E3",
    title="eight components, in any dimension",
    source="wang2020beyond, the main theorem; derived",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.errors},
)
