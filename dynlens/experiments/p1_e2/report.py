"""P1.E2 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dynlens.dynamics.plan import EPS
from dynlens.experiments.lab import Runs
from dynlens.experiments.p1_e2.runs import (
    DIM,
    ETA,
    LATE_STOP,
    MAX_RANK,
    RANK_MSE,
    RTOL,
    STEPS,
    STOP,
    Completion,
)
from dynlens.experiments.prose import columns, each, paragraph, span


def text(measured: Runs[Completion]) -> Iterable[str]:
    """Paragraphs and a table, in medians."""
    runs = measured.where(stop=STOP)
    yield paragraph(_setting(measured))
    yield _rows(runs)
    for order in runs.values("order"):
        descents = runs.where(order=order, method="descent")
        yield paragraph(_scales(descents), f"Order {order}. ")
        yield paragraph(_ranks(descents))
    if late := measured.where(stop=LATE_STOP):
        yield paragraph(_late(late, runs), "The stop. ")
    if runs.where(method="flow"):
        yield paragraph(_flow(runs), "The flow. ")


def _falling(runs: Runs[Completion]) -> list[tuple[float, Runs[Completion]]]:
    """Pairs of a scale and the runs from it, the largest scale first."""
    return runs.by("scale")[::-1]


def _median(runs: Iterable[Completion], name: str) -> float:
    known = [getattr(run, name) for run in runs if getattr(run, name) is not None]
    return float(np.median(known)) if known else float("nan")


def _ranked(runs: Iterable[Completion]) -> bool:
    """Whether ranks were estimated."""
    return any(run.cp_rank is not None for run in runs)


# -- words -----------------------------------------------------------------------------------------


def _setting(runs: Runs[Completion]) -> Iterable[str]:
    orders = runs.values("order")
    yield (
        f"Random tensors of CP rank {each(runs.values('rank'), 'd')} and norm 1, each size "
        f"{DIM}; CP factorizations with as many components as entries over {DIM}, "
        f"Gaussian starts; the loss is the mean of the squared residuals, down to {STOP:g}."
    )
    caps = ", ".join(f"{STEPS[n]} (order {n})" for n in orders)
    yield (
        f"GroupRMSprop with step {ETA:g} for at most {caps} steps; gradient flow by "
        f"RK23 at rtol {RTOL:g} on some cases of order 3."
    )
    yield (
        "'linear' is the error of the observed entries with zeros elsewhere. Norms, errors and "
        "baseline are relative to the target."
    )
    if _ranked(runs):
        limits = ", ".join(f"{MAX_RANK[order]} at order {order}" for order in orders)
        yield (
            "The estimated rank is the smallest number of terms by which alternating least squares "
            f"fits the result to a mean squared error of {RANK_MSE:g}, as published; ranks "
            f"up to {limits} were tried, and inf says that none fitted."
        )
    else:
        yield (
            "The column of estimated ranks is empty: it needs tensorly, which is not installed "
            'here (pip install "dynlens[tensor]").'
        )
    for order in orders:
        repeats = runs.where(order=order, method="descent").values("repeat")
        yield f"Repetitions at order {order}: {len(repeats)}."
    if len(orders) > 1:
        yield (
            "Order 4 has fewer repetitions and numbers of observations, a lower cap and no flow: "
            "its steps cost about twenty times as much as those of order 3."
        )
    yield "Medians over the repetitions; all cases are in the .csv."


def _rows(runs: Runs[Completion]) -> str:
    scales = runs.values("scale")[::-1]
    names = [f"std {scale:g}" for scale in scales]
    head = ["order", "rank", "observed", "linear", *names, *(f"rank at {n}" for n in names)]
    lines = []
    for order, of_order in runs.where(method="descent").by("order"):
        for rank, of_rank in of_order.by("rank"):
            for observed, here in of_rank.by("observed"):
                cases = [here.where(scale=scale) for scale in scales]
                lines.append(
                    [
                        *(str(n) for n in (order, rank, observed)),
                        f"{_median(here, 'linear'):.4f}",
                        *(f"{_median(some, 'error'):.4f}" if some else "" for some in cases),
                        *(_rank(some) for some in cases),
                    ]
                )
    return columns(head, lines)


def _rank(runs: Runs[Completion]) -> str:
    median = _median(runs, "cp_rank")
    return "" if np.isnan(median) else f"{median:g}"


def _scales(runs: Runs[Completion]) -> Iterable[str]:
    (large, from_large), *_, (small, from_small) = _falling(runs)
    for rank, mine in runs.by("rank"):
        few = [f"{_enough(some)} (std {scale:g})" for scale, some in _falling(mine)]
        yield f"Rank {rank}: the median error is below 10% from {', '.join(few)}."
    twins = [(run, from_small.one(**run.same_but("scale"))) for run in from_large]
    better = sum(twin.error < run.error for run, twin in twins)
    yield (
        f"From the same direction, std {small:g} ends nearer to the target than std {large:g} in "
        f"{better} of {len(twins)} cases."
    )
    shares = [np.median([run.error / run.linear for run in some]) for _, some in _falling(runs)]
    yield (
        f"Relative to the linear baseline the error is {each(shares, '.3g')} in the median for std "
        f"{each(runs.values('scale')[::-1], 'g')}."
    )
    yield from _too_few(from_small)
    yield from _stuck(runs)


def _enough(runs: Runs[Completion]) -> str:
    """From how many entries on the median error is small."""
    enough = [n for n, some in runs.by("observed") if _median(some, "error") < 0.1]
    return f"{enough[0]} entries" if enough else "none of the numbers tried"


def _too_few(runs: Runs[Completion]) -> Iterable[str]:
    """Where a start is worse than keeping what is seen."""
    # With nearly everything seen, the baseline falls below what the stop leaves.
    close = [run for run in runs if run.fitted and run.linear > 0.1]
    bad = [run for run in close if run.error > run.linear]
    if not bad:
        return
    last = max(run.observed for run in bad)
    few = last < max(run.observed for run in close)
    yield (
        f"With {'too few' if few else 'few and with many'} entries small starts are no help: std "
        f"{runs[0].scale:g} is worse than the baseline in {len(bad)} of the {len(close)} cases "
        f"that fit, the last at {last} entries; the largest component there is up to "
        f"{max(run.norm_1 for run in bad):.2g} times the target."
    )


def _stuck(runs: Runs[Completion]) -> Iterable[str]:
    """Which runs ended at their cap, and which of them where they began."""
    stuck = [run for run in runs if not run.fitted]
    if stuck:
        yield (
            f"{len(stuck)} of {len(runs)} runs stopped at their cap of {STEPS[runs[0].order]} "
            f"steps, the worst with a loss of {max(run.mse for run in stuck):.2g}."
        )
    still = [run for run in stuck if run.norm_1 < 1e-3]
    if not still:
        return
    passed = max(run.flow_time / run.steps for run in still if run.steps)
    said = (
        f"{len(still)} of them, from std {span((run.scale for run in still), 'g')}, have not left "
        "the origin"
    )
    if passed > ETA / EPS / 2:  # epsilon is at least half of what a step is divided by
        yield (
            f"{said}: their gradients are smaller than GroupRMSprop's epsilon of {EPS:g}, which is "
            f"added to their size; hence a step passes at most eta / epsilon = {ETA / EPS:g} units "
            f"of the flow's time (these took up to {passed:.3g})."
        )
    else:
        yield (
            f"{said}, and not for GroupRMSprop's epsilon of {EPS:g}: it lets a step pass "
            f"{ETA / EPS:g} units of the flow's time, and these took up to {passed:.3g}."
        )


def _ranks(runs: Runs[Completion]) -> Iterable[str]:
    observed = [n for n in runs.values("observed") if n >= max(runs.values("observed")) / 4]
    for rank, of_rank in runs.by("rank"):
        mine = _falling(Runs(run for run in of_rank if run.observed in observed and run.fitted))
        after = [_median(some, "norm_after") for _, some in mine]
        said = (
            f"Rank {rank}, {observed[0]} or more entries, runs that fit: component {rank + 1} has "
            f"a norm of {each(after, '.2g')} in the median (std "
            f"{each((scale for scale, _ in mine), 'g')})"
        )
        if any(_ranked(some) for _, some in mine):
            found = [[run.cp_rank for run in some if run.cp_rank is not None] for _, some in mine]
            hits = [np.mean([estimate <= rank for estimate in some]) for some in found]
            said += f" and the estimated rank is at most {rank} in {each(hits, '.0%')} of the cases"
        yield f"{said}."


def _late(late: Runs[Completion], runs: Runs[Completion]) -> Iterable[str]:
    floor = np.sqrt(STOP * DIM**3)
    yield (
        f"At a loss of {STOP:g} the residuals are such that, were they as large everywhere, "
        f"the error would be {floor:.1%} at order 3. Down to {LATE_STOP:g} instead:"
    )
    parts = []
    for scale, some in _falling(late):
        before = [runs.one(**run.same_but("stop")).error for run in some]
        parts.append(
            f"std {scale:g}, median error {np.median(before):.3g} becomes "
            f"{_median(some, 'error'):.3g} ({sum(run.fitted for run in some):.0f} of "
            f"{len(some)} runs get there)"
        )
    yield "; ".join(parts) + "."


def _flow(runs: Runs[Completion]) -> Iterable[str]:
    for scale, flows in _falling(runs.where(method="flow")):
        descents = [runs.one(method="descent", **flow.same_but("method")) for flow in flows]
        pairs = list(zip(flows, descents, strict=True))
        apart = [abs(flow.error - descent.error) for flow, descent in pairs]
        yield (
            f"From std {scale:g}, {len(pairs)} cases: median error {_median(flows, 'error'):.3g} "
            f"(GroupRMSprop {_median(descents, 'error'):.3g} on the same); the two differ by "
            f"{np.median(apart):.2g} in the median and {max(apart):.2g} at most."
        )
        ratio = [descent.flow_time / flow.flow_time for flow, descent in pairs]
        yield (
            f"The flow needs {_median(flows, 'flow_time'):.3g} time units; the sum of "
            f"GroupRMSprop's steps is {min(ratio):.2f} to {max(ratio):.2f} times that, in "
            f"{_median(descents, 'steps'):.0f} steps."
        )


# -- pictures --------------------------------------------------------------------------------------


def errors(measured: Runs[Completion]) -> Any:
    """Draw errors, and estimated ranks, against the number of entries observed."""
    from dynlens import plot

    runs = measured.where(stop=STOP)
    panels = sorted({(run.order, run.rank) for run in runs})
    ranked = _ranked(runs)
    figure = plot.Picture(figsize=(2.3 * len(panels) + 0.6, 4.6 if ranked else 3.0))
    axes = figure.subplots(1 + ranked, len(panels), sharex="col", sharey="row", squeeze=False)
    for column, (order, rank) in zip(axes.T, panels, strict=True):
        mine = runs.where(order=order, rank=rank)
        column[0].set_title(f"order {order}, rank {rank}")
        _errors(column[0], mine)
        if ranked:
            _estimates(column[1], mine, MAX_RANK[order])
        column[-1].set_xlabel(f"observed of {DIM**order} entries")
        if order > 3:
            ticks = mine.values("observed")
            column[-1].set_xscale("log")
            column[-1].set_xticks(ticks, [f"{n}" for n in ticks])
            column[-1].minorticks_off()
    axes[0, 0].set_ylabel("reconstruction error / norm")
    if ranked:
        axes[1, 0].set_ylabel("estimated CP rank")
    figure.legend(
        handles=_legend(runs), loc="outside lower center", ncols=2 if len(panels) < 4 else 6
    )
    return figure


def _looks(runs: Runs[Completion]) -> dict[float, tuple[str, str]]:
    from dynlens import plot

    scales = runs.values("scale")[::-1]
    looks = ((plot.VERMILLION, "s"), (plot.BLUE, "o"), (plot.GREEN, "^"))
    return dict(zip(scales, looks, strict=False))


def _errors(ax: Any, runs: Runs[Completion]) -> None:
    from dynlens import plot

    for scale, (colour, marker) in _looks(runs).items():
        mine = runs.where(scale=scale, method="descent")
        x, low, middle, high = _spread(mine, "error")
        ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        ax.plot(x, middle, color=colour, marker=marker, markersize=4)
        flows = runs.where(scale=scale, method="flow")
        ax.plot(
            [run.observed for run in flows],
            [run.error for run in flows],
            linestyle="none",
            marker="x",
            color="black",
            markersize=4,
            zorder=4,
        )
    x, _, middle, _ = _spread(runs.where(method="descent"), "linear")
    ax.plot(x, middle, color=plot.GREY, linestyle="--")
    ax.set_yscale("log")


def _estimates(ax: Any, runs: Runs[Completion], limit: int) -> None:
    top = limit * 1.4
    for scale, (colour, marker) in _looks(runs).items():
        mine = runs.where(scale=scale, method="descent")
        x, low, middle, high = (np.minimum(v, top) for v in _spread(mine, "cp_rank"))
        x = np.array(mine.values("observed"))
        ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        ax.plot(x, middle, color=colour, marker=marker, markersize=4)
    ax.axhline(runs[0].rank, color="black", linestyle=":", linewidth=1.3)
    ax.set_yscale("log")
    ax.set_yticks([1, 3, 6, limit, top], ["1", "3", "6", f"{limit}", "more"])
    ax.set_ylim(0.8, 1.2 * top)
    ax.minorticks_off()


def _spread(runs: Runs[Completion], name: str) -> tuple[Any, ...]:
    """Numbers observed, and the least, the median and the largest over the repetitions."""
    observed, groups = zip(*runs.by("observed"), strict=True)
    spreads = [_three([getattr(run, name) for run in some]) for some in groups]
    return tuple(np.array(v) for v in (observed, *zip(*spreads, strict=True)))


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    array = np.array(values, dtype=float)
    return float(array.min()), float(np.median(array)), float(array.max())


def _legend(runs: Runs[Completion]) -> list[Any]:
    from matplotlib.lines import Line2D

    from dynlens import plot

    lines = [
        Line2D([], [], color=c, marker=m, markersize=4, label=f"std {scale:g}")
        for scale, (c, m) in _looks(runs).items()
    ]
    lines += [
        Line2D([], [], color=plot.GREY, linestyle="--", label="observed entries, zero elsewhere"),
        Line2D([], [], color="black", marker="x", linestyle="none", label="gradient flow"),
        Line2D([], [], color="black", linestyle=":", label="rank of the target"),
    ]
    return lines
