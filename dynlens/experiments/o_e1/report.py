"""O.E1 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.lab import Runs
from dynlens.experiments.o_e1.runs import SCHEMES, T_END, D, N, Run
from dynlens.experiments.prose import columns, paragraph

ORDERS = {"fixed_point_0": 1, "fixed_point_2": 3}
ROUNDING = 1e-12

# -- words -----------------------------------------------------------------------------------------


def text(runs: Runs[Run]) -> Iterable[str]:
    """Paragraphs and a table."""
    yield paragraph(_setting())
    yield _rows(runs)
    yield paragraph(_drifts(runs), "Drift. ")
    yield paragraph(_fits(runs), "The fit. ")


def _setting() -> Iterable[str]:
    yield (
        f"{N} Gaussian neurons in dimension {D}, to fit a turned copy of themselves with noise, "
        f"until t = {T_END:g}. Energies are of order s = 1, relative to that of the start."
    )


def _rows(runs: Runs[Run]) -> str:
    head = ["scheme", "step", "loss", "energy - 1", "defect of Q^T Q"]
    lines = [
        [
            SCHEMES[run.scheme],
            f"{run.eta:g}",
            f"{run.loss[-1]:.6f}",
            f"{run.energy[-1]:+.2e}",
            "" if np.isnan(run.defect) else f"{run.defect:.1e}",
        ]
        for run in runs
    ]
    return columns(head, lines)


def _drifts(runs: Runs[Run]) -> Iterable[str]:
    plain = runs.where(scheme="plain")[0]
    yield f"Descent on the weights changes the energy by {abs(plain.energy).max():.0%} at most."
    for scheme, order in ORDERS.items():
        mine = runs.where(scheme=scheme)
        drift = [abs(run.energy[-1]) for run in mine]
        found = float(np.log(drift[0] / drift[-1]) / np.log(mine[0].eta / mine[-1].eta))
        said = f"With {SCHEMES[scheme]} it drifts with order {found:.2f} in the step"
        near = abs(found - order) < 0.1
        yield f"{said}, as predicted." if near else f"{said}, not with the predicted {order}."
    worst = max(abs(run.energy).max() for run in runs.where(scheme="cayley"))
    kept = "is rounding" if worst < ROUNDING else "is no rounding"
    yield f"With Cayley steps the largest drift, {worst:.1e}, {kept}."


def _fits(runs: Runs[Run]) -> Iterable[str]:
    eta = min(runs.values("eta"))
    plain, cayley = (runs.one(scheme=scheme, eta=eta) for scheme in ("plain", "cayley"))
    said = (
        f"At the smallest step the loss ends at {plain.loss[-1]:.3g} by descent on the weights and "
        f"at {cayley.loss[-1]:.3g} by turns"
    )
    if plain.loss[-1] < cayley.loss[-1]:
        yield f"{said}: the energy is kept at the price of what turns cannot fit."
    else:
        yield f"{said}."


# -- pictures --------------------------------------------------------------------------------------


def energies(runs: Runs[Run]) -> Any:
    """Draw energies and losses against time, at the largest step."""
    from dynlens import plot

    figure = plot.Picture(figsize=(7.2, 2.9))
    left, right = figure.subplots(1, 2)
    colours = (plot.VERMILLION, plot.GREEN, plot.BLUE, plot.BLACK)
    for scheme, colour in zip(SCHEMES, colours, strict=True):
        run = runs.one(scheme=scheme, eta=max(runs.values("eta")))
        drift = np.maximum(np.abs(run.energy[1:]), 1e-17)
        left.plot(run.t[1:], drift, color=colour, label=SCHEMES[scheme])
        right.plot(run.t, run.loss, color=colour, linestyle="--" if scheme == "cayley" else "-")
    left.set(yscale="log", xlabel="time", ylabel="|energy / energy at the start - 1|")
    right.set(yscale="log", xlabel="time", ylabel="loss")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure
