"""P3.E1 in words and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.lab import Runs
from dynlens.experiments.p3_e1.runs import (
    ETA,
    FINER,
    FULL,
    METHODS,
    PANELS,
    RTOL,
    STOP,
    Panel,
    Quantity,
    Run,
)
from dynlens.experiments.prose import columns, distinct, each, paragraph, rises, span
from dynlens.experiments.rising_curves import legend, rising

NAMES = {"descent": "GroupRMSprop", "flow": "gradient flow"}


# -- words -----------------------------------------------------------------------------------------


def text(measured: Runs[Run]) -> Iterable[str]:
    """Paragraphs and a table."""
    runs = measured.where(rtol=RTOL)
    yield paragraph(_setting(runs))
    yield _rows(runs)
    for name, panel in PANELS.items():
        mine = runs.where(panel=name)
        yield paragraph(_order(panel, mine), f"{name.capitalize()}. ")
        yield paragraph(_scale(panel, mine))
    yield paragraph(_clocks(runs), "The two clocks. ")
    yield paragraph(_error(measured), "The flow's own error. ")


def _setting(runs: Runs[Run]) -> Iterable[str]:
    first = runs[0]
    size, side = first.size, round(first.size**1.5)
    yield (
        f"A matrix of {side} x {side} entries by a product of three; a tensor of {size} x {size} x "
        f"{size} by a CP factorization with {first.components} components; the same by a "
        f"hierarchical one over {{{{1,2}},{{3}}}} with widths {first.width}. Targets are of rank "
        f"{first.rank} in the sense of each, with root mean square entries of 1."
    )
    if first.width != 512 and size == FULL["size"]:
        yield (
            "The published hierarchical model has widths 512, whose steps cost about thirty times "
            "as much; `measure(..., width=512)` of this experiment's runs has them."
        )
    yield (
        f"Half of the entries are seen; the loss is the mean of the squared residuals, down to "
        f"{STOP:g}. Gaussian starts; GroupRMSprop with step {ETA:g}, and gradient flow by RK23 at "
        f"rtol {RTOL:g}."
    )
    caps = ", ".join(
        f"{panel.steps} and {panel.t_end:g} ({name})" for name, panel in PANELS.items()
    )
    yield (
        f"Caps, in steps and in time of the flow: {caps}. Seeds draw targets, entries and starts; "
        "a seed's start has the same direction at all scales. The table shows medians over seeds."
    )
    yield (
        "A value rises when it comes, for good, to half of where it ends; 'next/first' is the "
        f"largest value beyond rank {first.rank} over the first; 'off' is the largest distance of "
        "the others from the target's, over its first. Local components have no levels of their "
        "own: the target does not determine them."
    )


def _of(runs: Runs[Run], name: str) -> Runs[Quantity]:
    """What runs say of one quantity."""
    return Runs(run.quantities.one(name=name) for run in runs)


def _median(found: Iterable[Any], name: str) -> float:
    return float(np.median([getattr(one, name) for one in found]))


def _median_error(runs: Runs[Run]) -> float:
    return float(np.median([run.error[run.end] for run in runs]))


def _rows(runs: Runs[Run]) -> str:
    head = ["", "std", "by", "error", "next/first", "off", "rises at flow time", "end"]
    lines = []
    for panel, of_panel in ((panel, runs.where(panel=name)) for name, panel in PANELS.items()):
        for name in panel.quantities:
            for scale, from_scale in of_panel.by("scale")[::-1]:
                for method in METHODS:
                    mine = from_scale.where(method=method)
                    first, found = mine[0], _of(mine, name)
                    known = found[0].off_level is not None
                    lines.append(
                        [
                            f"{panel.name}: {name}",
                            f"{scale:g}",
                            method,
                            f"{_median_error(mine):.4f}",
                            f"{_median(found, 'next_over_first'):.1e}",
                            f"{_median(found, 'off_level'):.1e}" if known else "",
                            rises(found[0].rises),
                            f"{first.flow_time[first.end]:.3g}"
                            + ("" if first.fitted else " (cap)"),
                        ]
                    )
    return columns(head, lines)


def _order(panel: Panel, runs: Runs[Run]) -> Iterable[str]:
    (small, mine), rank = runs.by("scale")[0], runs[0].rank
    yield f"From std {small:g}, {len(mine)} runs:"
    for name in panel.quantities:
        found = _of(mine, name)
        apart = [distinct(one.rises, one.run.flow_time[one.run.end]) for one in found]
        yield (
            f"the {rank} largest {name} rise at {span(apart, 'd')} distinct times; the next is at "
            f"most {max(one.next_over_first for one in found):.1e} of the first"
        )
        off = [one.off_level for one in found if one.off_level is not None]
        if off:
            yield f"and the {rank} are off by at most {max(off):.2g};"
        else:
            yield f"and {span((one.above_1_percent for one in found), 'd')} are above 1% of it;"
    yield "(distinct: apart by more than 1% of the time between the first rise and the end)."
    if any(level is None for level in mine[0].instance.levels):
        yield (
            "Local components are not determined by the tensor: their number at a node may exceed "
            "the rank of the matricizations, which measures the hierarchical rank."
        )


def _scale(panel: Panel, runs: Runs[Run]) -> Iterable[str]:
    scales, last = runs.values("scale")[::-1], panel.quantities[-1]
    for method in METHODS:
        mine = [runs.where(method=method, scale=scale) for scale in scales]
        errors = [_median_error(some) for some in mine]
        after = [_median(_of(some, last), "next_over_first") for some in mine]
        yield (
            f"By {NAMES[method]} the error is {each(errors, '.3g')} and next/first of {last} "
            f"{each(after, '.2g')} for std {each(scales, 'g')}."
        )
    floor = float(np.sqrt(STOP))
    yield f"(Were all residuals as large as those seen at the stop, it would be {floor:.2g}.)"
    capped = runs.where(fitted=False)
    if capped:
        yield (
            f"{len(capped)} of {len(runs)} runs ended at their cap, with a loss of "
            f"{max(run.loss[run.end] for run in capped):.2g} at most."
        )


def _clocks(runs: Runs[Run]) -> Iterable[str]:
    stretches = [run.flow_time[run.end] / run.time[run.end] for run in runs.where(method="descent")]
    yield (
        "GroupRMSprop normalizes the gradient"
        + (
            ", and crosses the plateaus, where it is small, in few steps."
            if min(stretches) > 1
            else "."
        )
        + " What follows is on the clock that adds up the actual steps."
    )
    for name, panel in PANELS.items():
        found = _of(runs.where(panel=name), panel.quantities[-1])
        # From large starts the first value may be there from the beginning.
        early = {one.run.scale for one in found if one.rises[0] == 0}
        scales = sorted({one.run.scale for one in found} - early, reverse=True)
        ratio, stretch, moved = [], [], []
        for scale in scales:
            mine = runs.where(panel=name, method="descent", scale=scale)
            pairs = [
                (run, runs.one(panel=name, method="flow", scale=scale, seed=run.seed))
                for run in mine
            ]
            firsts = [[run.quantities[-1].rises[0] for run in pair] for pair in pairs]
            ratio.append(float(np.median([a / b for a, b in firsts])))
            passed = [run.flow_time[run.end] / run.time[run.end] for run in mine]
            stretch.append(float(np.median(passed)))
            size = np.sqrt(mine[0].instance.problem.model.parameters)
            moved.append(ETA / (scale * size))
        yield (
            f"{name.capitalize()}: the first value rises at {each(ratio, '.2f')} times the "
            f"flow's time for std {each(scales, 'g')}, where a step is {each(moved, '.2g')} of the "
            f"start's norm; a unit of eta * step passes {each(stretch, '.3g')} units of time."
        )


def _error(measured: Runs[Run]) -> Iterable[str]:
    for finer in measured.where(rtol=FINER):
        same = measured.one(
            panel=finer.panel, method="flow", scale=finer.scale, seed=finer.seed, rtol=RTOL
        )
        first, second = (run.quantities[0].rises for run in (same, finer))
        yield (
            f"{finer.panel.capitalize()}, std {finer.scale:g}: at rtol {finer.rtol:g} the rises "
            f"move by {np.abs(first / second - 1).max():.1e} relatively and the reconstruction "
            f"error from {same.error[same.end]:.5f} to {finer.error[finer.end]:.5f}."
        )


# -- pictures --------------------------------------------------------------------------------------


def _smallest(measured: Runs[Run], panel: Panel, method: str) -> Run:
    """The run from the smallest scale, of the first seed."""
    mine = measured.where(panel=panel.name, method=method, rtol=RTOL)
    return min(mine, key=lambda run: (run.scale, run.seed))


def panels(measured: Runs[Run]) -> Any:
    """Draw one quantity of each panel along the runs from its smallest scale."""
    from dynlens import plot

    figure = plot.Picture(figsize=(8.4, 4.8))
    axes = figure.subplots(2, 3)
    for column, panel in zip(axes.T, PANELS.values(), strict=True):
        for ax, method in zip(column, METHODS, strict=True):
            _values(ax, _smallest(measured, panel, method), len(panel.quantities) - 1)
        std = _smallest(measured, panel, "flow").scale
        column[0].set_title(f"{panel.name}, std {std:g}\n{panel.quantities[-1]}")
    for ax in axes[:, 0]:
        ax.set_ylabel("the ten largest")
    names = legend(measured[0].rank, "of the target")
    figure.legend(handles=names, loc="outside lower center", ncols=8)
    return figure


def nodes(measured: Runs[Run]) -> Any:
    """Draw the hierarchical factorization's other quantities along the same runs."""
    from dynlens import plot

    panel = PANELS["hierarchical"]
    figure = plot.Picture(figsize=(8.4, 4.8))
    axes = figure.subplots(2, 4, sharey="col")
    std = _smallest(measured, panel, "flow").scale
    for column, quantity in zip(axes.T, range(4), strict=True):
        for ax, method in zip(column, METHODS, strict=True):
            _values(ax, _smallest(measured, panel, method), quantity)
        column[0].set_title(panel.quantities[quantity].replace(" norms ", "\nnorms, node "))
    for ax in axes[:, 0]:
        ax.set_ylabel(f"the ten largest, std {std:g}")
    names = legend(measured[0].rank, "of the target")
    figure.legend(handles=names, loc="outside lower center", ncols=8)
    return figure


def _values(ax: Any, run: Run, quantity: int) -> None:
    level = run.instance.levels[quantity]
    known = [] if level is None else level[: run.rank].tolist()
    rising(ax, run.time, run.values[:, quantity], run.rank, known)
    steps = run.method == "descent"
    ax.set_xlabel(r"$\eta\cdot$step, GroupRMSprop" if steps else "time of the flow")


def errors(measured: Runs[Run]) -> Any:
    """Draw the reconstruction errors against the scale."""
    from dynlens import plot

    figure = plot.Picture(figsize=(8.4, 2.9))
    axes = figure.subplots(1, 3, sharey=True)
    looks = {"descent": (plot.BLUE, "o", "-"), "flow": (plot.VERMILLION, "s", "--")}
    for ax, name in zip(axes, PANELS, strict=True):
        for method, (colour, marker, dashes) in looks.items():
            mine = measured.where(panel=name, method=method, rtol=RTOL)
            for scale, some in mine.by("scale"):
                ends = [run.error[run.end] for run in some]
                ax.plot([scale] * len(ends), ends, marker, color=colour, markersize=4)
            middle = [_median_error(some) for _, some in mine.by("scale")]
            scales = mine.values("scale")
            ax.plot(scales, middle, dashes, color=colour, label=NAMES[method])
        ax.set(xscale="log", yscale="log", title=name, xlabel="std of the start")
    axes[0].set_ylabel("reconstruction error / norm")
    axes[0].legend(loc="best")
    return figure
