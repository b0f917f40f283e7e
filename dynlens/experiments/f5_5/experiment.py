"""F5.5, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.f5_5 import report, runs

experiment = Experiment(
    id="F5.5",
    title="descent at a step and at a fraction of it; the edge of stability",
    source="elkabetz2021continuous, the experiments; cohen2021gradient",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.distances, "_edge": report.edges},
)
