"""Q1.E2 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.fresh_components import ETA, FITTED, PENALTY, RANK, SCALE
from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, paragraph
from dynlens.experiments.q1_e2.runs import STEPS, D, Run


def text(runs: Runs[Run]) -> Iterable[str]:
    """Paragraphs and a table."""
    epochs = len(runs[0].error)
    yield paragraph(
        [
            f"Order 3, dimension {D}, rank {RANK}, norm one, |W - W*|^2 + {PENALTY:g} sum |u_i|^2; "
            f"descent with step {ETA:g}, {epochs} epochs of {STEPS} steps, components of length "
            f"{SCALE:g} and random sign in the beginning. Errors |W - W*| after some epochs."
        ]
    )
    marks = [k for k in (1, 2, 3, 5, 10, 20, 40) if k <= epochs]
    yield columns(
        ["m", "seed", "fresh", *(f"epoch {k}" for k in marks)],
        (
            [
                str(run.components),
                str(run.seed),
                "yes" if run.fresh else "no",
                *(f"{run.error[k - 1]:.4f}" for k in marks),
            ]
            for run in sorted(runs, key=lambda run: (run.components, run.seed, not run.fresh))
        ),
    )
    for m in runs.values("components"):
        (yes, count), (no, _) = _share(runs, m, True), _share(runs, m, False)
        yield paragraph(
            [
                f"m = {m}: with fresh components {yes} of {count} seeds come below {FITTED:g}, "
                f"without them {no}."
            ]
        )
    yield from (paragraph([said]) for said in (*_none_to_spare(runs), *_stuck(runs)))


def _share(runs: Runs[Run], components: int, fresh: bool) -> tuple[int, int]:
    """How many of the runs end with all directions fitted, and of how many."""
    mine = runs.where(components=components, fresh=fresh)
    return sum(run.error[-1] < FITTED for run in mine), len(mine)


def _none_to_spare(runs: Runs[Run]) -> Iterable[str]:
    """What as many components as directions do, beside more of them."""
    widths = runs.values("components")
    if not min(widths) <= RANK < max(widths):
        return
    tight, *more = (
        yes / count for yes, count in (_share(runs, m, True) for m in widths if m >= RANK)
    )
    if tight < min(more):
        yield (
            f"With as many components as directions, m = {RANK}, none is to spare: the one that "
            "starts anew is one that a direction needs, so that epochs undo what others have found."
        )
    else:
        yield (
            f"As many components as directions, m = {RANK}, are no worse than more of them: "
            f"{tight:.0%} of the seeds come below {FITTED:g}."
        )


def _stuck(runs: Runs[Run]) -> Iterable[str]:
    """Whether runs without fresh components end where a direction is missing."""
    stuck = [run.error[-1] for run in runs.where(fresh=False) if run.error[-1] > FITTED]
    if stuck:
        yield (
            f"Where a direction is missing, the penalty alone does not lead out: those "
            f"{len(stuck)} runs without fresh components end between {min(stuck):.3f} and "
            f"{max(stuck):.3f}."
        )


def fitted(runs: Runs[Run]) -> Any:
    """Draw how many seeds have an error below `FITTED` after each epoch."""
    from dynlens import plot

    counts = runs.values("components")
    figure = plot.Picture(figsize=(max(1.7 * len(counts) + 1.4, 4.8), 2.7))
    axes = figure.subplots(1, len(counts), sharey=True, squeeze=False)[0]
    looks = {True: (plot.BLUE, "-", "with fresh"), False: (plot.VERMILLION, "--", "without fresh")}
    for ax, m in zip(axes, counts, strict=True):
        for fresh, (colour, dash, label) in looks.items():
            errors = [run.error for run in runs.where(components=m, fresh=fresh)]
            share = (np.array(errors) < FITTED).mean(axis=0)
            epochs = np.arange(1, len(share) + 1)
            ax.plot(epochs, share, dash, color=colour, label=f"{label} components")
        ax.set(xlabel="epoch", title=f"$m = {m}$", ylim=(-0.04, 1.04))
        ax.locator_params(axis="x", integer=True)
    axes[0].set_ylabel(f"share of seeds below {FITTED:g}")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure
