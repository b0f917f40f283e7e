"""P1.E2 in words and pictures: what the cases of `p1_e2` say, with the numbers they measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.dynamics.descent_loops import EPS
from dynlens.experiments import p1_e2
from dynlens.experiments.prose import columns, each, paragraph, span

Row = Mapping[str, Any]
Table = Sequence[Row]


def text(table: Table) -> str:
    """Return the table, in medians, and what it says."""
    parts = [
        "P1.E2  tensor completion finds tensors of low CP rank   [razin2020implicit]",
        paragraph(_setting(table)),
        _rows(_published(table)),
    ]
    late = [row for row in table if row["stop"] < p1_e2.STOP]
    whole, table = table, _published(table)
    orders = sorted({row["order"] for row in table})
    for order in orders:
        descents = _where(table, order=order, method="descent")
        parts.append(paragraph(_scales(descents), f"Order {order}. "))
        parts.append(paragraph(_ranks(descents)))
    if late:
        parts.append(paragraph(_late(late, whole), "The stop. "))
    if _where(table, method="flow"):
        parts.append(paragraph(_flow(table), "The flow. "))
    return "\n\n".join(parts)


def _published(table: Table) -> list[Row]:
    return [row for row in table if row["stop"] == p1_e2.STOP]


def _where(table: Table, **wanted: Any) -> list[Row]:
    return [row for row in table if all(row[name] == value for name, value in wanted.items())]


def _values(table: Table, name: str) -> list[Any]:
    return sorted({row[name] for row in table})


def _median(table: Table, name: str) -> float:
    known = [row[name] for row in table if row[name] is not None]
    return float(np.median(known)) if known else float("nan")


# -- words -----------------------------------------------------------------------------------------


def _setting(table: Table) -> Iterable[str]:
    yield (
        f"Random tensors of CP rank {each(_values(table, 'rank'), 'd')} and norm 1, each size "
        f"{p1_e2.DIM}; CP factorizations with as many components as entries over {p1_e2.DIM}, "
        f"Gaussian starts; the loss is the mean of the squared residuals, down to {p1_e2.STOP:g}."
    )
    caps = ", ".join(f"{p1_e2.STEPS[n]} (order {n})" for n in _values(table, "order"))
    yield (
        f"GroupRMSprop with step {p1_e2.ETA:g} for at most {caps} steps; gradient flow by "
        f"RK23 at rtol {p1_e2.RTOL:g} on some cases of order 3."
    )
    yield (
        "'linear' is the error of the observed entries with zeros elsewhere. Norms, errors and "
        "baseline are relative to the target."
    )
    if all(row["cp_rank"] is None for row in table):
        yield (
            "The column of estimated ranks is empty: it needs tensorly, which is not installed "
            'here (pip install "dynlens[tensor]").'
        )
    else:
        limits = ", ".join(
            f"{p1_e2.MAX_RANK[order]} at order {order}" for order in _values(table, "order")
        )
        yield (
            "The estimated rank is the smallest number of terms by which alternating least squares "
            f"fits the result to a mean squared error of {p1_e2.RANK_MSE:g}, as published; ranks "
            f"up to {limits} were tried, and inf says that none fitted."
        )
    for order in _values(table, "order"):
        rows = _where(table, order=order, method="descent")
        yield f"Repetitions at order {order}: {len(_values(rows, 'repeat'))}."
    if len(_values(table, "order")) > 1:
        yield (
            "Order 4 has fewer repetitions and numbers of observations, a lower cap and no flow: "
            "its steps cost about twenty times as much as those of order 3."
        )
    yield "Medians over the repetitions; all cases are in the .csv."


def _rows(table: Table) -> str:
    scales = sorted(_values(table, "scale"), reverse=True)
    names = [f"std {scale:g}" for scale in scales]
    head = ["order", "rank", "observed", "linear", *names, *(f"rank at {n}" for n in names)]
    lines = []
    for order in _values(table, "order"):
        descents = _where(table, order=order, method="descent")
        for rank in _values(descents, "rank"):
            for observed in _values(descents, "observed"):
                here = _where(descents, rank=rank, observed=observed)
                cases = [_where(here, scale=scale) for scale in scales]
                lines.append(
                    [
                        *(str(n) for n in (order, rank, observed)),
                        f"{_median(here, 'linear'):.4f}",
                        *(f"{_median(rows, 'error'):.4f}" if rows else "" for rows in cases),
                        *(_rank(rows) for rows in cases),
                    ]
                )
    return columns(head, lines)


def _rank(rows: Table) -> str:
    median = _median(rows, "cp_rank")
    return "" if np.isnan(median) else f"{median:g}"


def _scales(rows: Table) -> Iterable[str]:
    scales = sorted(_values(rows, "scale"), reverse=True)
    large, small = scales[0], scales[-1]
    for rank in _values(rows, "rank"):
        few = []
        for scale in scales:
            mine = _where(rows, rank=rank, scale=scale)
            enough = [
                n
                for n in _values(mine, "observed")
                if _median(_where(mine, observed=n), "error") < 0.1
            ]
            few.append(f"{min(enough)} entries" if enough else "none of the numbers tried")
        yield (
            f"Rank {rank}: the median error is below 10% from "
            + ", ".join(f"{n} (std {s:g})" for n, s in zip(few, scales, strict=True))
            + "."
        )
    better = worse = 0
    for row in _where(rows, scale=large):
        (twin,) = _where(
            rows, scale=small, rank=row["rank"], observed=row["observed"], repeat=row["repeat"]
        )
        better, worse = better + (twin["error"] < row["error"]), worse + 1
    yield (
        f"From the same direction, std {small:g} ends nearer to the target than std {large:g} in "
        f"{better} of {worse} cases."
    )
    shares = [
        _median([{"x": r["error"] / r["linear"]} for r in _where(rows, scale=s)], "x")
        for s in scales
    ]
    yield (
        f"Relative to the linear baseline the error is {each(shares, '.3g')} in the median for std "
        f"{each(scales, 'g')}."
    )
    # With nearly everything seen, the baseline falls below what the stop leaves.
    close = [row for row in rows if row["scale"] == small and row["fitted"] and row["linear"] > 0.1]
    bad = [row for row in close if row["error"] > row["linear"]]
    if bad:
        yield (
            f"With too few entries small starts are no help: std {small:g} is worse than the "
            f"baseline in {len(bad)} of the {len(close)} cases that fit, the last at "
            f"{max(r['observed'] for r in bad)} entries; the largest component there is up to "
            f"{max(r['norm_1'] for r in bad):.2g} times the target."
        )
    stuck = [row for row in rows if not row["fitted"]]
    if stuck:
        yield (
            f"{len(stuck)} of {len(rows)} runs stopped at their cap of "
            f"{p1_e2.STEPS[rows[0]['order']]} steps, the worst with a loss of "
            f"{max(row['mse'] for row in stuck):.2g}."
        )
    still = [row for row in stuck if row["norm_1"] < 1e-3]
    if still:
        passed = max(row["flow_time"] / row["steps"] for row in still)
        yield (
            f"{len(still)} of them, from std {span((row['scale'] for row in still), 'g')}, have "
            "not left the origin: their gradients are smaller than GroupRMSprop's epsilon of "
            f"{EPS:g}, which is added to their size; hence a step passes at most eta / epsilon = "
            f"{p1_e2.ETA / EPS:g} units of the flow's time (these took up to {passed:.3g})."
        )


def _ranks(rows: Table) -> Iterable[str]:
    scales = sorted(_values(rows, "scale"), reverse=True)
    for rank in _values(rows, "rank"):
        most = max(_values(rows, "observed"))
        half = [n for n in _values(rows, "observed") if n >= most / 4]
        mine = [r for r in rows if r["rank"] == rank and r["observed"] in half and r["fitted"]]
        scales = [scale for scale in scales if _where(mine, scale=scale)]
        after = [_median(_where(mine, scale=s), "norm_after") for s in scales]
        said = (
            f"Rank {rank}, {half[0]} or more entries, runs that fit: component {rank + 1} has a "
            f"norm of {each(after, '.2g')} in the median (std {each(scales, 'g')})"
        )
        if any(row["cp_rank"] is not None for row in mine):
            found = [[row["cp_rank"] <= rank for row in _where(mine, scale=s)] for s in scales]
            hits = [sum(some) / len(some) for some in found]
            said += f" and the estimated rank is at most {rank} in {each(hits, '.0%')} of the cases"
        yield f"{said}."


def _late(late: Table, table: Table) -> Iterable[str]:
    floor = np.sqrt(p1_e2.STOP * p1_e2.DIM**3)
    yield (
        f"At a loss of {p1_e2.STOP:g} the residuals are such that, were they as large everywhere, "
        f"the error would be {floor:.1%} at order 3. Down to {p1_e2.LATE_STOP:g} instead:"
    )
    same = ("order", "method", "rank", "observed", "scale", "repeat")
    for scale in sorted(_values(late, "scale"), reverse=True):
        rows = _where(late, scale=scale)
        before = [
            _where(table, stop=p1_e2.STOP, **{name: row[name] for name in same})[0]["error"]
            for row in rows
        ]
        yield (
            f"std {scale:g}, median error {np.median(before):.3g} becomes "
            f"{_median(rows, 'error'):.3g} ({sum(row['fitted'] for row in rows):.0f} of "
            f"{len(rows)} runs get there)" + (";" if scale > min(_values(late, "scale")) else ".")
        )


def _flow(table: Table) -> Iterable[str]:
    flows = _where(table, method="flow")
    same = ("order", "rank", "observed", "scale", "repeat")
    pairs = [
        (row, _where(table, method="descent", **{name: row[name] for name in same})[0])
        for row in flows
    ]
    for scale in sorted({row["scale"] for row in flows}, reverse=True):
        mine = [(f, d) for f, d in pairs if f["scale"] == scale]
        yield (
            f"From std {scale:g}, {len(mine)} cases: median error "
            f"{np.median([f['error'] for f, _ in mine]):.3g} (GroupRMSprop "
            f"{np.median([d['error'] for _, d in mine]):.3g} on the same); the two differ by "
            f"{np.median([abs(f['error'] - d['error']) for f, d in mine]):.2g} in the median and "
            f"{max(abs(f['error'] - d['error']) for f, d in mine):.2g} at most."
        )
        ratio = [d["flow_time"] / f["flow_time"] for f, d in mine]
        yield (
            f"The flow needs {np.median([f['flow_time'] for f, _ in mine]):.3g} time units; the "
            f"sum of GroupRMSprop's steps is {min(ratio):.2f} to {max(ratio):.2f} times that, in "
            f"{np.median([d['steps'] for _, d in mine]):.0f} steps."
        )


# -- pictures --------------------------------------------------------------------------------------


def draw(table: Table, folder: Path) -> tuple[Path, ...]:
    """Draw the figure, as PNG and PDF."""
    import matplotlib as mpl

    from dynlens import plot

    with mpl.rc_context(plot.STYLE):
        figure = _figure(table)
        return tuple(plot.save(figure, folder / f"p1_e2.{kind}") for kind in ("png", "pdf"))


def _figure(table: Table) -> Any:
    from dynlens import plot

    table = _published(table)
    panels = sorted({(row["order"], row["rank"]) for row in table})
    ranked = any(row["cp_rank"] is not None for row in table)
    figure = plot.Picture(figsize=(2.3 * len(panels) + 0.6, 4.6 if ranked else 3.0))
    axes = figure.subplots(1 + ranked, len(panels), sharex="col", sharey="row", squeeze=False)
    for column, (order, rank) in zip(axes.T, panels, strict=True):
        rows = _where(table, order=order, rank=rank)
        column[0].set_title(f"order {order}, rank {rank}")
        _errors(column[0], rows)
        if ranked:
            _estimates(column[1], rows, p1_e2.MAX_RANK[order])
        column[-1].set_xlabel(f"observed of {p1_e2.DIM**order} entries")
        if order > 3:
            ticks = _values(rows, "observed")
            column[-1].set_xscale("log")
            column[-1].set_xticks(ticks, [f"{n}" for n in ticks])
            column[-1].minorticks_off()
    axes[0, 0].set_ylabel("reconstruction error / norm")
    if ranked:
        axes[1, 0].set_ylabel("estimated CP rank")
    figure.legend(
        handles=_legend(table), loc="outside lower center", ncols=2 if len(panels) < 4 else 6
    )
    return figure


def _looks(table: Table) -> dict[float, tuple[str, str]]:
    from dynlens import plot

    scales = sorted(_values(table, "scale"), reverse=True)
    looks = ((plot.VERMILLION, "s"), (plot.BLUE, "o"), (plot.GREEN, "^"))
    return dict(zip(scales, looks, strict=False))


def _errors(ax: Any, rows: Table) -> None:
    from dynlens import plot

    for scale, (colour, marker) in _looks(rows).items():
        mine = _where(rows, scale=scale, method="descent")
        x, low, middle, high = _spread(mine, "error")
        ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        ax.plot(x, middle, color=colour, marker=marker, markersize=4)
        flows = _where(rows, scale=scale, method="flow")
        ax.plot(
            [row["observed"] for row in flows],
            [row["error"] for row in flows],
            linestyle="none",
            marker="x",
            color="black",
            markersize=4,
            zorder=4,
        )
    x, _, middle, _ = _spread(_where(rows, method="descent"), "linear")
    ax.plot(x, middle, color=plot.GREY, linestyle="--")
    ax.set_yscale("log")


def _estimates(ax: Any, rows: Table, limit: int) -> None:
    top = limit * 1.4
    for scale, (colour, marker) in _looks(rows).items():
        mine = _where(rows, scale=scale, method="descent")
        x, low, middle, high = (np.minimum(v, top) for v in _spread(mine, "cp_rank"))
        x = np.array(_values(mine, "observed"))
        ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        ax.plot(x, middle, color=colour, marker=marker, markersize=4)
    ax.axhline(rows[0]["rank"], color="black", linestyle=":", linewidth=1.3)
    ax.set_yscale("log")
    ax.set_yticks([1, 3, 6, limit, top], ["1", "3", "6", f"{limit}", "more"])
    ax.set_ylim(0.8, 1.2 * top)
    ax.minorticks_off()


def _spread(rows: Table, name: str) -> tuple[Any, ...]:
    """Numbers observed, and the least, the median and the largest over the repetitions."""
    observed = _values(rows, "observed")
    groups = [[row[name] for row in _where(rows, observed=n)] for n in observed]
    return tuple(np.array(v) for v in (observed, *zip(*map(_three, groups), strict=True)))


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    array = np.array(values, dtype=float)
    return float(array.min()), float(np.median(array)), float(array.max())


def _legend(table: Table) -> list[Any]:
    from matplotlib.lines import Line2D

    from dynlens import plot

    lines = [
        Line2D([], [], color=c, marker=m, markersize=4, label=f"std {scale:g}")
        for scale, (c, m) in _looks(table).items()
    ]
    lines += [
        Line2D([], [], color=plot.GREY, linestyle="--", label="observed entries, zero elsewhere"),
        Line2D([], [], color="black", marker="x", linestyle="none", label="gradient flow"),
        Line2D([], [], color="black", linestyle=":", label="rank of the target"),
    ]
    return lines
