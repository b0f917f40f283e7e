"""Q2.E1 in words and pictures: what the runs of `q2_e1` say, with the numbers they measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dynlens.experiments import q2_e1
from dynlens.experiments.deflation import ORDER
from dynlens.experiments.prose import columns, each, paragraph
from dynlens.problems.instances import falling_coefficients

Run = Mapping[str, Any]


# -- words -----------------------------------------------------------------------------------------


def parts(runs: Sequence[Run]) -> Iterable[str]:
    """Paragraphs and tables."""
    yield paragraph(_setting())
    for one in runs:
        yield f"{_name(one)}\n\n{_rows(one)}\n\n{paragraph(_says(one))}"
    yield paragraph(_cost(runs[-1]), "The tensor is never written down. ")


def _setting() -> Iterable[str]:
    yield (
        f"Orthogonal directions, order {ORDER}, coefficients that fall by a constant ratio and "
        "have norm one, 2-homogeneous components, loss ½ |W - W*|^2, no penalty. Components start "
        f"with random directions and length {q2_e1.SCALE:g}; descent has the step {q2_e1.ETA:g}."
    )
    yield (
        "A direction is fitted when its correlation W(e_k^4) comes to half of its coefficient. "
        "Both predictions know only the start: that for the flow, and that for descent, which "
        "grows by ln(1 + 2 a eta) / eta where the flow grows by 2 a."
    )


def _name(one: Run) -> str:
    return (
        f"d = {one['dimension']}, rank {one['rank']}, {one['components']} components, "
        f"ratio {one['ratio']:g}"
    )


def _rows(one: Run) -> str:
    head = ["direction", "coefficient", "fitted at", "predicted", "off", "flow"]
    lines = []
    for row in q2_e1.rows_of(one):
        seen, wanted = row["observed"], row["predicted"]
        off = f"{seen - wanted:+.3f}" if np.isfinite(seen) and np.isfinite(wanted) else ""
        times = [_time(seen), _time(wanted), off, _time(row["flow"])]
        lines.append([str(row["direction"]), f"{row['coefficient']:.4f}", *times])
    return columns(head, lines)


def _time(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "never"


def _says(one: Run) -> Iterable[str]:
    seen, wanted, flow = one["observed"], one["descent"], one["flow"]
    both = np.isfinite(wanted) & np.isfinite(seen)
    off = np.abs(wanted[both] / seen[both] - 1)
    flow_off = np.abs(flow[both] / seen[both] - 1)
    yield (
        f"{both.sum()} of {len(wanted)} directions are predicted to be fitted and are, at most "
        f"{off.max():.2%} from their time (the flow's times are up to {flow_off.max():.1%} off)."
    )
    expected = np.isfinite(wanted)
    never, late = ~expected & ~np.isfinite(seen), expected & ~np.isfinite(seen)
    surprise = ~expected & np.isfinite(seen)
    if never.any():
        shares = one["fitted"][-1, never] / falling_coefficients(len(wanted), one["ratio"])[never]
        yield (
            f"{never.sum()} are the winner of no component and are not fitted by the end, at t = "
            f"{one['time'][-1]:g}, where the most that any of them has is {shares.max():.1e} of "
            "its coefficient."
        )
    if late.any() or surprise.any():
        yield f"{late.sum()} are late, {surprise.sum()} come unpredicted."
    order = "is" if (np.diff(seen[both]) > 0).all() else "is not everywhere"
    yield f"The order {order} that of the coefficients."
    yield (
        f"|W - W*|^2 falls from {one['squared'][0]:.4f} to {max(one['squared'][-1], 0):.1e} and "
        f"rises from look to look by at most {max(np.diff(one['squared']).max(), 0.0):.1e}."
    )


def _cost(one: Run) -> Iterable[str]:
    d, m, r = (int(one[name]) for name in ("dimension", "components", "rank"))
    gradients = round(one["time"][-1] / q2_e1.ETA)
    yield (
        f"It would have {each([float(d) ** ORDER], '.0e')} entries. A gradient costs of the order "
        f"of m (m + r) d = {m * (m + r) * d:.1e} multiplications, and the last run took "
        f"{gradients} of them."
    )


# -- pictures --------------------------------------------------------------------------------------


def paper_size(one: Run) -> Any:
    """Draw loss and correlations against time, with the predicted times."""
    from dynlens import plot

    t, a = one["time"], falling_coefficients(int(one["rank"]), one["ratio"])
    figure = plot.Picture(figsize=(plot.WIDTH, 4.6))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
    top.plot(t, one["squared"], color=plot.BLACK)
    plateaus = [float(np.square(a[k:]).sum()) for k in range(len(a) + 1)]
    for level in plateaus:
        top.axhline(level, color=plot.GREY, linestyle=":", linewidth=0.9)
    top.set(ylabel=r"$\|W - W^*\|^2$", title=_name(one) + r"; dotted: $\sum_{k>j} a_k^2$")
    for k in range(len(a)):
        colour = plot.PALETTE[k]
        bottom.plot(t, one["fitted"][:, k], color=colour, label=f"$k = {k + 1}$")
        bottom.plot(one["descent"][k], a[k] / 2, "o", color=colour, markersize=6, zorder=3)
        bottom.plot(one["flow"][k], a[k] / 2, "|", color=colour, markersize=11, zorder=3)
    bottom.plot([], [], "o", color=plot.GREY, label="predicted, descent")
    bottom.plot([], [], "|", color=plot.GREY, markersize=11, label="predicted, flow")
    known = one["descent"][np.isfinite(one["descent"])]
    bottom.set(xlabel=r"time, $\eta\,\cdot$ step", ylabel=r"correlation $W(e_k^{\otimes 4})$")
    bottom.set_xlim(0.8 * known.min(), 1.15 * known.max())
    figure.legend(*bottom.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def large(runs: Sequence[Run]) -> Any:
    """Draw all correlations at the large size, and how far the predicted times are off."""
    import matplotlib as mpl

    from dynlens import plot

    figure = plot.Picture(figsize=(7.2, 2.7 * len(runs)))
    axes = figure.subplots(len(runs), 2, squeeze=False, width_ratios=(5, 3))
    for (left, right), one in zip(axes, runs, strict=True):
        a = falling_coefficients(int(one["rank"]), one["ratio"])
        colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(a)))
        for k in range(len(a)):
            left.plot(one["time"], one["fitted"][:, k] / a[k], color=colours[k], linewidth=1.2)
        known = np.isfinite(one["descent"]) & np.isfinite(one["observed"])
        left.scatter(one["descent"][known], np.full(known.sum(), 0.5), c=colours[known], s=18)
        left.set(title=_name(one), ylabel=r"share $W(e_k^{\otimes 4})\,/\,a_k$")
        left.set_xlim(0.8 * one["descent"][known].min(), one["time"][-1])
        right.axhline(0.0, color=plot.GREY, linewidth=0.9)
        number = np.arange(1, len(a) + 1)
        for name, mark, colour in (("descent", "o", plot.BLUE), ("flow", "x", plot.VERMILLION)):
            off = 100 * (one[name][known] / one["observed"][known] - 1)
            right.plot(number[known], off, mark, color=colour, markersize=4, label=f"for {name}")
        right.set(ylabel="predicted time, % off", title=f"{known.sum()} of {len(a)} are fitted")
        right.legend()
    axes[-1, 0].set_xlabel(r"time, $\eta\,\cdot$ step; dots: predicted for descent")
    axes[-1, 1].set_xlabel("direction $k$")
    return figure
