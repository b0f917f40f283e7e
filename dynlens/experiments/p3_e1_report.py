"""P3.E1 in words and pictures: what the runs of `p3_e1` say, with the numbers they measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.experiments import p3_e1
from dynlens.experiments.curves import rise_times
from dynlens.experiments.p3_e1 import METHODS, PANELS, Panel
from dynlens.experiments.prose import columns, distinct, each, paragraph, rises, span
from dynlens.experiments.rising_curves import legend, rising

Row = Mapping[str, Any]
Runs = Mapping[str, list[dict[str, Any]]]
NAMES = {"descent": "GroupRMSprop", "flow": "gradient flow"}


# -- words -----------------------------------------------------------------------------------------


def text(table: Sequence[Row], runs: Runs) -> str:
    """Return the table and what it says."""
    parts = [
        "P3.E1  matrix, tensor and hierarchical factorization learn rank after rank"
        "   [razin2022implicit]",
        paragraph(_setting(runs)),
        _rows(table, runs),
    ]
    for panel in PANELS:
        rows = [row for row in table if row["panel"] == panel.name]
        label = f"{panel.name.capitalize()}. "
        parts.append(paragraph(_order(panel, rows, _rank(runs)), label))
        parts.append(paragraph(_scale(panel, rows)))
    parts.append(paragraph(_clocks(table, _parameters(runs)), "The two clocks. "))
    parts.append(paragraph(_error(runs), "The flow's own error. "))
    return "\n\n".join(parts)


def _rank(runs: Runs) -> int:
    return int(runs["matrix"][0]["rank"])


def _setting(runs: Runs) -> Iterable[str]:
    one = runs["matrix"][0]
    size, side = int(one["size"]), round(int(one["size"]) ** 1.5)
    yield (
        f"A matrix of {side} x {side} entries by a product of three; a tensor of {size} x {size} x "
        f"{size} by a CP factorization with {int(one['components'])} components; the same by a "
        f"hierarchical one over {{{{1,2}},{{3}}}} with widths {int(one['width'])}. Targets are of "
        f"rank {_rank(runs)} in the sense of each, with root mean square entries of 1."
    )
    if int(one["width"]) != 512 and size == p3_e1.FULL["size"]:
        yield (
            "The published hierarchical model has widths 512, whose steps cost about thirty times "
            "as much; `run(..., width=512)` of this experiment's module has them."
        )
    yield (
        f"Half of the entries are seen; the loss is the mean of the squared residuals, down to "
        f"{p3_e1.STOP:g}. Gaussian starts; GroupRMSprop with step {p3_e1.ETA:g}, and gradient flow "
        f"by RK23 at rtol {p3_e1.RTOL:g}."
    )
    caps = ", ".join(f"{panel.steps} and {panel.t_end:g} ({panel.name})" for panel in PANELS)
    yield (
        f"Caps, in steps and in time of the flow: {caps}. Seeds draw targets, entries and starts; "
        "a seed's start has the same direction at all scales. The table shows medians over seeds."
    )
    yield (
        "A value rises when it comes, for good, to half of where it ends; 'next/first' is the "
        f"largest value beyond rank {_rank(runs)} over the first; 'off' is the largest distance of "
        "the others from the target's, over its first. Local components have no levels of their "
        "own: the target does not determine them."
    )


def _pick(rows: Sequence[Row], **wanted: Any) -> list[Row]:
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def _median(rows: Sequence[Row], name: str) -> float:
    return float(np.median([row[name] for row in rows]))


def _rows(table: Sequence[Row], runs: Runs) -> str:
    head = ["", "std", "by", "error", "next/first", "off", "rises at flow time", "end"]
    lines = []
    for panel in PANELS:
        for quantity in panel.quantities:
            mine = _pick(table, panel=panel.name, quantity=quantity)
            for scale in sorted({row["scale"] for row in mine}, reverse=True):
                for method in METHODS:
                    rows = _pick(mine, scale=scale, method=method)
                    first = rows[0]
                    off = "" if first["off_level"] is None else f"{_median(rows, 'off_level'):.1e}"
                    name = f"{panel.name}: {quantity}"
                    lines.append(
                        [
                            name,
                            f"{scale:g}",
                            method,
                            f"{_median(rows, 'error'):.4f}",
                            f"{_median(rows, 'next_over_first'):.1e}",
                            off,
                            rises(_times(first, _rank(runs))),
                            f"{first['flow_time']:.3g}" + ("" if first["fitted"] else " (cap)"),
                        ]
                    )
    return columns(head, lines)


def _times(row: Row, rank: int) -> list[float]:
    return [row[f"rise_{k + 1}"] for k in range(rank)]


def _order(panel: Panel, rows: Sequence[Row], rank: int) -> Iterable[str]:
    small = min(row["scale"] for row in rows)
    yield f"From std {small:g}, {len(_pick(rows, scale=small, quantity=panel.quantities[0]))} runs:"
    for quantity in panel.quantities:
        mine = _pick(rows, scale=small, quantity=quantity)
        apart = [distinct(_times(row, rank), row["flow_time"]) for row in mine]
        yield (
            f"the {rank} largest {quantity} rise at {span(apart, 'd')} distinct times; the next is "
            f"at most {max(row['next_over_first'] for row in mine):.1e} of the first"
        )
        if mine[0]["off_level"] is not None:
            yield f"and the {rank} are off by at most {max(r['off_level'] for r in mine):.2g};"
        else:
            yield f"and {span((r['above_1_percent'] for r in mine), 'd')} are above 1% of it;"
    yield "(distinct: apart by more than 1% of the time between the first rise and the end)."
    if panel.name == "hierarchical":
        yield (
            "Local components are not determined by the tensor: their number at a node may exceed "
            "the rank of the matricizations, which measures the hierarchical rank."
        )


def _scale(panel: Panel, rows: Sequence[Row]) -> Iterable[str]:
    once = _pick(rows, quantity=panel.quantities[-1])
    scales = sorted({row["scale"] for row in once}, reverse=True)
    for method in METHODS:
        errors = [_median(_pick(once, method=method, scale=s), "error") for s in scales]
        after = [_median(_pick(once, method=method, scale=s), "next_over_first") for s in scales]
        yield (
            f"By {NAMES[method]} the error is {each(errors, '.3g')} and next/first of "
            f"{panel.quantities[-1]} {each(after, '.2g')} for std {each(scales, 'g')}."
        )
    floor = float(np.sqrt(p3_e1.STOP))
    yield f"(Were all residuals as large as those seen at the stop, it would be {floor:.2g}.)"
    capped = [row for row in once if not row["fitted"]]
    if capped:
        yield (
            f"{len(capped)} of {len(once)} runs ended at their cap, with a loss of "
            f"{max(row['mse'] for row in capped):.2g} at most."
        )


def _clocks(table: Sequence[Row], parameters: Mapping[str, int]) -> Iterable[str]:
    yield (
        "GroupRMSprop normalizes the gradient, and crosses the plateaus, where it is small, in few "
        "steps. What follows is on the clock that adds up the actual steps."
    )
    for panel in PANELS:
        rows = _pick(table, panel=panel.name, quantity=panel.quantities[-1])
        # From large starts the first value may be there from the beginning.
        early = {row["scale"] for row in rows if row["rise_1"] == 0}
        scales = sorted({row["scale"] for row in rows} - early, reverse=True)
        ratio, stretch, moved = [], [], []
        for scale in scales:
            pairs = [
                (row, _pick(rows, method="flow", scale=scale, seed=row["seed"])[0])
                for row in _pick(rows, method="descent", scale=scale)
            ]
            ratio.append(float(np.median([a["rise_1"] / b["rise_1"] for a, b in pairs])))
            stretch.append(float(np.median([a["flow_time"] / a["time"] for a, _ in pairs])))
            moved.append(p3_e1.ETA / (scale * np.sqrt(parameters[panel.name])))
        yield (
            f"{panel.name.capitalize()}: the first value rises at {each(ratio, '.2f')} times the "
            f"flow's time for std {each(scales, 'g')}, where a step is {each(moved, '.2g')} of the "
            f"start's norm; a unit of eta * step passes {each(stretch, '.3g')} units of time."
        )


def _parameters(runs: Runs) -> dict[str, int]:
    """Number of parameters of each panel's model."""
    found = {}
    for panel in PANELS:
        sizes = {name: int(runs[panel.name][0][name]) for name in p3_e1.SMALL}
        found[panel.name] = p3_e1.instance(panel.name, 0, **sizes)[0].model.parameters
    return found


def _error(runs: Runs) -> Iterable[str]:
    for name in ("matrix", "tensor"):
        (twin,) = runs[f"{name} twin"]
        (flow,) = [
            one
            for one in runs[name]
            if one["method"] == "flow"
            and one["scale"] == twin["scale"]
            and one["seed"] == twin["seed"]
        ]
        ours, theirs = (
            rise_times(one["flow_time"], one["values"][:, 0, : _rank(runs)]) for one in (flow, twin)
        )
        error = [one["error"][np.isfinite(one["time"])][-1] for one in (flow, twin)]
        yield (
            f"{name.capitalize()}, std {twin['scale']:g}: at rtol {twin['rtol']:g} the rises move "
            f"by {np.abs(ours / theirs - 1).max():.1e} relatively and the reconstruction error "
            f"from {error[0]:.5f} to {error[1]:.5f}."
        )


# -- pictures --------------------------------------------------------------------------------------


def draw(runs: Runs, folder: Path) -> tuple[Path, ...]:
    """Draw the three panels, the hierarchical nodes, and the errors, as PNG and PDF."""
    import matplotlib as mpl

    from dynlens import plot

    paths = []
    with mpl.rc_context(plot.STYLE):
        drawn = {"p3_e1": _panels(runs), "p3_e1_nodes": _nodes(runs), "p3_e1_scale": _errors(runs)}
        for name, figure in drawn.items():
            paths += [plot.save(figure, folder / f"{name}.{kind}") for kind in ("png", "pdf")]
    return tuple(paths)


def _smallest(runs: Runs, panel: Panel, method: str) -> dict[str, Any]:
    """The run from the smallest scale, of the first seed."""
    mine = [one for one in runs[panel.name] if one["method"] == method]
    return min(mine, key=lambda one: (one["scale"], one["seed"]))


def _panels(runs: Runs) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(8.4, 4.8))
    axes = figure.subplots(2, 3)
    for column, panel in zip(axes.T, PANELS, strict=True):
        quantity = len(panel.quantities) - 1 if panel.name == "hierarchical" else 0
        for ax, method in zip(column, METHODS, strict=True):
            _values(ax, runs, panel, method, quantity)
        named = panel.quantities[quantity]
        std = _smallest(runs, panel, "flow")["scale"]
        column[0].set_title(f"{panel.name}, std {std:g}\n{named}")
    for ax in axes[:, 0]:
        ax.set_ylabel("the ten largest")
    figure.legend(handles=legend(_rank(runs), "of the target"), loc="outside lower center", ncols=8)
    return figure


def _nodes(runs: Runs) -> Any:
    from dynlens import plot

    panel = PANELS[-1]
    figure = plot.Picture(figsize=(8.4, 4.8))
    axes = figure.subplots(2, 4, sharey="col")
    std = _smallest(runs, panel, "flow")["scale"]
    for column, quantity in zip(axes.T, range(4), strict=True):
        for ax, method in zip(column, METHODS, strict=True):
            _values(ax, runs, panel, method, quantity)
        column[0].set_title(panel.quantities[quantity].replace(" norms ", "\nnorms, node "))
    for ax in axes[:, 0]:
        ax.set_ylabel(f"the ten largest, std {std:g}")
    figure.legend(handles=legend(_rank(runs), "of the target"), loc="outside lower center", ncols=8)
    return figure


def _values(ax: Any, runs: Runs, panel: Panel, method: str, quantity: int) -> None:
    one = _smallest(runs, panel, method)
    sizes = {name: int(one[name]) for name in p3_e1.SMALL}
    levels = p3_e1.levels(panel.name, one["seed"], **sizes)[quantity]
    rank = sizes["rank"]
    known = [] if levels is None else levels[:rank].tolist()
    rising(ax, one["time"], one["values"][:, quantity], rank, known)
    ax.set_xlabel(r"$\eta\cdot$step, GroupRMSprop" if method == "descent" else "time of the flow")


def _errors(runs: Runs) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(8.4, 2.9))
    axes = figure.subplots(1, 3, sharey=True)
    looks = {"descent": (plot.BLUE, "o", "-"), "flow": (plot.VERMILLION, "s", "--")}
    for ax, panel in zip(axes, PANELS, strict=True):
        for method, (colour, marker, dashes) in looks.items():
            mine = [one for one in runs[panel.name] if one["method"] == method]
            scales = sorted({one["scale"] for one in mine})
            ends = [[_end(one) for one in mine if one["scale"] == scale] for scale in scales]
            for scale, errors in zip(scales, ends, strict=True):
                ax.plot([scale] * len(errors), errors, marker, color=colour, markersize=4)
            middle = [float(np.median(errors)) for errors in ends]
            ax.plot(scales, middle, dashes, color=colour, label=NAMES[method])
        ax.set(xscale="log", yscale="log", title=panel.name, xlabel="std of the start")
    axes[0].set_ylabel("reconstruction error / norm")
    axes[0].legend(loc="best")
    return figure


def _end(one: Mapping[str, Any]) -> float:
    return float(one["error"][np.isfinite(one["time"])][-1])
