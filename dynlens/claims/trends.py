"""Claims about how a quantity moves along a path: from each time looked at to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dynlens.cases.base import Samples
from dynlens.cases.formulas import Formula
from dynlens.claims.equations import Relation
from dynlens.claims.sides import TwoSides, named, two_sides
from dynlens.support import validation
from dynlens.support.typing import Array, Mask

DIRECTIONS = ("increasing", "decreasing")


@dataclass(frozen=True)
class Monotone(Relation):
    """Along a path, or from one member of a family to the next, a quantity never turns back.

    Every entry is compared with its value at the time before, among the times at which the claim is
    asserted. A claim about the flow at every instant is ``AtLeast("d_x", "0")``.

    Parameters
    ----------
    of : formula
    direction : {"increasing", "decreasing"}
    strict : bool
        Whether standing still is excluded; see `AtLeast`.
    where : formula, optional
        Nothing is asserted where this is not positive.
    tolerance : float
        Violation allowed for rounding, relative to the size of both values.

    Examples
    --------
    >>> import dynlens as dl
    >>> path = dl.Path(dl.completion_problem(2), dl.Start(0.3, "identity"), 20.0)
    >>> Monotone("loss", "decreasing").check(path).status
    <Status.SUPPORTED: 'SUPPORTED'>
    >>> Monotone("nuclear_norm", "decreasing").check(path).status
    <Status.REFUTED: 'REFUTED'>
    """

    of: Formula
    direction: str = "increasing"
    strict: bool = field(default=False, kw_only=True)
    where: Formula = field(default=None, kw_only=True)
    tolerance: float = field(default=1e-12, kw_only=True)
    _says_equality_is_odd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.one_of("direction", self.direction, DIRECTIONS)
        if self.strict:
            object.__setattr__(self, "tolerance", 0.0)

    def sides(self) -> tuple[Formula, Formula]:
        return self.of, "0"

    @property
    def statement(self) -> str:
        strictly = "strictly " if self.strict else ""
        return f"{named(self.of)} is {strictly}{self.direction}"

    def both_sides(self, samples: Samples, *, refine: bool = True) -> TwoSides:
        """The value at every time and the one before; none where there is none."""
        found = two_sides(self, samples, self.of, "0", refine=refine)
        rows = self._rows(samples, found.gap.shape)
        left, right = np.full_like(found.gap, np.nan), np.full_like(found.gap, np.nan)
        left[rows[1:]], right[rows[1:]] = found.gap[rows[1:]], found.gap[rows[:-1]]
        error = np.zeros_like(found.error)
        error[rows[1:]] = found.error[rows[1:]] + found.error[rows[:-1]]
        gap = left - right if self.direction == "increasing" else right - left
        return TwoSides(left, right, gap, error, np.isfinite(gap))

    def asserted(self, samples: Samples, shape: tuple[int, ...]) -> Mask:
        mask = super().asserted(samples, shape).copy()
        rows = self._rows(samples, shape)
        before = mask[rows[:-1]].copy()
        mask[rows[:1]] = False
        mask[rows[1:]] &= before
        return mask

    def _rows(self, samples: Samples, shape: tuple[int, ...]) -> NDArray[np.intp]:
        """Indices of the samples at which anything is asserted."""
        mask = super().asserted(samples, shape)
        return np.flatnonzero(mask.reshape(len(samples), -1).any(axis=1))

    def _violation(self, gap: Array) -> Array:
        return -gap

    def _sizes(self, samples: Samples, both: TwoSides, asserted: Mask) -> tuple[Array, Array]:
        own = np.nan_to_num(np.abs(both.left) + np.abs(both.right), nan=1.0)
        seen = np.where(asserted & both.defined, own, 0.0)
        return own, np.full_like(own, seen.max(initial=0.0))
