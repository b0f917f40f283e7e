"""P3.E2 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.lab import Runs
from dynlens.experiments.p3_e2.data import CLASSES, SIZE, WIDTH
from dynlens.experiments.p3_e2.networks import PATIENCE
from dynlens.experiments.p3_e2.runs import EPOCHS, TEST, TRAIN, Trained
from dynlens.experiments.prose import columns, each, paragraph

FAR_GAIN = 0.08  # what is called a gain, beside a spread over seeds of some hundredths

# -- words -----------------------------------------------------------------------------------------


def text(runs: Runs[Trained]) -> Iterable[str]:
    """Paragraphs and a table."""
    yield paragraph(_setting())
    yield _rows(runs)
    yield paragraph(_without(runs), "Without the regularizer. ")
    yield paragraph(_with(runs), "With it. ")


def _setting() -> Iterable[str]:
    yield (
        f"Two digits of {CLASSES} classes, {SIZE} x {SIZE}, on a canvas of {SIZE} x {WIDTH}; are "
        f"they of the same class? {TRAIN} pairs to train on, {TEST} to test on, of other images. "
        f"A residual network by SGD with momentum, until {PATIENCE} epochs of perfect training "
        f"accuracy, at most {EPOCHS}."
    )
    yield (
        "R is the surrogate for locality on test pairs, in evaluation mode: 1 if replacing one "
        "image does not turn the gradient in the other at all."
    )


def _mean(runs: Iterable[Trained], name: str) -> float:
    return float(np.mean([getattr(run, name) for run in runs]))


def _rows(runs: Runs[Trained]) -> str:
    head = ["distance", "strength", "networks", "epochs", "training", "test", "spread", "R"]
    lines = []
    for distance, near in runs.by("distance"):
        for strength, mine in near.by("strength"):
            spread = np.std([run.test for run in mine])
            lines.append(
                [
                    *(
                        f"{distance}",
                        f"{strength:g}",
                        f"{len(mine)}",
                        f"{_mean(mine, 'epochs'):.0f}",
                    ),
                    f"{_mean(mine, 'train'):.3f}",
                    f"{_mean(mine, 'test'):.3f}",
                    f"{spread:.3f}" if len(mine) > 1 else "",
                    f"{_mean(mine, 'surrogate'):.3f}",
                ]
            )
    return columns(head, lines)


def _without(runs: Runs[Trained]) -> Iterable[str]:
    by = runs.where(strength=0.0).by("distance")
    tests, surrogates = ([_mean(some, name) for _, some in by] for name in ("test", "surrogate"))
    falls, rises = np.all(np.diff(tests) < 0), np.all(np.diff(surrogates) > 0)
    yield (
        f"Test accuracy is {each(tests, '.3f')} at distances {each([d for d, _ in by], 'd')}"
        + (": it falls with distance." if falls else ", which does not fall all along.")
    )
    yield (
        f"R is {each(surrogates, '.3f')}"
        + (
            ": what is far apart is not used together."
            if rises
            else ", and does not rise all along."
        )
    )


def _with(runs: Runs[Trained]) -> Iterable[str]:
    for distance, some in runs.by("distance"):
        low, *_, high = some.by("strength")
        gain = _mean(high[1], "test") - _mean(low[1], "test")
        said = f"At distance {distance} test accuracy changes by {gain:+.3f}"
        if gain >= FAR_GAIN:
            yield f"{said}: the network sees further."
        else:
            yield f"{said}" + ("." if abs(gain) < FAR_GAIN else ": the regularizer does harm.")
    late = [run for run in runs if run.strength > 0 and run.train < 1]
    if late:
        yield f"{len(late)} of the networks with it did not fit their training pairs in time."


# -- pictures --------------------------------------------------------------------------------------


def accuracies(runs: Runs[Trained]) -> Any:
    """Draw test accuracy and R against the distance."""
    from dynlens import plot

    figure = plot.Picture(figsize=(7.2, 2.9))
    left, right = figure.subplots(1, 2)
    for (strength, mine), colour in zip(
        runs.by("strength"), (plot.VERMILLION, plot.BLUE, plot.GREEN), strict=False
    ):
        distances = mine.values("distance")
        for ax, name in ((left, "test"), (right, "surrogate")):
            values = [[getattr(run, name) for run in some] for _, some in mine.by("distance")]
            ax.errorbar(
                distances,
                [np.mean(some) for some in values],
                [np.std(some) for some in values],
                color=colour,
                marker="o",
                capsize=3,
                label=f"strength {strength:g}",
            )
    left.axhline(0.5, color=plot.GREY, linestyle=":")
    left.set(xlabel="distance of the images, pixels", ylabel="test accuracy")
    right.set(xlabel="distance of the images, pixels", ylabel="R on test pairs")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure
