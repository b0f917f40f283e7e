"""P2.E1 in words and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.dynamics.plan import EPS
from dynlens.experiments.lab import Runs
from dynlens.experiments.p2_e1.runs import ETA, FINER, ORDER, RTOL, STEPS, STOP, Run
from dynlens.experiments.prose import columns, distinct, each, paragraph, rises
from dynlens.experiments.rising_curves import legend, rising

NAMES = {"descent": "GroupRMSprop", "flow": "gradient flow"}
STEADY = 0.01  # rises that move by less do not depend on the tolerance


# -- words -----------------------------------------------------------------------------------------


def text(measured: Runs[Run]) -> Iterable[str]:
    """Paragraphs and a table."""
    runs = measured.where(rtol=RTOL)
    yield paragraph(_setting(runs))
    yield _rows(runs)
    yield paragraph(_order(runs), "One after another. ")
    yield paragraph(_scale(runs), "The scale. ")
    yield paragraph(_clock(runs), "The two clocks. ")
    yield paragraph(_ripple(measured), "The flow's ripple. ")


def _setting(runs: Runs[Run]) -> Iterable[str]:
    first = runs[0]
    yield (
        f"A tensor of order {ORDER}, dimension {first.dim}, CP rank {first.rank} and norm 1, of "
        f"which {first.observed} of {first.dim**ORDER} entries are seen; a CP factorization with "
        f"{first.components} components; the loss is the mean of the squared residuals, down to "
        f"{STOP:g}."
    )
    yield (
        f"Gaussian starts of one direction. GroupRMSprop with step {ETA:g}, at most {STEPS} steps; "
        f"gradient flow by RK23 at rtol {RTOL:g}."
    )
    least = {method: min(runs.where(method=method).values("scale")) for method in NAMES}
    if least["flow"] > least["descent"]:
        yield (
            f"The flow is not followed from scales below {least['flow']:g}: at order {ORDER} its "
            "plateaus lengthen like std^-2, and with them its cost, since its step is bounded by "
            "what has been learned already."
        )
    yield (
        "A component rises when its norm comes, for good, to half of where it ends; 'next/first' "
        "is the largest norm beyond the rank over the first; 'off' is the largest distance of the "
        "others from the norms of the target's own components, over its first."
    )


def _falling(runs: Runs[Run], **wanted: Any) -> list[Run]:
    """Runs with some values, from the largest scale to the smallest."""
    return sorted(runs.where(**wanted), key=lambda run: -run.scale)


def _rows(runs: Runs[Run]) -> str:
    head = ["by", "std", "error", "next/first", "off", "rises at flow time", "end", "eta * steps"]
    return columns(
        head,
        (
            [
                method,
                f"{run.scale:g}",
                f"{run.error[run.end]:.4f}",
                f"{run.next_over_first:.1e}",
                f"{run.off_level:.1e}",
                rises(run.rises),
                f"{run.flow_time[run.end]:.4g}" + ("" if run.fitted else " (cap)"),
                f"{run.time[run.end]:.4g}" if method == "descent" else "",
            ]
            for method in NAMES
            for run in _falling(runs, method=method)
        ),
    )


def _order(runs: Runs[Run]) -> Iterable[str]:
    for method, name in NAMES.items():
        fitted = _falling(runs, method=method, fitted=True)
        apart = [distinct(run.rises, run.flow_time[run.end]) for run in fitted]
        yield (
            f"By {name} the {runs[0].rank} largest components rise at {each(apart, 'd')} distinct "
            f"times for std {each((run.scale for run in fitted), 'g')} (apart by more than 1% of "
            "the time between the first rise and the end)."
        )
    small = _falling(runs, method="descent", fitted=True)[-1]
    yield (
        f"From std {small.scale:g} they end at norms {each(small.norms[: small.rank], '.4f')}, off "
        f"by {small.off_level:.1e}; the next one has {small.norms[small.rank]:.1e}."
    )


def _scale(runs: Runs[Run]) -> Iterable[str]:
    for method, name in NAMES.items():
        mine = _falling(runs, method=method)
        yield (
            f"By {name} the error is {each((run.error[run.end] for run in mine), '.3g')} and "
            f"next/first {each((run.next_over_first for run in mine), '.2g')} for std "
            f"{each((run.scale for run in mine), 'g')}."
        )
    capped = runs.where(fitted=False)
    if capped:
        yield (
            f"{len(capped)} of {len(runs)} runs ended at their cap, with a loss of "
            f"{max(run.loss[run.end] for run in capped):.2g} at most."
        )


def _clock(runs: Runs[Run]) -> Iterable[str]:
    descents = _falling(runs, method="descent")
    passed = [(run.time[run.end], run.flow_time[run.end]) for run in descents]
    yield (
        f"GroupRMSprop takes {each((round(time / ETA) for time, _ in passed), 'd')} steps for std "
        f"{each((run.scale for run in descents), 'g')}; the steps it actually takes add up to "
        f"{each((flow_time for _, flow_time in passed), '.3g')} time units of the flow."
    )
    longest = max(flow_time / time * ETA for time, flow_time in passed)
    yield (
        f"That is up to {longest:.3g} units a step on average. It cannot exceed eta / epsilon = "
        f"{ETA / EPS:g}, since epsilon, {EPS:g}, is added to the size of the gradient: from much "
        "smaller starts GroupRMSprop is plain descent with that step, until it leaves the origin."
    )
    both = [(a, b) for a in descents for b in runs.where(method="flow", scale=a.scale)]
    yield (
        "On that clock its first component rises at "
        f"{each((a.rises[0] / b.rises[0] for a, b in both), '.2f')} and its last at "
        f"{each((a.rises[-1] / b.rises[-1] for a, b in both), '.2f')} times the flow's time (std "
        f"{each((a.scale for a, _ in both), 'g')})."
    )
    larger, smaller = descents[-2:]
    power = np.log(smaller.rises[0] / larger.rises[0]) / np.log(smaller.scale / larger.scale)
    yield (
        f"The first rise is at a time like std^{power:.2f}; a factorization of order N whose "
        f"alignments stay constant would have std^{2 - ORDER} at small std."
    )


def _ripple(measured: Runs[Run]) -> Iterable[str]:
    flows = measured.where(method="flow", rtol=RTOL)
    (finer,) = measured.where(rtol=FINER)
    same = flows.one(scale=finer.scale)
    moved = float(np.abs(finer.rises / same.rises - 1).max())
    yield (
        "In the second half of the runs the flow's largest norm still moves by up to "
        f"{max(run.ripple for run in flows):.1%} from look to look."
    )
    yield (
        f"From std {finer.scale:g} it moves by {same.ripple:.2%}, and at rtol {finer.rtol:g} by "
        f"{finer.ripple:.2%}, while the rises move by {moved:.1e} relatively:"
    )
    if finer.ripple < same.ripple / 2 and moved < STEADY:
        yield (
            "that is the integrator at its bound of stability, since its tolerance is on the root "
            "mean square over all parameters, of which few carry a component. It shrinks with "
            "rtol, and does not move the rises."
        )
    elif finer.ripple < same.ripple / 2:
        yield "it shrinks with rtol, but the rises depend on it."
    else:
        yield "it does not shrink with rtol, and is not the integrator's."


# -- pictures --------------------------------------------------------------------------------------


def curves(measured: Runs[Run]) -> Any:
    """Draw the norms along the runs, by descent on both clocks and by the flow."""
    from dynlens import plot

    runs = measured.where(rtol=RTOL)
    scales = runs.values("scale")[::-1]
    lines = (
        ("descent", "time", "GroupRMSprop\nten largest norms"),
        ("descent", "flow_time", "GroupRMSprop, flow's clock\nten largest norms"),
        ("flow", "time", "gradient flow\nten largest norms"),
    )
    figure = plot.Picture(figsize=(1.9 * len(scales) + 0.8, 6.4))
    axes = figure.subplots(3, len(scales), squeeze=False)
    for line, (method, clock, label) in zip(axes, lines, strict=True):
        for ax, scale in zip(line, scales, strict=True):
            found = runs.where(method=method, scale=scale)
            if not found:
                ax.set_axis_off()
                continue
            (run,) = found
            rising(ax, getattr(run, clock), run.values, run.rank, run.levels.tolist())
            steps = clock == "time" and method == "descent"
            ax.set_xlabel(r"$\eta\cdot$step" if steps else "time")
            ax.set_title(f"std {scale:g}")
            if ax is next(a for a in line if a.axison):
                ax.set_ylabel(label)
    names = legend(runs[0].rank, "norms of the target's components")
    figure.legend(handles=names, loc="outside lower center", ncols=4)
    return figure


def errors(measured: Runs[Run]) -> Any:
    """Draw the errors, and the first component beyond the rank, against the scale."""
    from dynlens import plot

    runs = measured.where(rtol=RTOL)
    figure = plot.Picture(figsize=(6.4, 2.8))
    left, right = figure.subplots(1, 2)
    looks = {"descent": (plot.BLUE, "o-"), "flow": (plot.VERMILLION, "s--")}
    for method, (colour, look) in looks.items():
        mine = _falling(runs, method=method, fitted=True)[::-1]
        scales = [run.scale for run in mine]
        ends = [run.error[run.end] for run in mine]
        left.plot(scales, ends, look, color=colour, label=NAMES[method], markersize=4)
        after = [run.next_over_first for run in mine]
        right.plot(scales, after, look, color=colour, markersize=4)
    for ax in (left, right):
        ax.set(xscale="log", yscale="log", xlabel="std of the start")
        scales = runs.values("scale")
        ax.set_xticks(scales, [f"{scale:g}" for scale in scales])
        ax.set_xticks([], minor=True)
    left.set_ylabel("reconstruction error / norm")
    right.set_ylabel(f"component {runs[0].rank + 1} / component 1")
    left.legend()
    return figure
