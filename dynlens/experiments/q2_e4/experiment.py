"""Q2.E4, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.q2_e4 import report, runs

experiment = Experiment(
    id="Q2.E4",
    title="close directions, and their mean first",
    source="ge2021understanding, on targets that are not orthogonal; derived",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.tilts},
)
