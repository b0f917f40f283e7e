"""Q1.E1, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.q1_e1 import report, runs

experiment = Experiment(
    id="Q1.E1",
    title="the width that lazy training needs, and what training that moves needs",
    source="wang2020beyond, the comparison of their first section; derived",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.needed, "_fit": report.fits},
)
