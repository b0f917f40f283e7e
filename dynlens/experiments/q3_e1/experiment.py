"""Q3.E1, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.q3_e1 import report, runs

experiment = Experiment(
    id="Q3.E1",
    title="risks of random features, neural tangent and networks",
    source="ghorbani2019limitations, the figure on quadratic functions",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.risks},
)
