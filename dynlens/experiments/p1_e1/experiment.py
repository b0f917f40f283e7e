"""P1.E1, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.p1_e1 import pictures, report, runs

experiment = Experiment(
    id="P1.E1",
    title="deep matrix factorization drives all norms to infinity",
    source="razin2020implicit, the experiment on deep matrix factorization",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": pictures.growth, "_depth_2": pictures.saturation},
)
