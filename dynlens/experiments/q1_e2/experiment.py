"""Q1.E2, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.q1_e2 import report, runs

experiment = Experiment(
    id="Q1.E2",
    title="fresh components, and descent without them",
    source="wang2020beyond, the algorithm; derived",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.fitted},
)
