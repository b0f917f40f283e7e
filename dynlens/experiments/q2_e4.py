r"""Q2.E4: two directions close to each other are fitted by their mean first.

Target :math:`v_1^{\otimes l} + v_2^{\otimes l}` with unit vectors at a given cosine, trained from a
tiny random start to the end. When the first stage is half done, where do the components that carry
it point? At the mean iff :math:`v_1 \cdot v_2 > (l-2)/l`; below that at a maximizer of
:math:`\langle W^*, u^{\otimes l}\rangle` between :math:`v_1` and the mean.

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
from dynlens.experiments.prose import columns, paragraph
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.problem import Problem
from dynlens.problems.rank_one_sum import RankOneSum
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array

D, M, DELTA = 4, 12, 1e-12
EARLY, LATE, LOOKS = 60.0, 2000.0, 601
OFFSETS = (-0.3, -0.2, -0.1, -0.05, -0.02, 0.02, 0.05, 0.1, 0.2)
FULL = {"order": (3, 4, 6), "offset": OFFSETS, "seed": (0, 1, 2)}
SMALL = {"order": (4,), "offset": (-0.1, 0.1), "seed": (0,)}


def best_tilt(order: int, cosine: float) -> float:
    """Angle between the mean and the best direction, as a share of that between mean and v_1."""
    phi = np.arccos(cosine) / 2
    share = np.linspace(0.0, 1.0, 20_001)
    pull = np.cos((1 - share) * phi) ** order + np.cos((1 + share) * phi) ** order
    return float(share[pull.argmax()])


def case(order: int, offset: float, seed: int) -> dict[str, Any]:
    """Tilt of the first stage (0 the mean, 1 v_1 or v_2), and along the run; the last error."""
    cosine = (order - 2) / order + offset
    phi = np.arccos(cosine) / 2
    mean, across = np.eye(D)[:2]
    v = [np.cos(phi) * mean + s * np.sin(phi) * across for s in (1.0, -1.0)]
    target = RankOneSum((1.0, 1.0), v, order)  # type: ignore[arg-type]
    problem = Problem(SymmetricTensor(D, order, M, degree=2), SquaredLoss(), target)
    grid = np.append(np.linspace(0.0, EARLY, LOOKS), LATE)
    start = problem.init(DELTA, kind="sphere", seed=seed)
    flow = gradient_flow(problem, start, grid, rtol=1e-8, atol=1e-8 * DELTA)
    tilts = np.array([_tilt(problem, theta, phi) for theta in flow.theta])
    errors = flow.values("residual_norm") / np.sqrt(target.squared_norm)
    mass = flow.values("component_masses").sum(axis=1)
    first = int(np.flatnonzero(mass > 0.1)[0])
    return {
        "cosine": cosine,
        "tilt": tilts[first],
        "law": best_tilt(order, cosine),
        "tilts": tilts[:LOOKS],
        "errors": errors[:LOOKS],
        "time": flow.t[:LOOKS],
        "last_tilt": tilts[-1],
        "last_error": errors[-1],
    }


def _tilt(problem: Problem, theta: Array, phi: float) -> float:
    """Angle to the mean over phi, averaged over components by their mass."""
    (u,) = problem.factors(theta)
    mass = np.square(u).sum(axis=1)
    # Turned by half a turn it is the same component for even orders; those of odd ones that look
    # away carry no mass.
    angles = np.arctan2(np.linalg.norm(u[:, 1:], axis=1), np.abs(u[:, 0]))
    return float(mass @ angles / mass.sum() / phi)


def run(folder: Path, quick: bool, each: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    grid = {name: list(values) for name, values in (SMALL if quick else FULL).items()}
    with engine(each, 1 if quick else None) as map_:
        runs = results(Sweep(case, grid), folder / "q2_e4-cases", map_)
    names = ("cosine", "tilt", "law", "last_tilt", "last_error")
    table = [
        {"order": one["order"], "offset": one["offset"], "seed": one["seed"]}
        | {name: float(one[name]) for name in names}
        for one in runs
    ]
    return leave(experiment, folder, table, _parts(runs), {"": lambda: _tilts(runs)})


def _parts(runs: Sequence[Any]) -> Iterable[str]:
    yield paragraph(
        [
            f"{M} components of length {DELTA:g} in dimension {D}, gradient flow, no penalty. "
            "'tilt' is the angle to the mean, averaged over components by mass, as a share of the "
            "angle between the mean and v_1, when a mass of 0.1 is fitted; 'law' is that of the "
            f"best direction. 'last' is at t = {LATE:g}."
        ]
    )
    yield columns(
        ["order", "v1 . v2", "less (l-2)/l", "seed", "tilt", "law", "last tilt", "last error"],
        (
            [
                str(one["order"]),
                f"{float(one['cosine']):.4f}",
                f"{one['offset']:+g}",
                str(one["seed"]),
                *(f"{float(one[name]):.4f}" for name in ("tilt", "law", "last_tilt")),
                f"{float(one['last_error']):.1e}",
            ]
            for one in runs
        ),
    )
    above = [float(one["tilt"]) for one in runs if one["offset"] > 0]
    below = [float(one["tilt"]) for one in runs if one["offset"] < 0]
    off = max(abs(float(one["tilt"]) - float(one["law"])) for one in runs)
    yield paragraph(
        [
            f"Above the threshold the first stage is tilted by at most {max(above):.4f}, below it "
            f"by at least {min(below):.4f}; all are within {off:.4f} of the law, the farthest "
            "where it is nearest to the threshold and alignment slowest."
        ]
    )
    other = [
        one
        for one in runs
        if abs(float(one["last_tilt"]) - 1) > 0.01 and float(one["last_error"]) < 1e-6
    ]
    if other:
        orders = sorted({one["order"] for one in other})
        yield paragraph(
            [
                f"{len(other)} runs, all of order {', '.join(map(str, orders))}, fit the target to "
                "rounding with components that are not v_1 and v_2 (last tilt): it has other "
                "decompositions into more summands, and nothing prefers the shortest."
            ]
        )


def _tilts(runs: Sequence[Any]) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(7.2, 3.2))
    left, right = figure.subplots(1, 2)
    orders = sorted({one["order"] for one in runs})
    for l, colour, mark in zip(orders, plot.PALETTE, "osD", strict=False):
        mine = [one for one in runs if one["order"] == l]
        cosines = [float(one["cosine"]) for one in mine]
        dense = np.linspace(min(cosines) - 0.01, max(cosines) + 0.01, 300)
        left.plot(dense, [best_tilt(l, x) for x in dense], color=colour, linewidth=1)
        left.plot(cosines, [one["tilt"] for one in mine], mark, color=colour, markersize=4)
        left.plot([], [], mark + "-", color=colour, markersize=4, label=f"order {l}")
        left.axvline((l - 2) / l, color=colour, linestyle=":", linewidth=0.9)
    left.set(xlabel=r"cosine $v_1 \cdot v_2$", ylabel=r"tilt of the first stage (1: $v_1$)")
    left.set_title("lines: best direction; dotted: $(l-2)/l$")
    left.legend()
    middle = 4 if 4 in orders else orders[0]
    looks = ((plot.VERMILLION, "-"), (plot.BLUE, "--"))
    for offset, (colour, dash) in zip((-0.1, 0.1), looks, strict=True):
        (one,) = (o for o in runs if (o["order"], o["offset"], o["seed"]) == (middle, offset, 0))
        label = rf"$v_1 \cdot v_2 = {float(one['cosine']):.2f}$"
        right.plot(one["time"], one["tilts"], dash, color=colour, label=f"tilt, {label}")
        right.plot(
            one["time"], one["errors"], dash, color=colour, alpha=0.4, label=f"error, {label}"
        )
    right.set(xlabel="time", ylabel="tilt; relative error", ylim=(-0.03, 1.6))
    right.set_title(f"order {middle}, along two runs")
    right.legend(fontsize=7)
    return figure


experiment = Experiment(
    id="Q2.E4",
    title="close directions, and their mean first",
    source="ge2021understanding, on targets that are not orthogonal; derived",
    run=run,
)
