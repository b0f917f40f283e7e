"""Random choices of which a claim is made, and the register of the kinds that make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from dynlens.cases.base import Case
from dynlens.claims.base import LOOSEST, Claim
from dynlens.claims.proof import Identities

LEAST, MOST = 1e-12, 1e-1  # relative errors that are planted


@dataclass(frozen=True)
class Stated:
    """A claim on a case, and how false it is.

    Parameters
    ----------
    claim : Claim or Identities
    case : Case, optional
        None for what is decided by algebra.
    planted : float
        Of a false claim, how large the residual is in exact arithmetic, in the claim's own measure;
        infinite where the claim is another one altogether.
    """

    claim: Claim | Identities
    case: Case | None
    planted: float = np.inf


class Draw:
    """The choices of one claim: the same for the same seed, kind and number.

    Parameters
    ----------
    seed : int
    kind : str
    true : bool
    number : int
        Counts the claims of one kind and truth.

    Attributes
    ----------
    size : float
        A relative error from 1e-12 to 1e-1, by which tolerances may be chosen.
    error : float
        The same with a random sign, to be planted; zero if the claim is to be true.
    """

    def __init__(self, seed: int, kind: str, true: bool, number: int) -> None:
        # The processes that judge must draw alike, so no `hash`, which differs among them.
        self.rng = np.random.default_rng([seed, crc32(kind.encode()), int(true), number])
        self.true = true
        self.size = self.spread(LEAST, MOST)
        self.error = 0.0 if true else self.size * float(self.rng.choice([-1.0, 1.0]))

    @property
    def factor(self) -> str:
        """What a side is multiplied by: one, or one that is off."""
        return "1" if self.true else f"(1 + {self.error!r})"

    def one_of(self, choices: Sequence[Any]) -> Any:
        """Choose one."""
        return choices[int(self.rng.integers(len(choices)))]

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def uniform(self, low: float, high: float) -> float:
        """Draw a number of three digits, so that lines to paste are short."""
        return float(f"{self.rng.uniform(low, high):.3g}")

    def spread(self, low: float, high: float) -> float:
        """Draw a number of three digits whose logarithm is uniform."""
        return float(f"{np.exp(self.rng.uniform(np.log(low), np.log(high))):.3g}")

    def sometimes(self, share: float) -> bool:
        """Draw yes with this probability."""
        return bool(self.rng.random() < share)

    def tolerance(self, usual: float | None = None) -> Any:
        """The usual tolerance, or one between a third and a thousandth of the planted error."""
        if self.sometimes(0.5):
            return usual
        tight = float(f"{self.size / self.spread(3, 1e3):.2g}")
        return min(usual or LOOSEST, tight)


@dataclass(frozen=True)
class Kind:
    """A rule by which claims are made.

    Parameters
    ----------
    name, about : str
    make : callable
        Makes a claim of a `Draw`, true if that is to be true.
    """

    name: str
    about: str
    make: Callable[[Draw], Stated]

    def draw(self, seed: int, true: bool, number: int) -> Stated:
        """Make the claim of this number."""
        return self.make(Draw(seed, self.name, true, number))


KINDS: dict[str, Kind] = {}


def kind(make: Callable[[Draw], Stated]) -> Callable[[Draw], Stated]:
    """Register a rule under its function's name, with spaces; the docstring says what it makes."""
    name, about = make.__name__.replace("_", " "), (make.__doc__ or "").partition("\n")[0]
    KINDS[name] = Kind(name, about, make)
    return make


def pairs(**values: Any) -> tuple[tuple[str, Any], ...]:
    """Names with what they stand for, as claims keep them."""
    return tuple(values.items())
