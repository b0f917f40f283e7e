"""O.E1, put together."""

from dynlens.experiments.base import Experiment
from dynlens.experiments.o_e1 import report, runs

experiment = Experiment(
    id="O.E1",
    title="energy of the neurons against time, by four schemes",
    source="liu2021orthogonal, steps as in the authors' code; energies derived",
    measure=runs.measure,
    table=runs.table,
    text=report.text,
    pictures={"": report.energies},
)
