"""Claims about equilibria: that a state is one, and what its neighbours do.

Decided by the eigenvalues of the linearized field. Near a threshold no simulation sees which way
states go (they hardly move), and an eigenvalue with its error does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from dynlens.cases.base import Dynamics, Samples
from dynlens.claims.base import Claim
from dynlens.claims.equations import TINY
from dynlens.support import validation
from dynlens.support.typing import Array, Mask
from dynlens.verdict import Measured

KINDS = ("any", "stable", "unstable", "saddle")
EPS = 2.0**-52
NULL = 1e-8  # share of the largest singular value below which a direction is not solved for
VANISHES = 1e-7  # share of the largest eigenvalue below which one is neutral


class Linearized(NamedTuple):
    """What the linearized field tells of one state.

    Parameters
    ----------
    away : float
        Distance to the nearest equilibrium, by one Newton step.
    rates : ndarray, shape (n,)
        Growth rates along the eigenvectors, falling.
    error : float
        Of the rates: rounding, and their change from the state to the equilibrium.
    """

    away: float
    rates: Array
    error: float


@dataclass(frozen=True)
class Equilibrium(Claim):
    """The state is an equilibrium of its field, and of this kind.

    On a path the state at its end, or at the time `at`; else every state of the case. An
    eigenvalue that is zero to within its error is neutral: linearization does not decide then, and
    the claim is UNDECIDED unless others refute it.

    Parameters
    ----------
    kind : {"any", "stable", "unstable", "saddle"}
        Stable if all growth rates are negative, unstable if one is positive, a saddle if there are
        both.
    directions : int, optional
        How many growth rates are positive; of a critical point of an objective, the number of its
        negative directions.
    neutral : int
        How many are claimed to vanish: the dimension of the manifold of equilibria through the
        state, which symmetries make.
    eta : float, optional
        Of gradient descent with this step, not of the flow: the rates are
        ``log|1 + eta lambda| / eta``.
    near : float
        How far the equilibrium may be, relative to the largest state of the case.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
    >>> Equilibrium("saddle", directions=1).check(dl.States(problem, ((0.0, 0.0),))).status
    <Status.SUPPORTED: 'SUPPORTED'>
    >>> minimum = dl.States(problem, ((2.0, 0.5),))  # on the curve of minima x y = 1
    >>> Equilibrium("stable").check(minimum).status
    <Status.UNDECIDED: 'UNDECIDED'>
    >>> Equilibrium("stable", neutral=1).check(minimum).status
    <Status.SUPPORTED: 'SUPPORTED'>
    """

    kind: str = "any"
    directions: int | None = field(default=None, kw_only=True)
    neutral: int = field(default=0, kw_only=True)
    eta: float | None = field(default=None, kw_only=True)
    near: float = field(default=1e-6, kw_only=True)
    tolerance: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.one_of("kind", self.kind, KINDS)
        validation.positive("near", self.near)
        if self.eta is not None:
            validation.positive("eta", self.eta)
        for name, value in (("directions", self.directions), ("neutral", self.neutral)):
            if value is not None:
                validation.count(name, value, least=0)
        if self.directions is not None and self.kind != "any":
            needed = {"stable": self.directions == 0}.get(self.kind, self.directions > 0)
            if not needed:
                raise ValueError(
                    f"`directions` = {self.directions} contradicts the kind {self.kind!r}."
                )

    @property
    def statement(self) -> str:
        kind = "an" if self.kind in ("any", "unstable") else "a"
        kind += "" if self.kind == "any" else f" {self.kind}"
        noun = "" if self.kind == "saddle" else " equilibrium"
        step = "" if self.eta is None else f" of descent with step {self.eta:g}"
        more = [
            f"{number} {word} direction{'s' * (number != 1)}"
            for number, word in ((self.directions, "unstable"), (self.neutral, "neutral"))
            if number
        ]
        return f"the state is {kind}{noun}{step}" + (f" with {' and '.join(more)}" if more else "")

    def asserted(self, samples: Samples, shape: tuple[int, ...]) -> Mask:
        if samples.t is not None and self.at is None:
            return replace(self, at="end").asserted(samples, shape)
        return super().asserted(samples, shape)

    def measure(self, samples: Samples) -> Array:
        return self._told(samples)[0]

    def evidence(self, samples: Samples) -> Measured:
        residual, own, found = self._told(samples)
        result = super().evidence(samples)
        error = np.where(np.isnan(residual), 0.0, result.error + own)
        labels = {"part": ("distance", "rates", "neutral rates")}
        note = "; ".join(filter(None, (result.note, self._note(found))))
        return replace(result, error=error, labels=labels, note=note)

    def _told(self, samples: Samples) -> tuple[Array, Array, Linearized | None]:
        """Residuals of the three parts, shape (S, 3), their errors, and the last state's rates."""
        dynamics, n = samples.dynamics(), len(samples)
        residual, error = np.full((n, 3), np.nan), np.zeros((n, 3))
        size = float(np.linalg.norm(dynamics.states, axis=1).max()) or 1.0
        found = None
        for k in np.flatnonzero(self.asserted(samples, (n,))):
            found = linearized(dynamics, dynamics.states[k], self.eta)
            parts = self._parts(found, size)
            residual[k], error[k] = parts
        return residual, error, found

    def _parts(self, found: Linearized, size: float) -> tuple[Any, Any]:
        if self.neutral + (self.directions or 0) > len(found.rates):
            raise ValueError(
                f"`directions` and `neutral` need {self.neutral + (self.directions or 0)} rates, "
                f"and there are {len(found.rates)}."
            )
        largest = max(float(np.abs(found.rates).max()), TINY)
        order = np.argsort(np.abs(found.rates), kind="stable")
        vanishing, rest = found.rates[order[: self.neutral]], found.rates[order[self.neutral :]]
        kind = self._off(-np.sort(-rest)) / largest
        neutral = (
            np.abs(vanishing).max(initial=0.0) / largest - VANISHES if self.neutral else np.nan
        )
        off = max(found.error / largest, EPS)  # what is exactly zero has no sign either
        return (found.away / size - self.near, kind, neutral), (0.0, off, off)

    def _off(self, rates: Array) -> float:
        """What must be negative for the rates, falling, to be of the kind."""
        if not len(rates):
            return np.nan
        if self.directions is not None:
            k = self.directions
            last = -rates[k - 1] if k else -np.inf
            return float(max(last, rates[k] if k < len(rates) else -np.inf))
        if self.kind == "any":
            return np.nan
        wanted = {
            "stable": rates[0],
            "unstable": -rates[0],
            "saddle": max(-rates[0], rates[-1]),
        }
        return float(wanted[self.kind])

    def _note(self, found: Linearized | None) -> str:
        if found is None:
            return ""
        rates = [f"{rate:.4g}" for rate in found.rates]
        if len(rates) > 6:
            rates = [*rates[:3], "...", *rates[-3:]]
        return f"growth rates {', '.join(rates)}, each +- {found.error:.1g}"


def linearized(dynamics: Dynamics, state: Array, eta: float | None = None) -> Linearized:
    """Linearize a field at a state, and at the equilibrium that one Newton step leads to."""
    moving, jacobian = dynamics.field(state), dynamics.jacobian(state)
    # Along a manifold of equilibria nothing is solved for; what is left of the field tells how far.
    step = -np.linalg.pinv(jacobian, rcond=NULL) @ moving
    left = moving + jacobian @ step
    scale = float(np.linalg.norm(jacobian, 2))
    away = float(np.linalg.norm(step)) + float(np.linalg.norm(left)) / max(scale, TINY)
    here, condition = _growth(jacobian, symmetric=dynamics.symmetric, eta=eta)
    there, _ = _growth(dynamics.jacobian(state + step), symmetric=dynamics.symmetric, eta=eta)
    rounding = 4 * EPS * len(state) * scale * condition
    return Linearized(away, here, rounding + float(np.abs(here - there).max()))


def _growth(jacobian: Array, *, symmetric: bool, eta: float | None) -> tuple[Array, float]:
    """Growth rates, falling, and by how much an eigenvalue moves if the matrix does."""
    from scipy.linalg import eig

    condition = 1.0
    if symmetric:
        values = np.linalg.eigvalsh(jacobian).astype(complex)
    else:
        values, left, right = eig(jacobian, left=True, right=True)
        overlap = np.abs(np.sum(left.conj() * right, axis=0))
        condition = float((1 / np.maximum(overlap, EPS)).max())
    if eta is None:
        return -np.sort(-values.real), condition
    with np.errstate(divide="ignore"):
        rates = np.log(np.abs(1 + eta * values)) / eta
    return -np.sort(-np.maximum(rates, -1 / EPS)), condition
