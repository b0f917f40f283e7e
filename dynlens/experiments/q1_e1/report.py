"""Q1.E1 in words and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.fresh_components import FITTED, PENALTY, RANK
from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, each, paragraph
from dynlens.experiments.q1_e1.runs import DRAWS, LEFT, PLACES, D, Fit, Measured, Width
from dynlens.theory.lazy_tensors import symmetric_dimension

EXACT = 1e-6  # an error below this is rounding

# -- words -----------------------------------------------------------------------------------------


def text(measured: Measured) -> Iterable[str]:
    """Paragraphs and tables."""
    yield paragraph(
        [
            f"Lazy training around m random unit vectors leaves {LEFT:g} of u^l, in the mean over "
            f"{DRAWS} random unit u and {PLACES} sets of vectors, with the m below (interpolated). "
            "'bound' is the least m that the exact bound allows; N / d is the count of parameters."
        ]
    )
    yield columns(
        ["order", "d", "m needed", "bound", "N / d", "d^(l-1)"],
        (
            [
                str(one.order),
                str(one.dimension),
                f"{one.width:.2f}",
                f"{one.bound:.0f}",
                f"{one.scale:.1f}",
                str(one.dimension ** (one.order - 1)),
            ]
            for one in measured.widths
        ),
    )
    yield paragraph(_exponents(measured.widths), "Exponents. ")
    yield paragraph(
        [
            f"One target of rank {RANK} (c ~ 1, -.8, .6, random directions, norm one) in dimension "
            f"{D}, order 3, N = {symmetric_dimension(D, 3)}: relative errors at equal width."
        ],
        "Lazy and not. ",
    )
    yield columns(
        ["m", "lazy", "descent with fresh components"],
        (
            [
                str(m),
                each((one.lazy for one in fits), ".3f"),
                each((one.descent for one in fits), ".4f"),
            ]
            for m, fits in measured.fits.by("components")
        ),
    )
    yield paragraph(["; ".join([_lazy(measured.fits), *_descent(measured.fits)]) + "."])


def _exponents(widths: Runs[Width]) -> Iterable[str]:
    for l, found in widths.by("order"):
        last = found[-4:]
        d = np.log([one.dimension for one in last])
        m, scale = (
            np.polyfit(d, np.log(sizes), 1)[0]
            for sizes in ([one.width for one in last], [one.scale for one in last])
        )
        yield (
            f"Order {l}, d = {last[0].dimension} to {last[-1].dimension}: m grows like "
            f"d^{m:.2f}, N / d like d^{scale:.2f} there, and like d^{l - 1} in the end."
        )


def _lazy(fits: Runs[Fit]) -> str:
    widths = [m for m, some in fits.by("components") if max(one.lazy for one in some) < EXACT]
    if not widths:
        return "The linearized model is exact at none of these widths"
    least = widths[0]
    reached = least * D >= symmetric_dimension(D, 3)
    return f"The linearized model is exact from m = {least}" + (
        f", where {least} x {D} reaches N" if reached else f", though {least} x {D} is less than N"
    )


def _descent(fits: Runs[Fit]) -> Iterable[str]:
    widths = [m for m, some in fits.by("components") if max(one.descent for one in some) < FITTED]
    if not widths:
        yield f"descent comes below {FITTED:g} at none of them"
        return
    bias = np.sqrt(RANK) * PENALTY / 2  # half of the penalty for each direction
    left = np.median([one.descent for one in fits if one.components in widths])
    kept = bias / 2 < left < 2 * bias
    ending = ", and keeps the bias of its penalty" if kept else f", and ends at {left:.1g}"
    more = f"{widths[0] - RANK} components" if widths[0] > RANK + 1 else "one component"
    count = f"{more} more than the rank" if widths[0] > RANK else f"{widths[0]} components"
    if widths[0] - 1 not in fits.values("components"):  # whether fewer would do was not tried
        yield f"descent does with {count}{ending}"
    elif widths[0] == RANK + 1:
        yield (
            f"descent needs {count} (without one to spare, starting anew undoes what was found, "
            f"see Q1.E2){ending}"
        )
    else:
        yield f"descent needs {count}{ending}"


# -- pictures --------------------------------------------------------------------------------------


def needed(measured: Measured) -> Any:
    """Draw the components needed against the dimension, with the bound and the count."""
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH, 3.4))
    ax = figure.subplots()
    for (l, found), colour, mark in zip(
        measured.widths.by("order"), plot.PALETTE, "osD", strict=False
    ):
        d = np.array([one.dimension for one in found], dtype=float)
        ax.plot(d, [one.width for one in found], mark, color=colour, label=f"order {l}: needed")
        ax.plot(d, [one.scale for one in found], "-", color=colour)
        ax.plot(d, [one.bound for one in found], ":", color=colour)
        ax.plot(d, d ** (l - 1), "--", color=colour, linewidth=0.9)
    ax.plot([], [], "-", color=plot.GREY, label="$N / d$")
    ax.plot([], [], ":", color=plot.GREY, label="exact lower bound")
    ax.plot([], [], "--", color=plot.GREY, linewidth=0.9, label="$d^{l-1}$")
    ax.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel="components $m$")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
    ticks = sorted({one.dimension for one in measured.widths})
    ax.set_xticks(ticks, [str(d) for d in ticks])
    ax.set_xticks([], minor=True)
    figure.legend(loc="outside right upper")
    return figure


def fits(measured: Measured) -> Any:
    """Draw both errors against the number of components."""
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH, 3.2))
    ax = figure.subplots()
    looks = {
        "lazy": ("o", plot.VERMILLION, "best linearized model"),
        "descent": ("s", plot.BLUE, "2-homogeneous descent with fresh components"),
    }
    for name, (mark, colour, label) in looks.items():
        m, middle = [], []
        for components, found in measured.fits.by("components"):
            values = np.maximum([getattr(one, name) for one in found], 1e-4)
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
