r"""Q2.E2: the smaller the start, the sharper the stairs.

The instance of Q2.E1 along the flow, from several lengths delta. Stairs keep their width while the
time between them grows like ln(1/delta): when the first direction is half fitted, the second has
:math:`1 / (1 + e^{4 a_2 (t_2 - t_1)})` of its coefficient by the logistic law, which falls like
:math:`\delta^{2 (1 - a_2/a_1)}`.

References
----------
ge2021understanding
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.dynamics.flow import gradient_flow
from dynlens.experiments.base import Each, Experiment, Result, leave
from dynlens.experiments.curves import engine, results
from dynlens.experiments.deflation import ORDER, half_times, staircase, unit_starts
from dynlens.experiments.prose import columns, each, paragraph
from dynlens.problems.instances import falling_coefficients
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array
from dynlens.theory.closed_forms import fitting_times

LOOKS, RATIO = 801, 1.2
FULL = {
    "dimension": (10,),
    "rank": (5,),
    "components": (50,),
    "delta": (1e-1, 1e-2, 1e-3, 1e-5, 1e-8, 1e-12),
}
SMALL = {"dimension": (6,), "rank": (3,), "components": (20,), "delta": (1e-2, 1e-4, 1e-6)}


def predicted(dimension: int, rank: int, components: int, delta: float) -> Array:
    """Fitting times of the flow; for large starts nobody claims that they hold."""
    start = unit_starts(staircase(dimension, rank, components, RATIO), 0)
    return fitting_times(start, falling_coefficients(rank, RATIO), ORDER, scale=delta)


def case(dimension: int, rank: int, components: int, delta: float) -> dict[str, Any]:
    """Follow the flow; correlations along it, and what the second has at the first's time."""
    sizes, a = (dimension, rank, components), falling_coefficients(rank, RATIO)
    problem, times = staircase(*sizes, RATIO), predicted(*sizes, delta)
    grid = np.linspace(0.0, 1.1 * np.nanmax(times) + 3.0, LOOKS)
    start = problem.init(delta, kind="sphere", seed=0)
    flow = gradient_flow(problem, start, grid, rtol=1e-8, atol=1e-8 * delta)
    share = flow.values("fitted_coefficients") / a
    observed = half_times(flow.t, share)
    logs = np.log(np.maximum(share[:, 1], 1e-300))
    behind = np.exp(np.interp(observed[0], flow.t, logs))
    return {
        "time": flow.t,
        "share": share,
        "observed": observed,
        "predicted": times,
        "behind": behind,
        "law": 1 / (1 + np.exp(4 * a[1] * (times[1] - times[0]))),
    }


def run(folder: Path, quick: bool, each_: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    grid = {name: list(values) for name, values in (SMALL if quick else FULL).items()}
    with engine(each_, 1 if quick else None) as map_:
        runs = results(Sweep(case, grid), folder / "q2_e2-cases", map_)
    table = [
        {
            "delta": one["delta"],
            "behind": float(one["behind"]),
            "law": float(one["law"]),
            **{f"time_{k + 1}": float(t) for k, t in enumerate(one["observed"])},
            **{f"predicted_{k + 1}": float(t) for k, t in enumerate(one["predicted"])},
        }
        for one in runs
    ]
    return leave(experiment, folder, table, _parts(runs), {"": lambda: _stairs(runs)})


def _parts(runs: Sequence[Any]) -> Iterable[str]:
    one = runs[0]
    a = falling_coefficients(int(one["rank"]), RATIO)
    yield paragraph(
        [
            f"d = {one['dimension']}, {one['components']} components of length delta, coefficients "
            f"{each(a, '.4f')}, flow without penalty. Times at which directions are half fitted, "
            "and in brackets those predicted; 'behind' is what the second direction has of its "
            "coefficient when the first is half fitted, and 'law' what the logistic law says."
        ]
    )
    yield columns(
        ["delta", *(f"direction {k + 1}" for k in range(len(a))), "behind", "law"],
        (
            [
                f"{one['delta']:g}",
                *(f"{s:.2f} ({p:.2f})" for s, p in zip(*_times(one), strict=True)),
                f"{float(one['behind']):.3g}",
                f"{float(one['law']):.3g}",
            ]
            for one in runs
        ),
    )
    last = runs[-2:]
    delta, behind = (np.log([float(one[k]) for one in last]) for k in ("delta", "behind"))
    slope = (behind[1] - behind[0]) / (delta[1] - delta[0])
    off = [f"{float(np.abs(p / s - 1).max()):.1%}" for s, p in map(_times, runs)]
    yield paragraph(
        [
            f"Between the two smallest starts 'behind' falls like delta^{slope:.3f}; the law's "
            f"exponent is 2 (1 - a_2/a_1) = {2 * (1 - a[1] / a[0]):.3f}.",
            f"The predicted times are at most {', '.join(off)} off, from the largest start to the "
            "smallest: alignment has to precede growth.",
        ]
    )


def _times(one: Any) -> tuple[Array, Array]:
    return np.asarray(one["observed"]), np.asarray(one["predicted"])


def _stairs(runs: Sequence[Any]) -> Any:
    from dynlens import plot

    shown = runs if len(runs) < 4 else [runs[k] for k in (0, 2, len(runs) - 1)]
    figure = plot.Picture(figsize=(7.2, 4.6))
    grid = figure.add_gridspec(len(shown), 2, width_ratios=(5, 3))
    above = None
    for k, one in enumerate(shown):
        ax = above = figure.add_subplot(grid[k, 0], sharex=above)
        clock = one["time"] / np.log(1 / one["delta"])
        marks = one["predicted"] / np.log(1 / one["delta"])
        for j in range(int(one["rank"])):
            ax.plot(clock, one["share"][:, j], color=plot.PALETTE[j], label=f"$k = {j + 1}$")
            ax.plot(marks[j], 0.5, "o", color=plot.PALETTE[j], markersize=4)
        ax.set_title(rf"$\delta = {_power(one['delta'])}$")
        if k == 0:
            ax.legend(loc="lower right", fontsize=7)
    ax.set_xlabel(r"time / $\ln(1/\delta)$; dots: predicted")
    ax.set_xlim(0, 2.7)
    figure.supylabel(r"share $W(e_k^{\otimes 4})\,/\,a_k$", fontsize=9)
    right = figure.add_subplot(grid[:, 1])
    delta = [one["delta"] for one in runs]
    right.plot(delta, [one["behind"] for one in runs], "o", color=plot.BLUE, label="measured")
    right.plot(delta, [one["law"] for one in runs], "--", color=plot.BLACK, label="logistic law")
    right.set(xscale="log", yscale="log", xlabel=r"length of the start $\delta$")
    right.set_title("share of direction 2\nwhen 1 is half fitted")
    right.legend()
    return figure


def _power(delta: float) -> str:
    return f"10^{{{round(np.log10(delta))}}}"


experiment = Experiment(
    id="Q2.E2",
    title="smaller starts, sharper stairs",
    source="ge2021understanding, on small initializations; derived",
    run=run,
)
