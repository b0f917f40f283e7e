"""Fresh components free descent from where it is stuck; how many there are need not grow with d.

Experiments after Wang et al. (2020), on targets of three random directions (Q1.T8), with four
components. At its end descent with fresh ones has found every direction in which the residual
exceeds lambda/2, so that |R|^2 <= lambda/2 sum |c_j|. Without them some runs stay far above that,
the penalty notwithstanding. Claims were stated, and the seeds 100 to 139 fixed, after a look at
seeds 0 to 19 alone, of which four stay stuck (2, 5, 6, 11). Observed on the forty: .0085 to .0177
with fresh components (the bound is .089 to .098); without them ten stay stuck, between .42 and .74.
"""

import dynlens as dl

from .stationary import Ablation, Dimensions

four, twelve = [Ablation()], [Ablation(12, seeds=(0, 1, 2, *range(100, 105)))]
dimensions, growing = [Dimensions()], {"claim": "any d", "left": "error"}

theorem = dl.Theorem(
    "Q1.T10",
    "fresh components free descent",
    source="wang2020beyond; experiments derived",
    claims={
        "fresh": dl.AtLeast("bound", "fresh"),
        # One percent, for components that have not settled.
        "no worse": dl.AtLeast("1.01 * without", "fresh"),
        "stuck": dl.Check(dl.AtLeast("stuck", "1"), four),
        # Where descent is stuck in the end, it was so half-way, too.
        "stays": dl.Check(dl.AtLeast("without", "0.9 * early", where="without - bound"), four),
        "any d": dl.Check(dl.AtLeast("bound", "error"), dimensions),
        "not lazy": dl.Check(dl.AtLeast("lazy", "bound"), dimensions),
    },
    on=four + twelve,
    false={
        "fresh components are unnecessary": {"claim": "fresh", "right": "without", "on": four},
        "the penalty alone escapes": {
            "claim": "stays",
            "left": "early / 2",
            "right": "without",
            "where": "early - bound",
        },
        "fresh components change nothing": {
            "claim": "no worse",
            "left": "1.01 * fresh",
            "right": "without",
            "on": four,
        },
        "as lazy training with eight components": {**growing, "right": "lazy"},
        "the error grows like the square root of d": {
            **growing,
            "right": "error_0 * sqrt(d / d_0)",
        },
    },
)
