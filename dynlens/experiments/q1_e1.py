r"""Q1.E1: how many components lazy training needs, and how few training that moves.

Linearized around random unit vectors, training fits :math:`u^{\otimes l}` only within a subspace.
First the number of components with which it leaves a quarter of a random rank-one tensor, against
N / d, where :math:`N = \binom{d+l-1}{l}`, with the exact lower bound; then one target of rank three
fitted by the best linearized model and by 2-homogeneous descent with fresh components, at the same
widths.

References
----------
wang2020beyond
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.experiments.base import Each, Experiment, Result, leave
from dynlens.experiments.curves import engine, results
from dynlens.experiments.fresh_components import instance, trained_errors
from dynlens.experiments.prose import columns, each, paragraph
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array
from dynlens.theory.lazy_tensors import (
    lazy_dimension,
    lazy_error_bound,
    symmetric_coordinates,
    symmetric_dimension,
    tangent_columns,
)

LEFT = 0.25  # of the squared norm
DRAWS, PLACES = 400, 3  # targets, and sets of vectors to linearize around
DIMENSIONS = {2: (4, 6, 8, 10, 12), 3: (4, 6, 8, 10, 12), 4: (3, 4, 5, 6, 7, 8)}
FEW = {2: (4, 6), 3: (3, 4, 5)}  # of the quick version
D, WIDTHS, SEEDS = 15, (1, 2, 3, 4, 8, 12, 24, 36, 46), (0, 1, 2)
EPOCHS, SHORT = 20, 5


def width(order: int, dimension: int) -> dict[str, Any]:
    """Components, interpolated, with which lazy training leaves `LEFT` in the mean over targets."""
    l, d = order, dimension
    rng = np.random.default_rng([l, d])
    targets = symmetric_coordinates(_units(rng, DRAWS, d), l)
    places = [_units(rng, symmetric_dimension(d, l), d) for _ in range(PLACES)]

    def left(m: int) -> float:
        found = [_left(tangent_columns(u[:m], l), targets) for u in places]
        return float(np.mean(found))

    low, high, above, below = 0, 1, 1.0, left(1)
    while below > LEFT:
        low, high, above, below = high, 2 * high, below, left(2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        value = left(middle)
        if value > LEFT:
            low, above = middle, value
        else:
            high, below = middle, value
    bound = next(m for m in range(1, high + 1) if _bound(d, l, m) <= LEFT)
    return {
        "width": low + (above - LEFT) / (above - below),
        "bound": bound,
        "scale": symmetric_dimension(d, l) / d,
    }


def _bound(d: int, l: int, m: int) -> float:
    return float(lazy_error_bound(d, l, lazy_dimension(d, l, m)))


def _units(rng: np.random.Generator, count: int, d: int) -> Array:
    drawn = rng.standard_normal((count, d))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1)[:, None])


def _left(columns: Array, targets: Array) -> float:
    """Mean squared distance of targets of norm one to the span of the columns."""
    directions, values, _ = np.linalg.svd(columns, full_matrices=False)
    basis = directions[:, values > 1e-10 * values[0]]
    return float(1 - np.square(targets @ basis).sum(axis=1).mean())


def pair(components: int, seed: int, epochs: int) -> dict[str, Any]:
    """Relative errors of the best linearized model and of descent, at the same width."""
    problem = instance(components, dimension=D, seed=seed)
    target: Any = problem.observations
    whole = target.c @ symmetric_coordinates(target.v, target.order)
    u = _units(np.random.default_rng([7, seed]), components, D)
    columns = tangent_columns(u, target.order)
    best = np.linalg.lstsq(columns, whole, rcond=1e-10)[0]
    return {
        "lazy": np.linalg.norm(columns @ best - whole),
        "descent": trained_errors(problem, seed=seed, epochs=epochs, steps=600)[-1],
    }


def run(folder: Path, quick: bool, each_: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    dimensions, cases = (FEW if quick else DIMENSIONS), folder / "q1_e1-cases"
    widths, seeds = ((2, 4, 12, 46), (0,)) if quick else (WIDTHS, SEEDS)
    grid: dict[str, list[Any]] = {
        "components": list(widths),
        "seed": list(seeds),
        "epochs": [SHORT if quick else EPOCHS],
    }
    with engine(each_, 1 if quick else None) as map_:
        needed = []
        for l, sizes in dimensions.items():
            sweep = Sweep(width, {"order": [l], "dimension": list(sizes)})
            needed += results(sweep, cases, map_)
        pairs = results(Sweep(pair, grid), cases, map_)
    table = [_row("width", one) for one in needed] + [_row("fit", one) for one in pairs]
    pictures = {"": lambda: _needed(needed), "_fit": lambda: _fits(pairs)}
    return leave(experiment, folder, table, _parts(needed, pairs), pictures)


NUMBERS = ("order", "dimension", "width", "bound", "scale", "components", "seed", "lazy", "descent")


def _row(kind: str, one: Mapping[str, Any]) -> dict[str, Any]:
    known = {**one, **({"order": 3, "dimension": D} if kind == "fit" else {})}
    return {"kind": kind, **{name: float(known.get(name, np.nan)) for name in NUMBERS}}


# -- words -----------------------------------------------------------------------------------------


def _parts(needed: Sequence[Any], pairs: Sequence[Any]) -> Iterable[str]:
    yield paragraph(
        [
            f"Lazy training around m random unit vectors leaves {LEFT:g} of u^l, in the mean over "
            f"{DRAWS} random unit u and {PLACES} sets of vectors, with the m below (interpolated). "
            "'bound' is the least m that the exact bound allows; N / d is the count of parameters."
        ]
    )
    head = ["order", "d", "m needed", "bound", "N / d", "d^(l-1)"]
    yield columns(
        head,
        (
            [
                str(one["order"]),
                str(one["dimension"]),
                f"{float(one['width']):.2f}",
                f"{int(one['bound'])}",
                f"{float(one['scale']):.1f}",
                str(one["dimension"] ** (one["order"] - 1)),
            ]
            for one in needed
        ),
    )
    yield paragraph(_exponents(needed), "Exponents. ")
    yield paragraph(
        [
            f"One target of rank 3 (c ~ 1, -.8, .6, random directions, norm one) in dimension {D}, "
            f"order 3, N = {symmetric_dimension(D, 3)}: relative errors at equal width."
        ],
        "Lazy and not. ",
    )
    head = ["m", "lazy", "descent with fresh components"]
    yield columns(
        head,
        (
            [
                str(m),
                each((one["lazy"] for one in found), ".3f"),
                each((one["descent"] for one in found), ".4f"),
            ]
            for m, found in _by(pairs, "components")
        ),
    )
    exact = min(m for m, found in _by(pairs, "components") if max(o["lazy"] for o in found) < 1e-6)
    yield paragraph(
        [
            f"The linearized model is exact from m = {exact}, where {exact} x {D} reaches N; "
            "descent needs one component more than the rank (without one to spare, starting anew "
            "undoes what was found, see Q1.E2), and keeps the bias of its penalty."
        ]
    )


def _exponents(needed: Sequence[Any]) -> Iterable[str]:
    for l, found in _by(needed, "order"):
        last = found[-4:]
        d = np.log([one["dimension"] for one in last])
        slopes = [
            np.polyfit(d, np.log([float(one[name]) for one in last]), 1)[0]
            for name in ("width", "scale")
        ]
        yield (
            f"Order {l}, d = {last[0]['dimension']} to {last[-1]['dimension']}: m grows like "
            f"d^{slopes[0]:.2f}, N / d like d^{slopes[1]:.2f} there, and like d^{l - 1} in the end."
        )


def _by(runs: Sequence[Any], name: str) -> list[tuple[int, list[Any]]]:
    values = sorted({one[name] for one in runs})
    return [(value, [one for one in runs if one[name] == value]) for value in values]


# -- pictures --------------------------------------------------------------------------------------


def _needed(needed: Sequence[Any]) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH, 3.4))
    ax = figure.subplots()
    for (l, found), colour, mark in zip(_by(needed, "order"), plot.PALETTE, "osD", strict=False):
        d = np.array([one["dimension"] for one in found], dtype=float)
        ax.plot(d, [one["width"] for one in found], mark, color=colour, label=f"order {l}: needed")
        ax.plot(d, [one["scale"] for one in found], "-", color=colour)
        ax.plot(d, [one["bound"] for one in found], ":", color=colour)
        ax.plot(d, d ** (l - 1), "--", color=colour, linewidth=0.9)
    ax.plot([], [], "-", color=plot.GREY, label="$N / d$")
    ax.plot([], [], ":", color=plot.GREY, label="exact lower bound")
    ax.plot([], [], "--", color=plot.GREY, linewidth=0.9, label="$d^{l-1}$")
    ax.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel="components $m$")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
    ticks = sorted({one["dimension"] for one in needed})
    ax.set_xticks(ticks, [str(d) for d in ticks])
    ax.set_xticks([], minor=True)
    figure.legend(loc="outside right upper")
    return figure


def _fits(pairs: Sequence[Any]) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH, 3.2))
    ax = figure.subplots()
    looks = {
        "lazy": ("o", plot.VERMILLION, "best linearized model"),
        "descent": ("s", plot.BLUE, "2-homogeneous descent with fresh components"),
    }
    for name, (mark, colour, label) in looks.items():
        m, middle = [], []
        for components, found in _by(pairs, "components"):
            values = np.maximum([float(one[name]) for one in found], 1e-4)
            ax.plot([components] * len(values), values, mark, color=colour, markersize=4)
            m.append(components)
            middle.append(np.exp(np.log(values).mean()))
        ax.plot(m, middle, color=colour, marker=mark, markersize=0, label=label)
    count = symmetric_dimension(D, 3) / D
    ax.axvline(count, color=plot.GREY, linestyle=":", label=f"$N / d = {count:.1f}$")
    ax.set(xscale="log", yscale="log", xlabel="components $m$; zero is drawn at the foot")
    ax.set_ylabel(r"error $\|W - W^*\|\,/\,\|W^*\|$")
    ax.set_xticks(m, [str(k) for k in m])
    ax.set_xticks([], minor=True)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


experiment = Experiment(
    id="Q1.E1",
    title="the width that lazy training needs, and what training that moves needs",
    source="wang2020beyond, the comparison of their first section; derived",
    run=run,
)
