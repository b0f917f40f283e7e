"""Q1.E3 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, paragraph
from dynlens.experiments.q1_e3.runs import STEPS, M, Run


def text(runs: Runs[Run]) -> Iterable[str]:
    """Paragraphs and a table."""
    yield paragraph(
        [
            f"The target of Q1.E2 in dimension d, {M} components, epochs of {STEPS} steps. 'lazy' "
            "is the least root mean square error of a linearized model of this width, for one "
            "random direction."
        ]
    )
    epochs = len(runs[0].error)
    marks = [k for k in (1, 2, 3, 5, 10) if k <= epochs]
    yield columns(
        ["d", "seed", "lazy", *(f"epoch {k}" for k in marks)],
        (
            [
                str(run.dimension),
                str(run.seed),
                f"{run.lazy:.3f}",
                *(f"{run.error[k - 1]:.4f}" for k in marks),
            ]
            for run in runs
        ),
    )
    ends = [run.error[-1] for run in runs]
    d = runs.values("dimension")
    first, last = (runs.where(dimension=k)[0].lazy for k in (d[0], d[-1]))
    yield paragraph(
        [
            f"After {epochs} epochs all {len(runs)} runs have errors from {min(ends):.4f} to "
            f"{max(ends):.4f}; the lazy error {'rises' if last > first else 'falls'} from "
            f"{first:.3f} at d = {d[0]} to {last:.3f} at d = {d[-1]}."
        ]
    )


def errors(runs: Runs[Run]) -> Any:
    """Draw the errors against the dimension."""
    from dynlens import plot

    figure = plot.Picture(figsize=(5.4, 3.0))
    ax = figure.subplots()
    epochs = len(runs[0].error)
    looks = (("^", plot.ORANGE, 1), ("s", plot.GREEN, 2), ("o", plot.BLUE, epochs))
    for mark, colour, k in dict((look[2], look) for look in looks).values():
        ax.plot(
            [run.dimension for run in runs],
            [run.error[k - 1] for run in runs],
            mark,
            color=colour,
            markersize=4.5,
            fillstyle="none" if k < epochs else "full",
            label=f"descent, after epoch {k}",
        )
    d = runs.values("dimension")
    lazy = {run.dimension: run.lazy for run in runs}
    label = "linearized, at the least"
    ax.plot(d, [lazy[k] for k in d], "D--", color=plot.VERMILLION, markersize=4, label=label)
    ax.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel=r"error $\|W - W^*\|$")
    ax.set_xticks(d, [str(k) for k in d])
    ax.set_xticks([], minor=True)
    figure.legend(loc="outside lower center", ncols=2)
    return figure
