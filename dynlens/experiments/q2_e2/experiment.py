"""Q2.E2, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.q2_e2 import report, runs

experiment = Experiment(
    id="Q2.E2",
    title="smaller starts, sharper stairs",
    source="ge2021understanding, on small initializations; derived",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.stairs},
)
