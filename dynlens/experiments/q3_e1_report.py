"""Q3.E1 in words and pictures: what the runs of `q3_e1` say, with the numbers they measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.experiments import q3_e1
from dynlens.experiments.prose import columns, paragraph
from dynlens.theory import lazy_networks as lazy

Table = Sequence[Mapping[str, Any]]
NAMES = {
    "features": "random features",
    "tangent": "neural tangent",
    "network": "network, least",
    "trained": "network, trained",
}


# -- words -----------------------------------------------------------------------------------------


def text(table: Table) -> str:
    """Return the table and what it says."""
    parts = [
        "Q3.E1  risks of random features, neural tangent and networks   [ghorbani2019limitations]",
        paragraph(_setting(table)),
        _rows(table),
        paragraph(_formulas(table), "The formulas. "),
        paragraph(_order(table), "Who is better. "),
        paragraph(_training(table), "Training. "),
    ]
    return "\n\n".join(parts)


def _setting(table: Table) -> Iterable[str]:
    one = _pick(table, "ramp", "features")[0]
    yield (
        f"Inputs x ~ N(0, I) in dimension {one['d']}, target <x, B x> centred, quadratic "
        "activation, N neurons. A risk is relative to that of a constant, so that it begins at 1."
    )
    yield (
        "B has eigenvalues from .2 to 1.8 ('ramp'), as many 1 as -1 ('mixed signs'), or three 1 "
        "and otherwise 0 ('rank 3'). Measured risks are means over first layers drawn at random, "
        "with their standard errors, beside the limit (random features) or the exact mean (neural "
        "tangent); the least risk of a network is exact."
    )


def _pick(table: Table, target: str, kind: str) -> list[Mapping[str, Any]]:
    rows = [row for row in table if row["target"] == target and row["class"] == kind]
    return sorted(rows, key=lambda row: row["share"])


def _rows(table: Table) -> str:
    head = ["target", "N / d", "features", "formula", "tangent", "formula", "network"]
    lines = []
    for name in q3_e1.TARGETS:
        kinds = (_pick(table, name, kind) for kind in q3_e1.CLASSES)
        for features, tangent, network in zip(*kinds, strict=True):
            lines.append(
                [
                    name,
                    f"{features['share']:.3f}",
                    f"{features['risk']:.4f} ± {features['error']:.4f}",
                    f"{features['formula']:.4f}",
                    f"{tangent['risk']:.4f} ± {tangent['error']:.4f}",
                    f"{tangent['formula']:.4f}",
                    f"{network['risk']:.4f}",
                ]
            )
    return columns(head, lines)


def _formulas(table: Table) -> Iterable[str]:
    tangent = [row for row in table if row["class"] == "tangent" and row["error"] > 0]
    off = max(abs(row["risk"] - row["formula"]) / row["error"] for row in tangent)
    yield (
        f"The neural tangent risk is within {off:.1f} standard errors of its exact mean in all "
        f"{len(tangent)} places where it is not zero."
    )
    features = [row for row in table if row["class"] == "features"]
    worst = max(features, key=lambda row: abs(row["risk"] - row["formula"]))
    gap, d = worst["risk"] - worst["formula"], worst["d"]
    yield (
        f"The risk of random features is at most {abs(gap):.4f} off its limit ({worst['target']}, "
        f"N / d = {worst['share']:.3g}), that is {gap * d / worst['share']:.2f} N / d^2; for a "
        f"target without trace the correction is -2 N / (d (d + 1)) to leading order."
    )


def _order(table: Table) -> Iterable[str]:
    for name in q3_e1.TARGETS:
        tangent, network = (_pick(table, name, kind) for kind in ("tangent", "network"))
        pairs = [(a, b) for a, b in zip(tangent, network, strict=True) if a["share"] < 1]
        better = sum(b["risk"] < a["risk"] for a, b in pairs)
        tau = lazy.trace_share(q3_e1.target(name, pairs[0][0]["d"]))
        yield (
            f"{name.capitalize()} (trace share {tau:.2f}): the best network beats the neural "
            f"tangent class at {better} of {len(pairs)} widths below d."
        )
    yield (
        "The order is not the same for all targets: the tangent class has matrices of rank 2 N, "
        "networks of rank N. Where B is positive semidefinite no draw of the tangent class is "
        "better, since the eigenvalues of a compression interlace."
    )


def _training(table: Table) -> Iterable[str]:
    rows = [row for row in table if row["class"] == "trained"]
    needed = [row for row in rows if row["neurons"] <= _nonzero(row)]
    spare = [row for row in rows if row["neurons"] > _nonzero(row)]
    yield (
        f"{len(rows)} networks in dimension {rows[0]['d']} were trained by {q3_e1.STEPS} steps of "
        f"descent (eta = {q3_e1.ETA:g}, start of size {q3_e1.SCALE:g}, fixed second layer with the "
        "signs that the target has). Those in which every neuron has an eigenvalue to learn end "
        f"within {_most_off(needed):.1e} of the least risk for their signs."
    )
    if spare:
        yield (
            f"The others end within {_most_off(spare):.1e}: neurons that have nothing to learn "
            "decay like t^(-1/2) in length, and the risk that they leave like t^-2."
        )


def _nonzero(row: Mapping[str, Any]) -> int:
    """Number of eigenvalues of the target that are not zero."""
    return int(np.linalg.matrix_rank(q3_e1.target(row["target"], row["d"])))


def _most_off(rows: Table) -> float:
    return max(abs(row["risk"] - row["formula"]) for row in rows)


# -- pictures --------------------------------------------------------------------------------------


def draw(table: Table, folder: Path) -> tuple[Path, ...]:
    """Draw the risks against N / d, one panel for each target, as PNG and PDF."""
    import matplotlib as mpl

    from dynlens import plot

    with mpl.rc_context(plot.STYLE):
        figure = _risks(table)
        return tuple(plot.save(figure, folder / f"q3_e1.{kind}") for kind in ("png", "pdf"))


def _risks(table: Table) -> Any:
    from dynlens import plot

    colours = dict(zip(q3_e1.CLASSES, (plot.GREEN, plot.BLUE, plot.VERMILLION), strict=True))
    figure = plot.Picture(figsize=(7.2, 2.9))
    axes = figure.subplots(1, len(q3_e1.TARGETS), sharey=True)
    for ax, name in zip(axes, q3_e1.TARGETS, strict=True):
        d = _pick(table, name, "features")[0]["d"]
        B, neurons = q3_e1.target(name, d), np.arange(round(1.25 * d) + 1)
        curves = {
            "features": [lazy.random_features_limit(B, N) for N in neurons],
            "tangent": [lazy.tangent_mean(B, N) for N in neurons],
            "network": [lazy.network_risk(B, N) for N in neurons],
        }
        for kind, curve in curves.items():
            ax.plot(neurons / d, curve, color=colours[kind], label=NAMES[kind])
            rows = _pick(table, name, kind)
            if kind != "network":
                ax.errorbar(
                    [row["share"] for row in rows],
                    [row["risk"] for row in rows],
                    [row["error"] for row in rows],
                    fmt="o",
                    markersize=3.5,
                    color=colours[kind],
                )
        rows = _pick(table, name, "trained")
        ax.plot(
            [row["share"] for row in rows],
            [row["risk"] for row in rows],
            "x",
            color=plot.BLACK,
            markersize=6,
            label=f"{NAMES['trained']} (d = {rows[0]['d']})",
        )
        ax.set(title=f"{name}, d = {d}", xlabel="neurons per dimension, N / d", ylim=(-0.03, 1.05))
    axes[0].set_ylabel("risk, relative to a constant")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure
