"""Q1.E4, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.q1_e4 import report, runs

experiment = Experiment(
    id="Q1.E4",
    title="escape from zero, vanilla and 2-homogeneous",
    source="wang2020beyond, on the saddle at zero; derived",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.times},
)
