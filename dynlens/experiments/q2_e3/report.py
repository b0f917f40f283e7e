"""Q2.E3 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, paragraph
from dynlens.experiments.q2_e3.runs import DELTA, PAIR, RATIO, Edge, Measured
from dynlens.problems.instances import coefficients


def text(measured: Measured) -> Iterable[str]:
    """Paragraphs and tables."""
    first = measured.ends[0]
    yield paragraph(
        [
            f"d = {first.dimension}, {first.components} components of length {DELTA:g}, loss "
            "½ |W - W*|^2 + ½ lambda sum |u_i|^2. How far short of their coefficients directions "
            "end, and the squared residual; a direction with a <= lambda/2 is not fitted at all."
        ],
        "The bias. ",
    )
    yield columns(
        ["lambda", "lambda / 2", *(f"direction {k + 1}" for k in range(first.rank)), "|R|^2"],
        (
            [
                f"{end.penalty:g}",
                f"{end.penalty / 2:g}",
                *(f"{bias:.6f}" for bias in end.bias),
                f"{end.squared:.6f}",
            ]
            for end in measured.ends
        ),
    )
    off = max(np.abs(np.subtract(end.bias, end.law)).max() for end in measured.ends)
    yield paragraph([f"All are within {off:.1e} of min(lambda/2, a)."])
    yield paragraph(
        [
            f"Coefficients {PAIR[0]:g} and {PAIR[1]:g}, the first fitted but for lambda/2. The "
            "share of the second direction from which a tiny component goes there and not to the "
            "first, by bisection, beside lambda / (lambda + 2 a_2)."
        ],
        "The basin. ",
    )
    yield columns(
        ["lambda", "between", "and", "law"],
        (
            [f"{edge.penalty:g}", *(f"{share:.6f}" for share in (edge.low, edge.high, edge.law))]
            for edge in measured.edges
        ),
    )
    inside = sum(edge.low <= edge.law <= edge.high for edge in measured.edges)
    yield paragraph([f"The law lies in {inside} of {len(measured.edges)} brackets."])


def panels(measured: Measured) -> Any:
    """Draw what is fitted, and the edges of the basin, against the penalty."""
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH, 3.0))
    left, right = figure.subplots(1, 2)
    penalty = np.array([end.penalty for end in measured.ends])
    dense = np.linspace(0.0, penalty.max(), 200)
    for k, a in enumerate(coefficients(measured.ends[0].rank, RATIO)):
        colour = plot.PALETTE[k]
        left.plot(dense, np.maximum(a - dense / 2, 0), color=colour, linewidth=1)
        fitted = [end.fitted[k] for end in measured.ends]
        left.plot(penalty, fitted, "o", color=colour, markersize=4, label=f"$k = {k + 1}$")
    left.set(xlabel=r"penalty $\lambda$", ylabel=r"fitted $W(e_k^{\otimes 4})$ at the end")
    left.set_title(r"lines: $\max(a_k - \lambda/2,\, 0)$")
    left.set_ylim(bottom=0)
    left.legend(loc="lower left")
    penalties = [edge.penalty for edge in measured.edges]
    dense = np.linspace(0.0, 1.05 * max(penalties), 200)
    right.plot(dense, _edge(dense), color=plot.BLACK, label=r"$\lambda / (\lambda + 2 a_2)$")
    other = ("not " if _told_apart(measured.edges) else "") + r"$\lambda / (\lambda + a_2)$"
    right.plot(dense, _edge(dense, 1), ":", color=plot.GREY, label=other)
    middle = [(edge.low + edge.high) / 2 for edge in measured.edges]
    right.plot(penalties, middle, "o", color=plot.BLUE, label="bisected")
    right.set(xlabel=r"penalty $\lambda$", ylabel=r"edge of the basin, $\bar u_2^2$")
    right.legend()
    return figure


def _edge(penalty: Any, factor: int = 2) -> Any:
    return penalty / (penalty + factor * PAIR[1])


def _told_apart(edges: Runs[Edge]) -> bool:
    """Whether no bracket has the edge that lambda / (lambda + a_2) would give."""
    return not any(edge.low <= _edge(edge.penalty, 1) <= edge.high for edge in edges)
