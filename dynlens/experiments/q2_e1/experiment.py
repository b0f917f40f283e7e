"""Q2.E1, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.q2_e1 import report, runs

experiment = Experiment(
    id="Q2.E1",
    title="the deflation staircase, and its times",
    source="ge2021understanding, the figure of a trajectory; and beyond its size",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.paper_size, "_large": report.large},
)
