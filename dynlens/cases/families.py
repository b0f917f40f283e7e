"""Families: the same case at several values of one parameter, looked at where each member ends.

What is claimed of a family is a law in the parameter: a limit, an order, an exponent, a bound. The
parameter may be of the problem (a penalty, a threshold), of the start (its scale) or of the
numerics (a step, a momentum, the time to run for).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from dynlens.cases.base import Case, ModelSamples, Reading, Samples
from dynlens.cases.formulas import as_text, compiled_formula
from dynlens.cases.paths import Path
from dynlens.cases.reproduce import concise
from dynlens.dynamics.events import Event
from dynlens.dynamics.flow import gradient_flow
from dynlens.observables.registry import REGISTRY
from dynlens.support import validation
from dynlens.support.errors import IntegrationError
from dynlens.support.numerics import nudged
from dynlens.support.run_cache import kept_arrays, ours
from dynlens.support.typing import Array, Mask
from dynlens.verdict import AGREE

AT_REST = "rest"
STILL = 1e-9  # share of the state's size by which a run at rest has moved in its second half
LONGER = 4.0  # times as long a run that is not at rest is tried
TRIES = 10


@dataclass(frozen=True, eq=False)
class MemberSamples(Samples):
    """The last samples of all members; the parameter answers to its name.

    Parameters
    ----------
    name : str
        Of the parameter.
    values : ndarray, shape (S,)
    members : tuple of Samples
        Of each value, all of the run.
    doubted : ndarray of bool, shape (S,)
        The members whose end arithmetic cannot vouch for.
    """

    name: str
    values: Array
    members: tuple[Samples, ...]
    twins: tuple[MemberSamples, ...] = ()
    doubted: Mask | None = None
    note: str = ""

    def __len__(self) -> int:
        return len(self.values)

    def names(self) -> tuple[str, ...]:
        return (self.name, *self.members[0].names())

    def read(self, name: str | Reading) -> Array:
        if name == self.name:
            return self.values
        return self._ends(lambda member: member.read(name))

    def rate(self, name: str | Reading) -> Array:
        return self._ends(lambda member: member.rate(name))

    def check_beginning(self, name: str) -> None:
        raise ValueError(
            f"{name!r} is the beginning of one path, and a family has many; name the quantity "
            "itself, as in `loss_0`, which is each member's own."
        )

    def _ends(self, read: Callable[[Samples], Array]) -> Array:
        found = []
        for member in self.members:
            values = np.asarray(read(member))
            once = values.ndim == 0 or len(values) != len(member)
            found.append(values if values.ndim == 0 else values[0 if once else last_of(member)])
        if len({np.shape(value) for value in found}) > 1:
            raise ValueError(
                f"members of the family have shapes {[np.shape(value) for value in found]}; name "
                "an entry that all of them have."
            )
        return np.array(found, dtype=float)


def last_of(samples: Samples) -> int:
    """Index of the last sample that was asked for."""
    if samples.listed is None:
        return len(samples) - 1
    return int(np.flatnonzero(samples.listed)[-1])


@dataclass(frozen=True)
class Family(Case):
    """One case at several values of a parameter.

    Parameters
    ----------
    case : Case, or callable
        The member to be changed; or a function that makes a member, called with the value by
        keyword.
    over : str
        What is changed: a field such as ``"eta"``, or one further inside, such as
        ``"problem.penalty.strength"``; of pairs, such as `given`, the name in them. A start given
        by its numbers is multiplied by ``"start.scale"``. Of a function, the keyword.
    values : tuple of float
        Distinct; the end that a limit is about comes last.
    name : str
        What formulas call the parameter; unless given, the last word of `over`.
    tied : mapping or tuple of (field, formula) pairs
        Fields that follow the parameter, such as ``{"t_end": "10 / eta"}``.
    until : Event or "rest", optional
        A flow is looked at where the event first happens; or where it has come to rest, with
        `t_end` made longer as needed. Its `t_end` otherwise.

    Notes
    -----
    A sample is the end of a member, and answers to all that the member answers to: observables,
    their rates, initial values, ``t``. A member whose twins parted is doubted: no claim is decided
    by it. Limits in time may be taken first, by `Limit.inner`.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
    >>> descent = dl.Path(problem, (0.5, 1.5), 2.0, eta=0.1)
    >>> family = Family(descent, over="eta", values=(0.1, 0.05, 0.025, 0.0125))
    >>> dl.PowerLaw("Abs(imbalances[0] - imbalances_0[0])", "eta", 1, band=0.1).check(family).status
    <Status.SUPPORTED: 'SUPPORTED'>
    """

    case: Case | Callable[..., Case]
    over: str = field(kw_only=True)
    values: tuple[float, ...] = field(kw_only=True)
    name: str = field(default="", kw_only=True)
    tied: Any = field(default=(), kw_only=True)
    until: Event | str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        validation.instance("over", self.over, str, 'for example "eta".')
        values = validation.real_array("values", self.values, ndim=1)
        if len(values) < 2 or len(set(values.tolist())) < len(values):
            raise ValueError(f"`values` must be two or more and distinct, got {self.values!r:.80}.")
        object.__setattr__(self, "values", tuple(values.tolist()))
        name = self.parameter
        if not name.isidentifier() or name in REGISTRY or name == "t":
            raise ValueError(f"the parameter cannot be called {name!r} in formulas; pass `name`.")
        tied = validation.pairs("tied", self.tied)
        tied = tuple((place, as_text(formula, f"tied {place!r}")) for place, formula in tied)
        for _, formula in tied:
            for used in compiled_formula(formula)[0]:
                validation.one_of(f"tied {formula!r}", used, (name,))
        object.__setattr__(self, "tied", tied)
        if not isinstance(self.case, Case) and not callable(self.case):
            raise TypeError("`case` must be a case, or a function that makes one.")
        if self.until is not None and not isinstance(self.until, Event):
            validation.one_of("until", self.until, (AT_REST,))
        self.member(self.values[0])

    @property
    def parameter(self) -> str:
        """What formulas call the parameter."""
        return self.name or self.over.rsplit(".", 1)[-1]

    def member(self, value: float) -> Case:
        """The case at one value of the parameter."""
        if not isinstance(self.case, Case):
            made = self.case(**{self.over: value})
            case: Any = validation.instance("case", made, Case, "return a case.")
        else:
            case = changed(self.case, self.over, value)
        for place, formula in self.tied:
            names, function = compiled_formula(formula)
            case = changed(case, place, float(function(*[value] * len(names))))
        if self.until is not None and not (isinstance(case, Path) and case.eta is None):
            raise TypeError("`until` needs members that are a `Path` of the flow.")
        assert isinstance(case, Case)
        return case

    def samples(self) -> MemberSamples:
        """Run all members, with as many twins as each has."""
        return _gathered(self)

    def simpler(self) -> Iterator[Case]:
        """Fewer values."""
        if len(self.values) > 4:
            yield replace(self, values=self.values[: len(self.values) // 2 + 1])

    def run(self, value: float) -> Samples:
        """All samples of one member."""
        case = self.member(value)
        if isinstance(case, Path) and isinstance(self.until, Event):
            return _at_event(case, self.until)
        if isinstance(case, Path) and self.until == AT_REST:
            return _at_rest(case)
        return case.samples()


@lru_cache(maxsize=16)
def _gathered(family: Family) -> MemberSamples:
    members = tuple(family.run(value) for value in family.values)
    count = min(len(member.twins) for member in members)
    values = np.array(family.values)
    doubted = np.array([not _trusted(member) for member in members])
    listed = ", ".join(f"{value:g}" for value in values[doubted])
    return MemberSamples(
        family.parameter,
        values,
        members,
        tuple(
            MemberSamples(family.parameter, values, tuple(member.twins[k] for member in members))
            for k in range(count)
        ),
        doubted,
        f"not trusted at {family.parameter} = {listed}" if listed else "",
    )


def _trusted(samples: Samples) -> bool:
    """Whether a run came to its end and no twin ever parted from it."""
    if samples.t is None:
        return True
    end = samples.t_end
    if end is not None and samples.t[-1] < end * (1 - 1e-9):
        return False
    last = last_of(samples)
    return all(
        len(twin) > last and np.all(samples.distance(twin)[: last + 1] <= AGREE)
        for twin in samples.twins
    )


def changed(value: Any, place: str, number: float) -> Any:
    """Return a case with the number in a field, perhaps of something inside."""
    head, _, rest = place.partition(".")
    if isinstance(value, tuple):
        if place == "scale" and all(isinstance(item, float | int) for item in value):
            return tuple(float(number * item) for item in value)
        names = [item[0] for item in value if isinstance(item, tuple) and len(item) == 2]
        validation.one_of("over", head, names)
        return tuple((k, changed(v, rest, number) if k == head else v) for k, v in value)
    if not head:
        return int(number) if isinstance(value, int) and number == int(number) else number
    if not is_dataclass(value):
        raise ValueError(f"`over` names {place!r} of {value!r:.60}, which has no fields.")
    known = [f.name for f in fields(value) if f.init]
    validation.one_of("over", head, known)
    return replace(value, **{head: changed(getattr(value, head), rest, number)})  # type: ignore[type-var]


def _at_rest(path: Path) -> Samples:
    """Samples of the path, or of one so long that it ends at rest."""
    for _ in range(TRIES):
        samples = path.samples()
        assert samples.t is not None
        half = samples.theta[np.searchsorted(samples.t, samples.t[-1] / 2)]
        moved = np.linalg.norm(samples.theta[-1] - half)
        if moved <= STILL * np.linalg.norm(samples.theta[-1]):
            return samples
        path = replace(path, t_end=LONGER * path.t_end)
    raise IntegrationError(
        f"the run has not come to rest by t = {path.t_end / LONGER:g}; take a limit in `t` instead."
    )


def _at_event(path: Path, event: Event) -> ModelSamples:
    """The start and the state at which the event first happens, each run at its own time."""
    nudge = replace(path, start=tuple(nudged(path.theta0).tolist()), rtol=path.rtol / 10)
    other = replace(path, method="LSODA" if path.method != "LSODA" else "DOP853")
    twins = tuple(_crossing(each, event) for each in (nudge, other))
    return replace(_crossing(path, event), twins=twins)


def _crossing(path: Path, event: Event) -> ModelSamples:
    problem = path.problem

    def compute() -> tuple[Array, Array]:
        watched = (replace(event, terminal=True),)
        numerics: dict[str, Any] = {"method": path.method, "rtol": path.rtol, "atol": path.atol}
        run = gradient_flow(problem, path.theta0, [0.0, path.t_end], events=watched, **numerics)
        if run.status != "event":
            raise IntegrationError(
                f"the run has not come to {event.name} by t = {path.t_end:g} ({run.message}); "
                "raise `t_end`."
            )
        return run.t, run.theta

    parts = (problem.model, problem.loss, problem.observations)
    text = f"{concise(path)} until {concise(event)}"
    t, theta = kept_arrays(text, compute) if ours(*parts) else compute()
    return ModelSamples(problem, theta, t)
