"""Q3.E1 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, paragraph
from dynlens.experiments.q3_e1.runs import CLASSES, ETA, SCALE, STEPS, TARGETS, Risk, target
from dynlens.theory import lazy_networks as lazy

NAMES = {
    "features": "random features",
    "tangent": "neural tangent",
    "network": "network, least",
    "trained": "network, trained",
}


# -- words -----------------------------------------------------------------------------------------


def text(found: Runs[Risk]) -> Iterable[str]:
    """Paragraphs and a table."""
    yield paragraph(_setting(found))
    yield _rows(found)
    yield paragraph(_formulas(found), "The formulas. ")
    yield paragraph(_order(found), "Who is better. ")
    yield paragraph(_training(found.where(kind="trained")), "Training. ")


def _setting(found: Runs[Risk]) -> Iterable[str]:
    yield (
        f"Inputs x ~ N(0, I) in dimension {found[0].d}, target <x, B x> centred, quadratic "
        "activation, N neurons. A risk is relative to that of a constant, so that it begins at 1."
    )
    yield (
        "B has eigenvalues from .2 to 1.8 ('ramp'), as many 1 as -1 ('mixed signs'), or three 1 "
        "and otherwise 0 ('rank 3'). Measured risks are means over first layers drawn at random, "
        "with their standard errors, beside the limit (random features) or the exact mean (neural "
        "tangent); the least risk of a network is exact."
    )


def _rising(found: Runs[Risk], name: str, kind: str) -> list[Risk]:
    """Risks of a class for a target, from few neurons to many."""
    return sorted(found.where(target=name, kind=kind), key=lambda one: one.share)


def _rows(found: Runs[Risk]) -> str:
    head = ["target", "N / d", "features", "formula", "tangent", "formula", "network"]
    lines = []
    for name in TARGETS:
        kinds = (_rising(found, name, kind) for kind in CLASSES)
        for features, tangent, network in zip(*kinds, strict=True):
            lines.append(
                [
                    name,
                    f"{features.share:.3f}",
                    f"{features.risk:.4f} ± {features.error:.4f}",
                    f"{features.formula:.4f}",
                    f"{tangent.risk:.4f} ± {tangent.error:.4f}",
                    f"{tangent.formula:.4f}",
                    f"{network.risk:.4f}",
                ]
            )
    return columns(head, lines)


def _formulas(found: Runs[Risk]) -> Iterable[str]:
    tangent = [one for one in found.where(kind="tangent") if one.error > 0]
    off = max(abs(one.risk - one.formula) / one.error for one in tangent)
    yield (
        f"The neural tangent risk is within {off:.1f} standard errors of its exact mean in all "
        f"{len(tangent)} places where it is not zero."
    )
    worst = max(found.where(kind="features"), key=lambda one: abs(one.risk - one.formula))
    gap = worst.risk - worst.formula
    yield (
        f"The risk of random features is at most {abs(gap):.4f} off its limit ({worst.target}, "
        f"N / d = {worst.share:.3g}), that is {gap * worst.d / worst.share:.2f} N / d^2; for a "
        f"target without trace the correction is -2 N / (d (d + 1)) to leading order."
    )


def _order(found: Runs[Risk]) -> Iterable[str]:
    shares, surpassed = {}, []
    for name in TARGETS:
        tangent, network = (_rising(found, name, kind) for kind in ("tangent", "network"))
        pairs = [(a, b) for a, b in zip(tangent, network, strict=True) if a.share < 1]
        better = sum(b.risk < a.risk for a, b in pairs)
        shares[name] = better / len(pairs)
        if any(a.least < b.risk for a, b in pairs):
            surpassed.append(name)
        tau = lazy.trace_share(target(name, pairs[0][0].d))
        yield (
            f"{name.capitalize()} (trace share {tau:.2f}): the best network beats the neural "
            f"tangent class at {better} of {len(pairs)} widths below d."
        )
    differ = min(shares.values()) < 0.5 < max(shares.values())
    yield (
        f"The order is {'not ' if differ else ''}the same for all targets: the tangent class has "
        "matrices of rank 2 N, networks of rank N."
    )
    definite = [name for name in TARGETS if np.linalg.eigvalsh(target(name, found[0].d))[0] >= 0]
    against = [name for name in definite if name in surpassed]
    if against:
        yield (
            "Some draws of the tangent class are better where B is positive semidefinite "
            f"({', '.join(against)}), though the eigenvalues of a compression interlace."
        )
    else:
        yield (
            "Where B is positive semidefinite no draw of the tangent class is better, since the "
            "eigenvalues of a compression interlace."
        )


def _training(trained: Runs[Risk]) -> Iterable[str]:
    needed = [one for one in trained if one.neurons <= _nonzero(one)]
    spare = [one for one in trained if one.neurons > _nonzero(one)]
    yield (
        f"{len(trained)} networks in dimension {trained[0].d} were trained by {STEPS} steps of "
        f"descent (eta = {ETA:g}, start of size {SCALE:g}, fixed second layer with the signs that "
        "the target has). Those in which every neuron has an eigenvalue to learn end within "
        f"{_most_off(needed):.1e} of the least risk for their signs."
    )
    if spare and _most_off(spare) > _most_off(needed):
        yield (
            f"The others end within {_most_off(spare):.1e}: neurons that have nothing to learn "
            "decay like t^(-1/2) in length, and the risk that they leave like t^-2."
        )
    elif spare:
        yield f"The others end within {_most_off(spare):.1e}, no farther from it."


def _nonzero(one: Risk) -> int:
    """Number of eigenvalues of the target that are not zero."""
    return int(np.linalg.matrix_rank(target(one.target, one.d)))


def _most_off(found: Iterable[Risk]) -> float:
    return max(abs(one.risk - one.formula) for one in found)


# -- pictures --------------------------------------------------------------------------------------


def risks(found: Runs[Risk]) -> Any:
    """Draw the risks against N / d, one panel for each target."""
    from dynlens import plot

    colours = dict(zip(CLASSES, (plot.GREEN, plot.BLUE, plot.VERMILLION), strict=True))
    figure = plot.Picture(figsize=(7.2, 2.9))
    axes = figure.subplots(1, len(TARGETS), sharey=True)
    for ax, name in zip(axes, TARGETS, strict=True):
        d = found[0].d
        B, neurons = target(name, d), range(round(1.25 * d) + 1)
        curves = {
            "features": [lazy.random_features_limit(B, N) for N in neurons],
            "tangent": [lazy.tangent_mean(B, N) for N in neurons],
            "network": [lazy.network_risk(B, N) for N in neurons],
        }
        for kind, curve in curves.items():
            ax.plot(np.array(neurons) / d, curve, color=colours[kind], label=NAMES[kind])
            drawn = _rising(found, name, kind)
            if kind != "network":
                ax.errorbar(
                    [one.share for one in drawn],
                    [one.risk for one in drawn],
                    [one.error for one in drawn],
                    fmt="o",
                    markersize=3.5,
                    color=colours[kind],
                )
        trained = _rising(found, name, "trained")
        ax.plot(
            [one.share for one in trained],
            [one.risk for one in trained],
            "x",
            color=plot.BLACK,
            markersize=6,
            label=f"{NAMES['trained']} (d = {trained[0].d})",
        )
        ax.set(title=f"{name}, d = {d}", xlabel="neurons per dimension, N / d", ylim=(-0.03, 1.05))
    axes[0].set_ylabel("risk, relative to a constant")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure
