"""Figures of trajectories, verdicts and comparisons; matplotlib's door.

Every function returns a `Figure` that belongs to no window and no global state: a notebook shows it
where it is named, `save` writes it. Colours are those of Okabe and Ito, which readers with any kind
of colour vision can tell apart; lines differ in style as well.
"""

from dynlens.plot.comparison import plot_comparison
from dynlens.plot.overview import plot_controls
from dynlens.plot.style import (
    BLACK,
    BLUE,
    DPI,
    GREEN,
    GREY,
    ORANGE,
    PALETTE,
    PURPLE,
    SKY,
    STYLE,
    VERMILLION,
    WIDTH,
    YELLOW,
    Picture,
    image,
    save,
    styled,
)
from dynlens.plot.trajectories import plot_observable
from dynlens.plot.verdicts import plot_verdict

__all__ = [
    "BLACK",
    "BLUE",
    "DPI",
    "GREEN",
    "GREY",
    "ORANGE",
    "PALETTE",
    "PURPLE",
    "SKY",
    "STYLE",
    "VERMILLION",
    "WIDTH",
    "YELLOW",
    "Picture",
    "image",
    "plot_comparison",
    "plot_controls",
    "plot_observable",
    "plot_verdict",
    "save",
    "styled",
]
