"""P2.E1 in words and pictures: what the runs of `p2_e1` say, with the numbers they measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.dynamics.descent_loops import EPS
from dynlens.experiments import p2_e1
from dynlens.experiments.prose import columns, distinct, each, paragraph, rises
from dynlens.experiments.rising_curves import legend, rising

Row = Mapping[str, Any]
Runs = Sequence[Mapping[str, Any]]
NAMES = {"descent": "GroupRMSprop", "flow": "gradient flow"}


# -- words -----------------------------------------------------------------------------------------


def text(table: Sequence[Row], runs: Runs) -> str:
    """Return the table and what it says."""
    rank = int(runs[0]["rank"])
    parts = [
        "P2.E1  components of a tensor factorization are learned one after another"
        "   [razin2021implicit]",
        paragraph(_setting(table, runs)),
        _rows(table, rank),
        paragraph(_order(table, rank), "One after another. "),
        paragraph(_scale(table), "The scale. "),
        paragraph(_clock(table), "The two clocks. "),
        paragraph(_ripple(runs), "The flow's ripple. "),
    ]
    return "\n\n".join(parts)


def _setting(table: Sequence[Row], runs: Runs) -> Iterable[str]:
    one = runs[0]
    dim = int(one["dim"])
    yield (
        f"A tensor of order {p2_e1.ORDER}, dimension {dim}, CP rank {int(one['rank'])} and norm 1, "
        f"of which {int(one['observed'])} of {dim**p2_e1.ORDER} entries are seen; a CP "
        f"factorization with {int(one['components'])} components; the loss is the mean of the "
        f"squared residuals, down to {p2_e1.STOP:g}."
    )
    yield (
        f"Gaussian starts of one direction. GroupRMSprop with step {p2_e1.ETA:g}, at most "
        f"{p2_e1.STEPS} steps; gradient flow by RK23 at rtol {p2_e1.RTOL:g}."
    )
    least = {m: min(r["scale"] for r in table if r["method"] == m) for m in NAMES}
    if least["flow"] > least["descent"]:
        yield (
            f"The flow is not followed from scales below {least['flow']:g}: at order "
            f"{p2_e1.ORDER} its plateaus lengthen like std^-2, and with them its cost, since its "
            "step is bounded by what has been learned already."
        )
    yield (
        "A component rises when its norm comes, for good, to half of where it ends; 'next/first' "
        "is the largest norm beyond the rank over the first; 'off' is the largest distance of the "
        "others from the norms of the target's own components, over its first."
    )


def _pick(table: Sequence[Row], **wanted: Any) -> list[Row]:
    rows = [row for row in table if all(row[name] == value for name, value in wanted.items())]
    return sorted(rows, key=lambda row: -row["scale"])


def _rows(table: Sequence[Row], rank: int) -> str:
    head = ["by", "std", "error", "next/first", "off", "rises at flow time", "end", "eta * steps"]
    lines = []
    for method in NAMES:
        for row in _pick(table, method=method):
            steps = f"{row['time']:.4g}" if method == "descent" else ""
            lines.append(
                [
                    method,
                    f"{row['scale']:g}",
                    f"{row['error']:.4f}",
                    f"{row['next_over_first']:.1e}",
                    f"{row['off_level']:.1e}",
                    rises(_times(row, rank)),
                    f"{row['flow_time']:.4g}" + ("" if row["fitted"] else " (cap)"),
                    steps,
                ]
            )
    return columns(head, lines)


def _order(table: Sequence[Row], rank: int) -> Iterable[str]:
    for method, name in NAMES.items():
        rows = _pick(table, method=method, fitted=True)
        apart = [distinct(_times(row, rank), row["flow_time"]) for row in rows]
        yield (
            f"By {name} the {rank} largest components rise at {each(apart, 'd')} distinct times "
            f"for std {each((r['scale'] for r in rows), 'g')} (apart by more than 1% of the time "
            "between the first rise and the end)."
        )
    small = _pick(table, method="descent", fitted=True)[-1]
    yield (
        f"From std {small['scale']:g} they end at norms {each(_norms(small, rank), '.4f')}, off by "
        f"{small['off_level']:.1e}; the next one has {small[f'norm_{rank + 1}']:.1e}."
    )


def _times(row: Row, rank: int) -> list[float]:
    return [row[f"rise_{k + 1}"] for k in range(rank)]


def _norms(row: Row, rank: int) -> list[float]:
    return [row[f"norm_{k + 1}"] for k in range(rank)]


def _scale(table: Sequence[Row]) -> Iterable[str]:
    for method, name in NAMES.items():
        rows = _pick(table, method=method)
        yield (
            f"By {name} the error is {each((r['error'] for r in rows), '.3g')} and next/first "
            f"{each((r['next_over_first'] for r in rows), '.2g')} for std "
            f"{each((r['scale'] for r in rows), 'g')}."
        )
    capped = [row for row in table if not row["fitted"]]
    if capped:
        yield (
            f"{len(capped)} of {len(table)} runs ended at their cap, with a loss of "
            f"{max(row['mse'] for row in capped):.2g} at most."
        )


def _clock(table: Sequence[Row]) -> Iterable[str]:
    rows = _pick(table, method="descent")
    yield (
        f"GroupRMSprop takes {each((round(r['time'] / p2_e1.ETA) for r in rows), 'd')} steps for "
        f"std {each((r['scale'] for r in rows), 'g')}; the steps it actually takes add up to "
        f"{each((r['flow_time'] for r in rows), '.3g')} time units of the flow."
    )
    longest = max(a["flow_time"] / a["time"] * p2_e1.ETA for a in rows)
    yield (
        f"That is up to {longest:.3g} units a step on average. It cannot exceed eta / epsilon = "
        f"{p2_e1.ETA / EPS:g}, since epsilon, {EPS:g}, is added to the size of the gradient: from "
        "much smaller starts GroupRMSprop is plain descent with that step, until it leaves the "
        "origin."
    )
    both = [(a, b) for a in rows for b in _pick(table, method="flow", scale=a["scale"])]
    yield (
        "On that clock its first component rises at "
        f"{each((a['rise_1'] / b['rise_1'] for a, b in both), '.2f')} and its last at "
        f"{each((_last(a) / _last(b) for a, b in both), '.2f')} times the flow's time (std "
        f"{each((a['scale'] for a, _ in both), 'g')})."
    )
    power = _power([r["scale"] for r in rows], [r["rise_1"] for r in rows])
    yield (
        f"The first rise is at a time like std^{power:.2f}; a factorization of order N whose "
        f"alignments stay constant would have std^{2 - p2_e1.ORDER} at small std."
    )


def _ripple(runs: Runs) -> Iterable[str]:
    sizes = []
    for one in _of(runs, "flow"):
        known = np.isfinite(one["time"])
        t, norms = one["time"][known], one["values"][known, 0]
        late = norms[t > t[-1] / 2]
        sizes.append(float(np.abs(np.diff(late)).max() / late[-1]))
    yield (
        f"In the second half of the runs the flow's largest norm still moves by up to "
        f"{max(sizes):.1%} from look to look. That is the integrator at its bound of stability: "
        "its tolerance is on the root mean square over all parameters, of which few carry a "
        "component. It shrinks with rtol, and does not move the rises."
    )


def _last(row: Row) -> float:
    return float(max(value for name, value in row.items() if name.startswith("rise_")))


def _power(scales: Sequence[float], times: Sequence[float]) -> float:
    """Slope between the two smallest scales."""
    return float(np.log(times[-1] / times[-2]) / np.log(scales[-1] / scales[-2]))


# -- pictures --------------------------------------------------------------------------------------


def draw(runs: Runs, folder: Path) -> tuple[Path, ...]:
    """Draw the norms along the runs, and the errors, as PNG and PDF."""
    import matplotlib as mpl

    from dynlens import plot

    paths = []
    with mpl.rc_context(plot.STYLE):
        for name, figure in (("p2_e1", _curves(runs)), ("p2_e1_scale", _errors(runs))):
            paths += [plot.save(figure, folder / f"{name}.{kind}") for kind in ("png", "pdf")]
    return tuple(paths)


def _curves(runs: Runs) -> Any:
    from dynlens import plot

    scales = sorted({one["scale"] for one in runs}, reverse=True)
    lines = (
        ("descent", "time", "GroupRMSprop\nten largest norms"),
        ("descent", "flow_time", "GroupRMSprop, flow's clock\nten largest norms"),
        ("flow", "time", "gradient flow\nten largest norms"),
    )
    figure = plot.Picture(figsize=(1.9 * len(scales) + 0.8, 6.4))
    axes = figure.subplots(3, len(scales), squeeze=False)
    for line, (method, clock, label) in zip(axes, lines, strict=True):
        for ax, scale in zip(line, scales, strict=True):
            found = [one for one in _of(runs, method) if one["scale"] == scale]
            if not found:
                ax.set_axis_off()
                continue
            _norms_against(ax, found[0], clock)
            ax.set_title(f"std {scale:g}")
            if ax is next(a for a in line if a.axison):
                ax.set_ylabel(label)
    names = legend(int(runs[0]["rank"]), "norms of the target's components")
    figure.legend(handles=names, loc="outside lower center", ncols=4)
    return figure


def _of(runs: Runs, method: str) -> list[Mapping[str, Any]]:
    return [one for one in runs if one["method"] == method]


def _norms_against(ax: Any, one: Mapping[str, Any], clock: str) -> None:
    names = {name: int(one[name]) for name in p2_e1.FULL}
    levels = p2_e1.instance(one["seed"], **names)[2]
    rising(ax, one[clock], one["values"], names["rank"], levels.tolist())
    ax.set_xlabel(r"$\eta\cdot$step" if clock == "time" and one["method"] == "descent" else "time")


def _errors(runs: Runs) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(6.4, 2.8))
    left, right = figure.subplots(1, 2)
    looks = {"descent": (plot.BLUE, "o-"), "flow": (plot.VERMILLION, "s--")}
    for method, (colour, look) in looks.items():
        mine = sorted(_of(runs, method), key=lambda one: one["scale"])
        mine = [one for one in mine if np.nanmin(one["loss"]) <= p2_e1.STOP]
        scales = [one["scale"] for one in mine]
        ends = [int(np.isfinite(one["time"]).sum()) - 1 for one in mine]
        errors = [one["error"][end] for one, end in zip(mine, ends, strict=True)]
        rank = int(mine[0]["rank"])
        after = [
            one["values"][end, rank] / one["values"][end, 0]
            for one, end in zip(mine, ends, strict=True)
        ]
        left.plot(scales, errors, look, color=colour, label=NAMES[method], markersize=4)
        right.plot(scales, after, look, color=colour, markersize=4)
    for ax in (left, right):
        ax.set(xscale="log", yscale="log", xlabel="std of the start")
        scales = sorted({one["scale"] for one in runs})
        ax.set_xticks(scales, [f"{scale:g}" for scale in scales])
        ax.set_xticks([], minor=True)
    left.set_ylabel("reconstruction error / norm")
    right.set_ylabel(f"component {rank + 1} / component 1")
    left.legend()
    return figure
