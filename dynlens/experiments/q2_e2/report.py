"""Q2.E2 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, each, paragraph
from dynlens.experiments.q2_e2.runs import RATIO, Run
from dynlens.problems.instances import coefficients


def text(runs: Runs[Run]) -> Iterable[str]:
    """Paragraphs and a table."""
    first = runs[0]
    a = coefficients(first.rank, RATIO)
    yield paragraph(
        [
            f"d = {first.dimension}, {first.components} components of length delta, coefficients "
            f"{each(a, '.4f')}, flow without penalty. Times at which directions are half fitted, "
            "and in brackets those predicted; 'behind' is what the second direction has of its "
            "coefficient when the first is half fitted, and 'law' what the logistic law says."
        ]
    )
    yield columns(
        ["delta", *(f"direction {k + 1}" for k in range(len(a))), "behind", "law"],
        (
            [
                f"{run.delta:g}",
                *(f"{s:.2f} ({p:.2f})" for s, p in zip(run.observed, run.predicted, strict=True)),
                f"{run.behind:.3g}",
                f"{run.law:.3g}",
            ]
            for run in runs
        ),
    )
    yield paragraph([*_behind(runs, 2 * (1 - a[1] / a[0])), *_predicted(runs)])


def _behind(runs: Runs[Run], expected: float) -> Iterable[str]:
    larger, smaller = runs[-2:]
    slope = np.log(smaller.behind / larger.behind) / np.log(smaller.delta / larger.delta)
    yield (
        f"Between the two smallest starts 'behind' {'falls' if slope > 0 else 'grows'} like "
        f"delta^{slope:.3f}; the law's exponent is 2 (1 - a_2/a_1) = {expected:.3f}."
    )


def _predicted(runs: Runs[Run]) -> Iterable[str]:
    off = [float(np.abs(run.predicted / run.observed - 1).max()) for run in runs]
    yield (
        f"The predicted times are at most {each(off, '.1%')} off, from the largest start to the "
        "smallest: "
        + (
            "alignment has to precede growth."
            if off[-1] < off[0]
            else "a smaller start makes them no better."
        )
    )


def stairs(runs: Runs[Run]) -> Any:
    """Draw shares along three of the runs, and what is behind against the start."""
    from dynlens import plot

    shown = runs if len(runs) < 4 else [runs[k] for k in (0, 2, len(runs) - 1)]
    figure = plot.Picture(figsize=(7.2, 4.6))
    grid = figure.add_gridspec(len(shown), 2, width_ratios=(5, 3))
    above = None
    for k, run in enumerate(shown):
        ax = above = figure.add_subplot(grid[k, 0], sharex=above)
        clock = run.time / np.log(1 / run.delta)
        marks = run.predicted / np.log(1 / run.delta)
        for j in range(run.rank):
            ax.plot(clock, run.share[:, j], color=plot.PALETTE[j], label=f"$k = {j + 1}$")
            ax.plot(marks[j], 0.5, "o", color=plot.PALETTE[j], markersize=4)
        ax.set_title(rf"$\delta = {_power(run.delta)}$")
        if k == 0:
            ax.legend(loc="lower right", fontsize=7)
    ax.set_xlabel(r"time / $\ln(1/\delta)$; dots: predicted")
    ax.set_xlim(0, 2.7)
    figure.supylabel(r"share $W(e_k^{\otimes 4})\,/\,a_k$", fontsize=9)
    right = figure.add_subplot(grid[:, 1])
    delta = [run.delta for run in runs]
    right.plot(delta, [run.behind for run in runs], "o", color=plot.BLUE, label="measured")
    right.plot(delta, [run.law for run in runs], "--", color=plot.BLACK, label="logistic law")
    right.set(xscale="log", yscale="log", xlabel=r"length of the start $\delta$")
    right.set_title("share of direction 2\nwhen 1 is half fitted")
    right.legend()
    return figure


def _power(delta: float) -> str:
    return f"10^{{{round(np.log10(delta))}}}"
