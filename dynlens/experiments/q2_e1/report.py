"""Q2.E1 in words and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.deflation import ORDER
from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, each, paragraph
from dynlens.experiments.q2_e1.runs import ETA, SCALE, Run

# -- words -----------------------------------------------------------------------------------------


def text(runs: Runs[Run]) -> Iterable[str]:
    """Paragraphs and tables."""
    yield paragraph(_setting())
    for run in runs:
        yield f"{_name(run)}\n\n{_rows(run)}\n\n{paragraph(_says(run))}"
    yield paragraph(_cost(runs[-1]), "The tensor is never written down. ")


def _setting() -> Iterable[str]:
    yield (
        f"Orthogonal directions, order {ORDER}, coefficients that fall by a constant ratio and "
        "have norm one, 2-homogeneous components, loss ½ |W - W*|^2, no penalty. Components start "
        f"with random directions and length {SCALE:g}; descent has the step {ETA:g}."
    )
    yield (
        "A direction is fitted when its correlation W(e_k^4) comes to half of its coefficient. "
        "Both predictions know only the start: that for the flow, and that for descent, which "
        "grows by ln(1 + 2 a eta) / eta where the flow grows by 2 a."
    )


def _name(run: Run) -> str:
    return f"d = {run.dimension}, rank {run.rank}, {run.components} components, ratio {run.ratio:g}"


def _rows(run: Run) -> str:
    head = ["direction", "coefficient", "fitted at", "predicted", "off", "flow"]
    lines = []
    each_direction = zip(run.coefficients, run.observed, run.descent, run.flow, strict=True)
    for k, (a, seen, wanted, flow) in enumerate(each_direction):
        off = f"{seen - wanted:+.3f}" if np.isfinite(seen) and np.isfinite(wanted) else ""
        lines.append([str(k + 1), f"{a:.4f}", _time(seen), _time(wanted), off, _time(flow)])
    return columns(head, lines)


def _time(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "never"


def _says(run: Run) -> Iterable[str]:
    seen, expected, fitted = run.observed, np.isfinite(run.descent), np.isfinite(run.observed)
    both = expected & fitted
    said = f"{both.sum()} of {run.rank} directions are predicted to be fitted and are"
    if both.any():
        off, flow = (np.abs(t[both] / seen[both] - 1).max() for t in (run.descent, run.flow))
        said += f", at most {off:.2%} from their time (the flow's times are up to {flow:.1%} off)"
    yield f"{said}."
    never, late, surprise = ~expected & ~fitted, expected & ~fitted, ~expected & fitted
    if never.any():
        shares = run.fitted[-1, never] / run.coefficients[never]
        yield (
            f"{never.sum()} are the winner of no component and are not fitted by the end, at t = "
            f"{run.time[-1]:g}, where the most that any of them has is {shares.max():.1e} of "
            "its coefficient."
        )
    if late.any() or surprise.any():
        yield f"{late.sum()} are late, {surprise.sum()} come unpredicted."
    if both.sum() > 1:
        order = "is" if (np.diff(seen[both]) > 0).all() else "is not everywhere"
        yield f"The order {order} that of the coefficients."
    first, last = run.squared[0], max(run.squared[-1], 0)
    yield (
        f"|W - W*|^2 {'falls' if last < first else 'rises'} from {first:.4f} to {last:.1e} and "
        f"rises from look to look by at most {max(np.diff(run.squared).max(), 0.0):.1e}."
    )


def _cost(run: Run) -> Iterable[str]:
    d, m, r = run.dimension, run.components, run.rank
    yield (
        f"It would have {each([float(d) ** ORDER], '.0e')} entries. A gradient costs of the order "
        f"of m (m + r) d = {m * (m + r) * d:.1e} multiplications, and the last run took "
        f"{round(run.time[-1] / ETA)} of them."
    )


# -- pictures --------------------------------------------------------------------------------------


def paper_size(runs: Runs[Run]) -> Any:
    """Draw loss and correlations against time, with the predicted times."""
    from dynlens import plot

    run = runs[0]
    t, a = run.time, run.coefficients
    figure = plot.Picture(figsize=(plot.WIDTH, 4.6))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
    top.plot(t, run.squared, color=plot.BLACK)
    plateaus = [float(np.square(a[k:]).sum()) for k in range(len(a) + 1)]
    for level in plateaus:
        top.axhline(level, color=plot.GREY, linestyle=":", linewidth=0.9)
    top.set(ylabel=r"$\|W - W^*\|^2$", title=_name(run) + r"; dotted: $\sum_{k>j} a_k^2$")
    for k in range(len(a)):
        colour = plot.PALETTE[k]
        bottom.plot(t, run.fitted[:, k], color=colour, label=f"$k = {k + 1}$")
        bottom.plot(run.descent[k], a[k] / 2, "o", color=colour, markersize=6, zorder=3)
        bottom.plot(run.flow[k], a[k] / 2, "|", color=colour, markersize=11, zorder=3)
    bottom.plot([], [], "o", color=plot.GREY, label="predicted, descent")
    bottom.plot([], [], "|", color=plot.GREY, markersize=11, label="predicted, flow")
    known = run.descent[np.isfinite(run.descent)]
    bottom.set(xlabel=r"time, $\eta\,\cdot$ step", ylabel=r"correlation $W(e_k^{\otimes 4})$")
    bottom.set_xlim(0.8 * known.min(), 1.15 * known.max())
    figure.legend(*bottom.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def large(runs: Runs[Run]) -> Any:
    """Draw all correlations at the large size, and how far the predicted times are off."""
    import matplotlib as mpl

    from dynlens import plot

    shown = runs[1:]
    figure = plot.Picture(figsize=(7.2, 2.7 * len(shown)))
    axes = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(5, 3))
    for (left, right), run in zip(axes, shown, strict=True):
        a = run.coefficients
        colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(a)))
        for k in range(len(a)):
            left.plot(run.time, run.fitted[:, k] / a[k], color=colours[k], linewidth=1.2)
        known = np.isfinite(run.descent) & np.isfinite(run.observed)
        left.scatter(run.descent[known], np.full(known.sum(), 0.5), c=colours[known], s=18)
        left.set(title=_name(run), ylabel=r"share $W(e_k^{\otimes 4})\,/\,a_k$")
        left.set_xlim(0.8 * run.descent[known].min(), run.time[-1])
        right.axhline(0.0, color=plot.GREY, linewidth=0.9)
        number = np.arange(1, len(a) + 1)
        for name, mark, colour in (("descent", "o", plot.BLUE), ("flow", "x", plot.VERMILLION)):
            off = 100 * (getattr(run, name)[known] / run.observed[known] - 1)
            right.plot(number[known], off, mark, color=colour, markersize=4, label=f"for {name}")
        right.set(ylabel="predicted time, % off", title=f"{known.sum()} of {len(a)} are fitted")
        right.legend()
    axes[-1, 0].set_xlabel(r"time, $\eta\,\cdot$ step; dots: predicted for descent")
    axes[-1, 1].set_xlabel("direction $k$")
    return figure
