"""What the integrators are meant to reach, and whether they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isnan, log, nan

from dynlens.bench.curves import ratio
from dynlens.bench.descent import Steps
from dynlens.bench.measure import Measured

WANTED = 1e-8  # error at which times are compared, unless a goal says otherwise
TYPICAL = 1e-8  # relative tolerance at which the share of the gradients is told


@dataclass(frozen=True)
class Goal:
    """A ratio of the others' work to ours, at equal error.

    Parameters
    ----------
    text : str
    ours : str
        Name of our integrator.
    rivals : tuple of str
        Names of others, of which the one that needs least counts.
    targets : dict
        From names of problems to the least ratio aimed at; None where it is told without an aim.
    error : float
        At which they are compared, or else at the smallest above it that both reach.
    work : {"milliseconds", "evaluations"}
    """

    text: str
    ours: str
    rivals: tuple[str, ...]
    targets: Mapping[str, float | None] = field(default_factory=dict)
    error: float = WANTED
    work: str = "milliseconds"


def _by_size(*targets: float | None) -> dict[str, float | None]:
    """Targets from the smallest problem to the largest."""
    return dict(zip(("B1s", "B2", "B3", "B5", "B4"), targets, strict=True))


GOALS = (
    Goal(
        "solve_ivp DOP853 + our field / DOP8",
        "dynlens DOP8",
        ("SciPy DOP853",),
        _by_size(120, 5, 2.5, 1.4, 1.2),
    ),
    Goal(
        "CyRK DOP853 / DOP8", "dynlens DOP8", ("CyRK DOP853",), _by_size(1.2, 1.1, 1.1, 1.0, None)
    ),
    Goal(
        "CyRK Tsit5 / Tsit5", "dynlens Tsit5", ("CyRK Tsit5",), _by_size(1.2, 1.1, 1.1, 1.0, None)
    ),
    Goal("diffrax Tsit5 / Tsit5", "dynlens Tsit5", ("diffrax Tsit5",), _by_size(25, 4, 3, 2, 1.1)),
    Goal(
        "torchdiffeq dopri8 / DOP8",
        "dynlens DOP8",
        ("torchdiffeq dopri8",),
        _by_size(1000, 100, 40, None, 5),
    ),
    Goal("heyoka / DOP8", "dynlens DOP8", ("heyoka",), {"B1s": 1.5}),
    Goal("heyoka batch / DOP8 batch", "dynlens DOP8 batch", ("heyoka batch",), {"B6": 1.1}),
    Goal("diffrax vmap / DOP8 batch", "dynlens DOP8 batch", ("diffrax Tsit5 vmap",), {"B6": 9}),
)

LSODA = ("CyRK LSODA", "SciPy LSODA")
TAILS = (
    Goal("CyRK Radau / auto, error 1e-9", "dynlens auto", ("CyRK Radau",), {"B1": 1.0}, 1e-9),
    Goal("fastest LSODA / auto, error 1e-7", "dynlens auto", LSODA, {"B1s": 0.8, "B1m": 0.8}, 1e-7),
    Goal("fastest LSODA / auto, error 1e-9", "dynlens auto", LSODA, {"B1s": 1.0, "B1m": 1.0}, 1e-9),
    *(
        Goal(
            f"gradients: DOP853 / auto, error {error:g}",
            "dynlens auto",
            ("SciPy DOP853",),
            {"B5": target},
            error,
            "evaluations",
        )
        for error, target in ((1e-3, 8.0), (1e-6, 3.0))
    ),
)

OVERHEAD = _by_size(6, 1.25, 1.25, 1.25, 1.25)
SPEEDUP = {"B6": 1.7}
DESCENT = _by_size(1000, 100, 60, 30, 3)


@dataclass(frozen=True)
class Outcome:
    """A measured value beside its target.

    Parameters
    ----------
    value : float
        NaN if it could not be measured.
    target : float or None
    at_most : bool
        Whether the target is an upper bound.
    error : float or None
        At which the comparison had to be made, where not at the one asked for.
    """

    value: float
    target: float | None
    at_most: bool = False
    error: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None if there is nothing to judge."""
        if self.target is None or isnan(self.value):
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target

    def __str__(self) -> str:
        if isnan(self.value):
            return "-"
        text = f"{self.value:.0f}" if self.value >= 100 else f"{self.value:.3g}"
        if self.target is not None:
            signs = ("≤", ">") if self.at_most else ("≥", "<")
            text += f" {signs[0] if self.met else signs[1]} {self.target:g}"
        return text if self.error is None else f"{text} (at {self.error:.0e})"


def outcome(goal: Goal, measured: Measured) -> Outcome | None:
    """Return how a goal stands on one problem; None if it is none there."""
    name = measured.bench.name
    if name not in goal.targets:
        return None
    ours = measured.curve(goal.ours)
    rivals = [c for rival in goal.rivals if (c := measured.curve(rival)) is not None]
    target = goal.targets[name]
    if ours is None or not rivals:
        return Outcome(nan, target)
    found = [ratio(rival, ours, goal.error, goal.work) for rival in rivals]
    # A rival that does not reach the error must not pass for the fastest.
    exact = [r for r in found if r.error <= goal.error] or found
    least = min(exact, key=lambda r: r.value if not isnan(r.value) else inf)
    return Outcome(least.value, target, error=None if least.error <= goal.error else least.error)


def overhead(measured: Measured) -> Outcome | None:
    """Time of DOP8 over that of its gradients, at the tolerance nearest to the typical one."""
    curve, name = measured.curve("dynlens DOP8"), measured.bench.name
    if curve is None or not curve.points or name not in OVERHEAD:
        return None
    point = min(curve.points, key=lambda p: abs(log(p.rtol / TYPICAL)))
    return Outcome(measured.overhead(point), OVERHEAD[name], at_most=True)


def speedup(measured: Measured) -> Outcome | None:
    """Time of a batch on one core over that on two."""
    name = measured.bench.name
    return Outcome(measured.speedup, SPEEDUP[name]) if name in SPEEDUP else None


Table = list[tuple[str, list[Outcome | None]]]


def table(measured: Sequence[Measured], steps: Mapping[str, Steps]) -> Table:
    """Return the goals by row and the problems by column, without the rows that are empty."""
    rows: Table = [(goal.text, [outcome(goal, m) for m in measured]) for goal in (*GOALS, *TAILS)]
    rows.insert(len(GOALS), ("DOP8: time / gradients alone", [overhead(m) for m in measured]))
    rows.append(("DOP8 batch: one core / two", [speedup(m) for m in measured]))
    names = [m.bench.name for m in measured]
    rows.append(
        (
            "descent: torch step / ours",
            [
                Outcome(steps[name].ratio, DESCENT[name])
                if name in DESCENT and name in steps
                else None
                for name in names
            ],
        )
    )
    return [(text, row) for text, row in rows if any(cell is not None for cell in row)]
