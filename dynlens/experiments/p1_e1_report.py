"""P1.E1 in words and pictures: what the runs of `p1_e1` say, with the numbers they measured."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.comparison.slopes import observed_order
from dynlens.experiments import p1_e1
from dynlens.experiments.p1_e1 import ETA, FLOW, GAUSSIAN, TOLERANCES, Curve
from dynlens.problems.instances import completion_problem
from dynlens.support.typing import Array

Runs = dict[tuple[Any, ...], Any]
NEAR = 0.05  # a curve follows the law if |W11| sqrt(2 loss) is this close to 1


# -- words -----------------------------------------------------------------------------------------


def text(runs: Runs, table: Sequence[Mapping[str, Any]], levels: Sequence[float]) -> str:
    """Return the table and what it says."""
    depths = sorted({key[0] for key in runs if len(key) == 4})
    parts = [
        "P1.E1  deep matrix factorization drives all norms to infinity   [razin2020implicit]",
        _paragraph(_setting(depths, levels)),
        _rows(table),
        *(_paragraph(_deep(runs, depth, levels)) for depth in depths if depth > 2),
        "Why the curves of depth 2 saturate",
        _paragraph(_descent(runs, levels), "(a) "),
        _paragraph(_unbalanced(runs), "(b) "),
        _paragraph(_rounding(runs, levels), "(c) "),
    ]
    return "\n\n".join(parts)


def _paragraph(sentences: Iterable[str], label: str = "") -> str:
    indent = " " * len(label)
    whole = label + " ".join(sentences)
    return textwrap.fill(whole, 100, subsequent_indent=indent, break_on_hyphens=False)


def _setting(depths: Sequence[int], levels: Sequence[float]) -> Iterable[str]:
    steps = ", ".join(f"{ETA[d]:g}" for d in depths)
    scales = ", ".join(f"{GAUSSIAN[d]:g}" for d in depths)
    yield (
        "Two-by-two completion with W12 = W21 = 1 and W22 = 0 observed, loss half the sum of "
        f"squares, down to a loss of {levels[-1]:g}; depths {_list(depths)}."
    )
    yield (
        f"Gradient descent with steps {steps} (time = step size times steps); gradient flow by "
        f"{FLOW[0][0]} at rtol {FLOW[0][1]:g}, its error measured against {FLOW[1][0]} at rtol "
        f"{FLOW[1][1]:g} and shown as ± where it is large."
    )
    yield (
        "Starts have det W > 0: balanced with end-to-end entries of standard deviation "
        f"{p1_e1.BALANCED_SCALE:g}, unbalanced with Gaussian factors of standard deviation "
        f"{scales} (seed 0 is listed; all are in the .csv)."
    )


def _rows(table: Sequence[Mapping[str, Any]]) -> str:
    head = (
        "depth  start       source     loss      |W11|  |W11| sqrt(2 loss)      time"
        "    min det W  imbalance"
    )
    lines, group = [head], None
    for row in sorted(table, key=lambda r: (r["depth"], r["start"], r["seed"], r["source"])):
        if row["seed"] != 0:
            continue
        if group not in (None, (row["depth"], row["start"])):
            lines.append("")
        group = row["depth"], row["start"]
        # Beyond its horizon a run's numbers are shown with their error.
        doubt = " ±" + f"{row['W11_error']:.0g}" if row["W11_error"] > 1e-3 * row["W11"] else ""
        low = f"{row['min_det']:.1e}" if row["min_det"] else "<1e-308"
        lines.append(
            f"{row['depth']:>5}  {row['start']:<10}  {row['source']:<7} {row['loss']:>7.0e} "
            f"{row['W11']:>10.4f} {row['W11_sqrt_2loss']:>19.5f} {row['time']:>9.6g} {low:>12} "
            f"{row['imbalance']:>10.1e}{doubt}"
        )
    return "\n".join(lines)


def _deep(runs: Runs, depth: int, levels: Sequence[float]) -> Iterable[str]:
    descent, flow = (runs[depth, "balanced", 0, source] for source in ("descent", "flow"))
    off = [abs(descent.scaled[k] - 1) for k in descent.at]
    yield (
        f"Depth {depth}, balanced: |W11| sqrt(2 loss) is within {_each(off, '.2%')} of 1 at loss "
        f"{_each(levels, 'g')}."
    )
    yield (
        "Since W11 W22 = W12 W21 + det W, and the observed residuals are W22 and about -1/W11^2 "
        f"twice, it is 1 - 2 loss + det W to next order; at the last level that is exact to "
        f"{abs(_beyond(descent)):.0g}, with det W = {descent.det[descent.at[-1]]:.1e}."
    )
    pairs = [
        (runs[*key[:3], "descent"], runs[key])
        for key in runs
        if len(key) == 4 and key[0] == depth and key[3] == "flow"
    ]
    gap = max(abs(abs(d.w11[d.at[-1]] / f.w11[f.at[-1]]) - 1) for d, f in pairs)
    gap_t = max(abs(d.t[d.at[-1]] / f.t[f.at[-1]] - 1) for d, f in pairs)
    late = _law_time(levels[-1], depth)
    yield (
        f"The flow takes a time of {flow.t[flow.at[-1]]:.5g} ({late:.5g} by the growth law), "
        f"descent {round(descent.t[-1] / ETA[depth])} steps; from all starts the two agree at the "
        f"last level to {gap:.0e} in |W11| and {gap_t:.0e} in time."
    )
    problem = completion_problem(depth)
    sharp = float(np.linalg.eigvalsh(problem.hessian(descent.final))[-1])
    yield f"There the step times the sharpness is {ETA[depth] * sharp:.2f}, below 2."
    many = _unbalanced_descents(runs, depth)
    follow = [
        sum(abs(c.scaled[c.at[k]] - 1 + 2 * level) < NEAR for c in many)
        for k, level in enumerate(levels)
    ]
    yield (
        f"Unbalanced: det W becomes negative in {sum(c.flip is not None for c in many)} of "
        f"{len(many)} starts, but det W = 0 is left so slowly that {_each(follow, 'd')} of them "
        f"follow the law within {NEAR:.0%} at loss {_each(levels, 'g')}."
    )
    yield (
        "Those that leave it fall short by |det W|: |W11| sqrt(2 loss) - (1 - 2 loss + det W) is "
        f"{max(abs(_beyond(c)) for c in many):.0g} at most at the last level, where the smallest "
        f"|W11| is {min(abs(c.w11[-1]) for c in many):.3g}."
    )


def _unbalanced_descents(runs: Runs, depth: int) -> list[Curve]:
    """Curves of descent from all unbalanced starts, drawn or only counted."""
    drawn = [key for key in runs if key[:2] == (depth, "unbalanced") and key[3] == "descent"]
    return [*(runs[key] for key in drawn), *runs["census", depth]]


def _beyond(curve: Curve) -> float:
    """What ``|W11| sqrt(2 loss)`` is at the last level beyond its expansion."""
    k = curve.at[-1]
    return float(curve.scaled[k] - (1 - 2 * curve.loss[k] + curve.det[k]))


def _law_time(loss: float, depth: int) -> float:
    """Time at which ``|W11| = 1 / sqrt(2 loss)`` by the growth law of the completion problem."""
    return float((2 * loss) ** (-(depth + 1) / depth) / (2 * depth + 2))


def _descent(runs: Runs, levels: Sequence[float]) -> Iterable[str]:
    steps = [runs[key] for key in runs if key[0] == "step"]
    etas = [ETA[2] / 2**k for k in range(len(steps))]
    sizes = [float(c.imbalance[-1]) for c in steps]
    order, _ = observed_order(etas, sizes)
    exact = runs[2, "balanced", 0, "exact"]
    log_det = np.interp([c.flip for c in steps], exact.t, exact.det)
    power, _ = observed_order(etas, np.exp(log_det), floor=0.0)
    yield (
        "What descent does. A step adds eta^2 (G2'G2 - G1 G1') to W2'W2 - W1 W1', which the flow "
        f"conserves: from the same balanced start the imbalance ends at {_each(sizes, '.2e')} for "
        f"eta = {_each(etas, '.3g')}, of order {order:.3f} in eta."
    )
    yield (
        f"det W becomes negative at t = {_each([c.flip for c in steps], '.2f')} and |W11| stops at "
        f"{_each([abs(c.w11[-1]) for c in steps], '.3f')}: a smaller step saturates later, but it "
        "saturates, because the sign is lost once the flow's determinant, which decays like "
        f"exp(-1.65 t^(2/3)), has come down to a multiple of eta^{power:.2f}."
    )
    even = runs["symmetric",]
    k = even.at[-1]
    yield (
        f"The control: from W(0) = {p1_e1.BALANCED_SCALE:g} I the same descent with the same step "
        "keeps W2 = W1', hence its balance (largest imbalance "
        f"{even.imbalance.max():.1g}), and det W is a square. It does not saturate: |W11| = "
        f"{abs(even.w11[k]):.4f} at loss {levels[-1]:g}, |W11| sqrt(2 loss) = "
        f"{even.scaled[k]:.5f}, after {round(even.t[k] / ETA[2])} steps."
    )


def _unbalanced(runs: Runs) -> Iterable[str]:
    seeds = [key[2] for key in runs if key[:2] == (2, "unbalanced") and key[3] == "flow"]
    flow, twin, descent = (
        [runs[2, "unbalanced", seed, source].flip for seed in seeds]
        for source in ("flow", "twin", "descent")
    )
    predicted = [linear_flip(seed) for seed in seeds]
    error = max(abs(a - b) for a, b in zip(flow, twin, strict=True))
    many = _unbalanced_descents(runs, 2)
    stops = np.abs([c.w11[-1] for c in many])
    yield (
        "What unbalanced starts do. Near zero the flow is linear and turns W into a multiple of "
        "M X'X, X = (W1 + W2'M)/2 and M = ((0, 1), (1, 0)), whose determinant is -det(X)^2, "
        "negative at every scale of the start."
    )
    yield (
        f"det W changes sign at t = {_each(predicted, '.4f')} by that formula, at "
        f"{_each(flow, '.4f')} along the flow (± {error:.0g}), at {_each(descent, '.3f')} under "
        "descent: neither the step nor the arithmetic has a part in it."
    )
    yield (
        f"Of {len(many)} such starts {sum(c.det[-1] < 0 for c in many)} end with det W < 0, and "
        f"|W11| stops at {np.median(stops):.2g} in the median, {stops.max():.2g} at most. The "
        "theorem speaks of balanced starts, and has to."
    )


def _rounding(runs: Runs, levels: Sequence[float]) -> Iterable[str]:
    ladder = {key[1]: runs[key] for key in runs if key[0] == "tolerance"}
    exact, flow = runs[2, "balanced", 0, "exact"], runs[2, "balanced", 0, "flow"]
    verdict = runs["horizon",]
    yield (
        "What floating point does. The exact flow from the balanced start keeps det W > 0, but "
        "det W sinks below the rounding of the factors, and on the negative side it is repelled "
        f"from zero. By LSODA at rtol {_each(ladder, 'g')} the sign is lost at t = "
        f"{_each([c.flip for c in ladder.values()], '.1f')} and |W11| stops at "
        f"{_each([abs(c.w11[-1]) for c in ladder.values()], '.2f')}."
    )
    yield (
        f"A verdict on the run at rtol 1e-10 is {verdict.status} up to its horizon, "
        f"t = {verdict.horizon:.3g}, and undecided beyond: it is not deceived."
    )
    j, k = exact.at[0], exact.at[-1]
    apart = abs(exact.w11[j] / flow.w11[flow.at[0]] - 1)
    yield (
        "In the coordinates (W11, W12, W21, ln det W), which cannot lose the sign, the same flow "
        f"(|W11| equal to {apart:.0g} at loss {levels[0]:g}) does not saturate: |W11| = "
        f"{abs(exact.w11[k]):.4f} at loss {levels[-1]:g}, |W11| sqrt(2 loss) = "
        f"{exact.scaled[k]:.5f}, at t = {exact.t[k]:.5g} ({_law_time(levels[-1], 2):.5g} by the "
        "growth law)."
    )
    decimal = exact.det[k] / np.log(10)
    yield f"There ln det W = {exact.det[k]:.5g}, that is det W = 1e{decimal:.0f}" + (
        ", far below the smallest positive double, 4.9e-324: no step and no tolerance can carry "
        "such a number in the factors' own coordinates."
        if decimal < -324
        else "."
    )


def linear_flip(seed: int) -> float:
    r"""First sign change of det W by the flow linearized at zero, from an unbalanced start.

    :math:`W = M (e^t X - e^{-t} Y)^\top (e^t X + e^{-t} Y)`, :math:`X, Y = (W_1 \pm W_2^\top M)/2`,
    so that det W vanishes where :math:`\det(e^{2t} X \pm Y) = 0`.
    """
    problem = completion_problem(2)
    first, second = problem.factors(p1_e1.start(problem, "unbalanced", seed))
    turned = second.T @ np.array([[0.0, 1.0], [1.0, 0.0]])
    x, y = (first + turned) / 2, (first - turned) / 2
    mixed = x[0, 0] * y[1, 1] + x[1, 1] * y[0, 0] - x[0, 1] * y[1, 0] - x[1, 0] * y[0, 1]
    roots = [np.roots([np.linalg.det(x), sign * mixed, np.linalg.det(y)]) for sign in (1.0, -1.0)]
    real = [r.real for r in np.concatenate(roots) if abs(r.imag) < 1e-12 and r.real > 1]
    return float(0.5 * np.log(min(real)))


def _each(values: Iterable[float], form: str) -> str:
    return ", ".join(format(value, form) for value in values)


def _list(values: Sequence[int]) -> str:
    return f"{', '.join(map(str, values[:-1]))} and {values[-1]}"


# -- pictures --------------------------------------------------------------------------------------


def draw(runs: Runs, folder: Path) -> tuple[Path, ...]:
    """Draw both figures, as PNG and PDF."""
    import matplotlib as mpl

    from dynlens import plot

    paths = []
    with mpl.rc_context(plot.STYLE):
        for name, figure in (("p1_e1", _growth(runs)), ("p1_e1_depth_2", _saturation(runs))):
            paths += [plot.save(figure, folder / f"{name}.{kind}") for kind in ("png", "pdf")]
    return tuple(paths)


def _growth(runs: Runs) -> Any:
    from matplotlib.lines import Line2D

    from dynlens import plot

    colours = {"balanced": plot.BLUE, "unbalanced": plot.VERMILLION}
    curves = {key: runs[key] for key in runs if len(key) == 4 and key[3] != "twin"}
    depths = sorted({key[0] for key in curves})
    figure = plot.Picture(figsize=(2.6 * len(depths), 4.6))
    axes = figure.subplots(2, len(depths), sharex=True, sharey="row", height_ratios=(2, 1))
    for column, depth in zip(axes.T, depths, strict=True):
        column[0].set_title(f"depth {depth}")
        _law(column[0])
        column[1].axhline(1, color="black", linestyle=":", linewidth=1.3, zorder=4)
        for key in sorted(curves, key=lambda key: (key[3] != "descent", key[1] == "balanced")):
            if key[0] == depth:
                curve, look = curves[key], _look(key[3], colours[key[1]])
                column[0].plot(curve.loss, np.abs(curve.w11), **look)
                column[1].plot(curve.loss, curve.scaled, **look)
                _flip(column[0], curve, look["color"])
        column[1].set_xlabel("loss")
    _scales(axes[0], (1.3, 8e-5), (0.2, 130))
    axes[1, 0].set_ylim(0, 1.15)
    axes[0, 0].set_ylabel(r"$|W_{11}|$")
    axes[1, 0].set_ylabel(r"$|W_{11}|\sqrt{2\,\mathrm{loss}}$")
    entries = [
        Line2D([], [], color=plot.BLUE, label="balanced start"),
        Line2D([], [], color=plot.VERMILLION, label="unbalanced starts"),
        Line2D([], [], **_look("descent", plot.GREY), label="gradient descent"),
        Line2D([], [], **_look("flow", plot.GREY), label="gradient flow"),
        Line2D([], [], **_look("exact", plot.GREY), label=r"flow in $\ln\,\det\,W$"),
        Line2D([], [], **_dots(plot.GREY), label=r"$\det\,W$ becomes negative"),
        Line2D([], [], color="black", linestyle=":", label=r"$1/\sqrt{2\,\mathrm{loss}}$"),
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=4)
    return figure


def _saturation(runs: Runs) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(8.4, 3.2))
    left, middle, right = figure.subplots(1, 3)
    steps = [(k, runs["step", k]) for _, k in (key for key in runs if key[0] == "step")][::2]
    tolerances = [
        (rtol, runs["tolerance", rtol]) for rtol in TOLERANCES if ("tolerance", rtol) in runs
    ]
    _ladder(
        left,
        {rf"$\eta = {ETA[2]:g}$" + (f" / {2**k}" if k else ""): curve for k, curve in steps},
        runs["symmetric",],
        "symmetric start",
    )
    _ladder(
        right,
        {rf"rtol $10^{{{round(np.log10(rtol))}}}$": curve for rtol, curve in tolerances},
        runs[2, "balanced", 0, "exact"],
        r"flow in $\ln\,\det\,W$",
    )
    _scales((left, right), (0.5, 8e-5), (0.7, 130))
    left.set_title("(a) descent breaks the balance", fontsize=8.5)
    right.set_title("(c) rounding loses the sign", fontsize=8.5)
    _signs(middle, runs)
    middle.set_title(r"(b) unbalanced starts lose $\det\,W > 0$", fontsize=8.5)
    return figure


def _ladder(ax: Any, curves: Mapping[str, Curve], free: Curve, name: str) -> None:
    """|W11| against loss for a ladder of numerics, and for the run that does not saturate."""
    from matplotlib import colormaps

    from dynlens import plot

    shades = colormaps["cividis"](np.linspace(0.0, 0.85, len(curves)))
    for shade, (label, curve) in zip(shades, curves.items(), strict=True):
        ax.plot(curve.loss, np.abs(curve.w11), color=shade, label=label)
        _flip(ax, curve, shade)
    ax.plot(free.loss, np.abs(free.w11), color=plot.VERMILLION, linestyle="--", label=name)
    _law(ax)
    ax.set(xlabel="loss", ylabel=r"$|W_{11}|$")
    ax.legend(loc="upper left")


def _signs(ax: Any, runs: Runs) -> None:
    """Determinants of depth 2 from unbalanced starts, relative to the squared norm."""
    from matplotlib.lines import Line2D

    from dynlens import plot

    for key, curve in runs.items():
        if key[:2] == (2, "unbalanced") and key[3] != "twin":
            ax.plot(curve.t, curve.det / curve.norm**2, **_look(key[3], plot.VERMILLION))
            ax.plot(linear_flip(key[2]), 0.0, **_dots(plot.VERMILLION))
    ax.axhline(0, color="black", linestyle=":", linewidth=1.3)
    ax.set(xlim=(0, 13), ylim=(-0.5, 0.5), xlabel="time")
    ax.set_ylabel(r"$\det\,W\,/\,\Vert W\Vert^2$")
    entries = [
        Line2D([], [], **_look("descent", plot.VERMILLION), label="gradient descent"),
        Line2D([], [], **_look("flow", plot.VERMILLION), label="gradient flow"),
        Line2D([], [], **_dots(plot.VERMILLION), label="sign change of the linear flow"),
    ]
    ax.legend(handles=entries, loc="upper right")


def _look(source: str, colour: str) -> dict[str, Any]:
    if source == "descent":
        return {"color": colour, "linewidth": 4.0, "alpha": 0.3, "solid_capstyle": "butt"}
    style = {"flow": "-", "exact": "--"}[source]
    return {"color": colour, "linewidth": 1.1, "linestyle": style}


def _dots(colour: Any) -> dict[str, Any]:
    return {
        "color": colour,
        "marker": "o",
        "markersize": 4.5,
        "markerfacecolor": "white",
        "linestyle": "none",
        "zorder": 5,
    }


def _flip(ax: Any, curve: Curve, colour: Any) -> None:
    if curve.flip is not None:
        x, y = (np.interp(curve.flip, curve.t, v) for v in (curve.loss, np.abs(curve.w11)))
        ax.plot(x, y, **_dots(colour))


def _law(ax: Any) -> None:
    loss: Array = np.geomspace(1e-4, 1.0, 50)
    name = r"$1/\sqrt{2\,\mathrm{loss}}$"
    ax.plot(loss, 1 / np.sqrt(2 * loss), ":", color="black", linewidth=1.3, zorder=4, label=name)


def _scales(axes: Iterable[Any], losses: tuple[float, float], sizes: tuple[float, float]) -> None:
    for ax in axes:
        ax.set(xscale="log", yscale="log", xlim=losses, ylim=sizes)
