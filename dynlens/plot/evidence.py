"""What a figure of a theorem needs: one claim on one case, sample by sample, as plain data.

It is gathered where the theorem was verified, while the trajectories are still at hand, and is
small enough to be sent between processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from dynlens.cases.base import RandomMatrices, RandomStates, Start, States
from dynlens.cases.descents import DescentCase
from dynlens.cases.families import Family
from dynlens.cases.paths import Path
from dynlens.cases.reproduce import concise
from dynlens.cases.systems import SystemPath
from dynlens.claims.base import Claim
from dynlens.claims.equations import AtLeast, Equality
from dynlens.claims.limits import PowerLaw
from dynlens.claims.orders import Order
from dynlens.claims.theorem import Check, Theorem
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array
from dynlens.verdict import Measured, Verdict

LONGEST = 110  # characters of a case in words


class Fit(NamedTuple):
    """Points of shape (M,) that a power law is claimed of: ``y ~ x**exponent``."""

    x: Array
    y: Array
    exponent: float
    names: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Evidence:
    """One claim on one case, sample by sample.

    Parameters
    ----------
    title : str
        Id of the theorem.
    statement : str
        The claim in one line.
    where : str
        The case in words.
    measured : Measured
        Residual and numerical error of the worst entry of every sample, shape (S,).
    left, right : ndarray, shape (S, K), optional
        Both sides of an equality or inequality.
    fit : Fit, optional
        What a slope was fitted to.
    """

    title: str
    statement: str
    where: str
    measured: Measured
    left: Array | None = None
    right: Array | None = None
    fit: Fit | None = None


def gather(theorem: Theorem, verdict: Verdict | None = None) -> Evidence | None:
    """Measure again what decided a verdict; None where nothing is measured (symbolic claims).

    Parameters
    ----------
    theorem : Theorem
    verdict : Verdict, optional
        Picks the check it speaks of, on the worst case if that is a path; without it the first
        check that is asserted along a path, on its first path.
    """
    check = _chosen(theorem, verdict)
    if check is None:
        return None
    claim = check.claim
    assert isinstance(claim, Claim)
    case = _case(claim, check.cases, verdict)
    samples = case.samples()
    measured = _worst_entries(claim.evidence(samples))
    found = Evidence(theorem.id, claim.statement, in_words(case), measured)
    if isinstance(claim, PowerLaw | Order):
        return replace(found, fit=_fitted(claim, samples))
    if np.sum(~np.isnan(measured.residual)) < 2:
        return None  # a single number is no picture
    left, right = _sides(claim, samples) if measured.t is not None else (None, None)
    return replace(found, left=left, right=right)


def _chosen(theorem: Theorem, verdict: Verdict | None) -> Check | None:
    measurable = [c for c in theorem.checks if isinstance(c.claim, Claim) and c.cases]
    if verdict is not None:
        named = [c for c in measurable if c.claim.statement == verdict.statement]
        measurable = named or measurable
    along = [c for c in measurable if any(_has_time(case) for case in c.cases)]
    return next(iter(along or measurable), None)


def _case(claim: Claim, cases: Sequence[Any], verdict: Verdict | None) -> Any:
    """Prefer the worst case, but a path before states without time: it makes the better picture."""
    cases = [case for case in cases if _has_time(case)] or list(cases)
    if verdict is None or len(cases) == 1:
        return cases[0]
    told = [case for case in cases if concise(case) in verdict.reproduce]
    # The trajectories were run a moment ago and are still at hand, so measuring again is cheap.
    return told[0] if told else max(cases, key=lambda case: _closest(claim, case))


def _closest(claim: Claim, case: Any) -> float:
    """How near the claim came to being violated: the largest residual that is trusted."""
    measured = claim.evidence(case.samples())
    residual = measured.residual.reshape(len(measured.residual), -1)
    if measured.t is not None and measured.horizon is not None:
        residual = residual[measured.t <= measured.horizon]
    return float(np.max(residual, initial=-np.inf, where=~np.isnan(residual)))


def _has_time(case: Any) -> bool:
    return hasattr(case, "t_end")


def _worst_entries(measured: Measured) -> Measured:
    """Keep, of every sample, the entry that comes closest to the tolerance."""
    residual = measured.residual.reshape(len(measured.residual), -1)
    error = np.broadcast_to(measured.error, measured.residual.shape).reshape(residual.shape)
    rank = np.where(np.isnan(residual), -np.inf, residual + np.nan_to_num(error, nan=np.inf))
    pick = (np.arange(len(residual)), rank.argmax(axis=1))
    return replace(measured, residual=residual[pick], error=error[pick])


def _sides(claim: Claim, samples: Any) -> tuple[Array | None, Array | None]:
    if isinstance(claim, Equality):
        left, right = claim.sides()
    elif isinstance(claim, AtLeast):
        left, right = claim.left, claim.right
    else:
        return None, None
    both = [claim.evaluate(side, samples).reshape(len(samples), -1) for side in (left, right)]
    return both[0], both[1]


def _fitted(claim: PowerLaw | Order, samples: Any) -> Fit:
    """Return the points that the claim itself fits its slope to."""
    if isinstance(claim, Order):
        names = ("step size η", "distance of descent to the flow")
        if claim.remainder:
            names = (names[0], "what the first-order term leaves of it")
        return Fit(np.array(samples.etas), claim.distances(samples), claim.expected, names)
    x, y, use = claim.points(samples)
    return Fit(x[use], y[use], float(claim.exponent), (str(claim.against), str(claim.of)))


# Cases in words ---------------------------------------------------------------------------------


def in_words(case: Any) -> str:
    """Say in one line where a claim is asserted.

    Examples
    --------
    >>> from dynlens import Path, Start, completion_problem
    >>> in_words(Path(completion_problem(2), Start(0.1, "balanced", seed=3), 50.0))
    'flow to t = 50; depth 2, 2×2, 3 of 4 entries; balanced start, scale 0.1, seed 3'
    """
    for kind, words in _WORDS.items():
        if isinstance(case, kind):
            return str(words(case))
    text = concise(case)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _path(case: Path) -> str:
    run = "flow" if case.eta is None else f"descent, η = {case.eta:g},"
    return f"{run} to t = {case.t_end:g}; {_problem(case.problem)}; {_start(case.start)}"


def _start(start: Any) -> str:
    if not isinstance(start, Start):
        return "a given start"
    words = f"{start.kind} start, scale {start.scale:g}"
    words += "" if start.seed is None else f", seed {start.seed}"
    sign = {None: "", 1: ", det W(0) > 0", -1: ", det W(0) < 0"}[start.determinant]
    return words + sign


def _problem(problem: Problem) -> str:
    model, seen = problem.model, problem.observations
    shape = _model(model)
    whole = int(np.prod(model.tensor_shape))
    if seen.entries is None:
        return f"{shape}, {seen.count} measurements"
    return f"{shape}, {'all' if seen.count == whole else f'{seen.count} of {whole}'} entries"


def _model(model: Any) -> str:
    return model.in_words or concise(model)


def _random_states(case: RandomStates) -> str:
    share = "all" if case.fraction >= 1 else f"{100 * case.fraction:g} %"
    draw = f"{case.start}, scale {case.scale:g}, seed {case.seed}"
    return f"{case.count} random states; {_model(case.model)}, {share} of the entries; {draw}"


def _random_matrices(case: RandomMatrices) -> str:
    sign = {None: "", 1: " with det W > 0", -1: " with det W < 0"}[case.determinant]
    return f"{case.count} random matrices{sign}; scales {case.scales[0]:g} to {case.scales[1]:g}"


def _states(case: States) -> str:
    return f"{len(case.theta)} given state(s); {_problem(case.problem)}"


def _descents(case: DescentCase) -> str:
    etas = f"η = {case.etas[0]:g} … {case.etas[-1]:g}"
    return (
        f"descent with {etas} to t = {case.t_end:g}; {_problem(case.problem)}; {_start(case.start)}"
    )


def _system(case: SystemPath) -> str:
    names = ", ".join(name for name, _ in case.fields)
    start = ", ".join(f"{name}(0) = {value:.4g}" for name, value in case.start)
    return f"reduced flow in {names} to t = {case.t_end:g}; {start}"


def _family(case: Family) -> str:
    values = f"{case.values[0]:g} … {case.values[-1]:g}"
    return f"{case.parameter} = {values}: {in_words(case.member(case.values[0]))}"


_WORDS: dict[type, Any] = {
    Family: _family,
    Path: _path,
    SystemPath: _system,
    DescentCase: _descents,
    RandomStates: _random_states,
    RandomMatrices: _random_matrices,
    States: _states,
}
