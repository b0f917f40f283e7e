"""P1.E1 in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from dynlens.comparison.slopes import observed_order
from dynlens.experiments.lab import Runs
from dynlens.experiments.p1_e1.integration import Curve
from dynlens.experiments.p1_e1.runs import (
    BALANCED_SCALE,
    ETA,
    FLOW,
    GAUSSIAN,
    Measured,
    Reading,
    Run,
    linear_flip,
    lost,
    readings,
)
from dynlens.experiments.prose import each, paragraph
from dynlens.problems.instances import completion_problem
from dynlens.verdict import Verdict

NEAR = 0.05  # a curve follows the law if |W11| sqrt(2 loss) is this close to 1
LEFT = 0.5  # a curve has left the law for good if |W11| sqrt(2 loss) is below this
BEYOND = 2  # |W11| is told apart from where others stop if it is so many times as large
KEPT = 1e-12  # an imbalance up to this is rounding
DECAY = 3 / 6 ** (1 / 3)  # det W decays like exp(-DECAY t^(2/3)), as |W11| grows like (6 t)^(1/3)


def text(measured: Measured) -> Iterable[str]:
    """Paragraphs and a table."""
    depths = measured.runs.values("depth")
    yield paragraph(_setting(depths, measured.levels))
    yield _rows(readings(measured))
    for depth in depths:
        if depth > 2:
            yield paragraph(_deep(measured, depth))
    saturate = all(_stopped(run) for run in (*measured.steps, *measured.tolerances))
    yield f"{'Why' if saturate else 'Whether'} the curves of depth 2 saturate"
    yield paragraph(_descent(measured), "(a) ", hanging=True)
    yield paragraph(_unbalanced(measured), "(b) ", hanging=True)
    yield paragraph(_rounding(measured), "(c) ", hanging=True)


def _setting(depths: Sequence[int], levels: Sequence[float]) -> Iterable[str]:
    yield (
        "Two-by-two completion with W12 = W21 = 1 and W22 = 0 observed, loss half the sum of "
        f"squares, down to a loss of {levels[-1]:g}; depths {_list(depths)}."
    )
    yield (
        f"Gradient descent with steps {each((ETA[d] for d in depths), 'g')} (time = step size "
        f"times steps); gradient flow by {FLOW[0][0]} at rtol {FLOW[0][1]:g}, its error measured "
        f"against {FLOW[1][0]} at rtol {FLOW[1][1]:g} and shown as ± where it is large."
    )
    yield (
        "Starts have det W > 0: balanced with end-to-end entries of standard deviation "
        f"{BALANCED_SCALE:g}, unbalanced with Gaussian factors of standard deviation "
        f"{each((GAUSSIAN[d] for d in depths), 'g')} (seed 0 is listed; all are in the .csv)."
    )


def _rows(found: Runs[Reading]) -> str:
    head = (
        "depth  start       source     loss      |W11|  |W11| sqrt(2 loss)      time"
        "    min det W  imbalance"
    )
    lines, group = [head], None
    listed = sorted(found.where(seed=0), key=lambda one: (one.depth, one.start, one.source))
    for one in listed:
        if group not in (None, (one.depth, one.start)):
            lines.append("")
        group = one.depth, one.start
        # Beyond its horizon a run's numbers are shown with their error.
        doubt = f" ±{one.W11_error:.0g}" if one.W11_error > 1e-3 * one.W11 else ""
        low = f"{one.min_det:.1e}" if one.min_det else "<1e-308"
        lines.append(
            f"{one.depth:>5}  {one.start:<10}  {one.source:<7} {one.loss:>7.0e} "
            f"{one.W11:>10.4f} {one.W11_sqrt_2loss:>19.5f} {one.time:>9.6g} {low:>12} "
            f"{one.imbalance:>10.1e}{doubt}"
        )
    return "\n".join(lines)


def _deep(measured: Measured, depth: int) -> Iterable[str]:
    levels, runs = measured.levels, measured.runs.where(depth=depth)
    descent, flow = (runs.one(start="balanced", source=s) for s in ("descent", "flow"))
    off = [abs(descent.scaled[k] - 1) for k in descent.at]
    yield (
        f"Depth {depth}, balanced: |W11| sqrt(2 loss) is within {each(off, '.2%')} of 1 at loss "
        f"{each(levels, 'g')}."
    )
    beyond = abs(_beyond(descent))
    yield (
        "Since W11 W22 = W12 W21 + det W, and the observed residuals are W22 and about -1/W11^2 "
        f"twice, it is 1 - 2 loss + det W to next order; at the last level that is "
        f"{'exact to' if beyond < NEAR else 'off by'} {beyond:.0g}, with det W = "
        f"{descent.det[descent.last]:.1e}."
    )
    pairs = [
        (runs.one(start=flow.start, seed=flow.seed, source="descent"), flow)
        for flow in runs.where(source="flow")
    ]
    gap = max(abs(abs(d.w11[d.last] / f.w11[f.last]) - 1) for d, f in pairs)
    gap_t = max(abs(d.t[d.last] / f.t[f.last] - 1) for d, f in pairs)
    agree = max(gap, gap_t) < NEAR
    yield (
        f"The flow takes a time of {flow.t[flow.last]:.5g} ({_law_time(levels[-1], depth):.5g} by "
        f"the growth law), descent {round(descent.t[-1] / ETA[depth])} steps; from all starts the "
        f"two {'agree at the last level to' if agree else 'differ at the last level by up to'} "
        f"{gap:.0e} in |W11| and {gap_t:.0e} in time."
    )
    sharp = float(np.linalg.eigvalsh(completion_problem(depth).hessian(descent.final))[-1])
    edge = ETA[depth] * sharp
    yield (
        f"There the step times the sharpness is {edge:.2f}, {'' if edge < 2 else 'not '}below 2."
    )
    yield from _deep_unbalanced(_unbalanced_descents(measured, depth), levels)


def _deep_unbalanced(many: Sequence[Run], levels: Sequence[float]) -> Iterable[str]:
    lost = sum(run.flip is not None for run in many)
    follow = [
        sum(abs(run.scaled[run.at[k]] - 1 + 2 * level) < NEAR for run in many)
        for k, level in enumerate(levels)
    ]
    slowly = follow[-1] > len(many) - lost  # some follow though they lost the sign
    yield (
        f"Unbalanced: det W becomes negative in {lost} of {len(many)} starts, "
        f"{'but det W = 0 is left so slowly that' if slowly else 'and'} {each(follow, 'd')} of "
        f"them follow the law within {NEAR:.0%} at loss {each(levels, 'g')}."
    )
    beyond = max(abs(_beyond(run)) for run in many)
    yield (
        f"Those that leave it {'fall' if beyond < NEAR else 'do not only fall'} short by |det W|: "
        f"|W11| sqrt(2 loss) - (1 - 2 loss + det W) is {beyond:.0g} at most at the last level, "
        f"where the smallest |W11| is {min(run.end for run in many):.3g}."
    )


def _unbalanced_descents(measured: Measured, depth: int) -> list[Run]:
    """Descents from all unbalanced starts, drawn or only counted."""
    wanted = {"depth": depth, "start": "unbalanced", "source": "descent"}
    return [*measured.runs.where(**wanted), *measured.census.where(**wanted)]


def _beyond(run: Curve) -> float:
    """What ``|W11| sqrt(2 loss)`` is at the last level beyond its expansion."""
    k = run.last
    return float(run.scaled[k] - (1 - 2 * run.loss[k] + run.det[k]))


def _law_time(loss: float, depth: int) -> float:
    """Time at which ``|W11| = 1 / sqrt(2 loss)`` by the growth law of the completion problem."""
    return float((2 * loss) ** (-(depth + 1) / depth) / (2 * depth + 2))


def _stopped(run: Curve) -> bool:
    """Whether |W11| has stopped growing, while the loss falls."""
    return bool(run.scaled[-1] < LEFT)


def _grows_on(run: Curve, stops: Iterable[float]) -> str:
    """Say whether |W11| grows beyond where that of others stops, as far as this run tells."""
    k = run.last
    if run.scaled[k] < LEFT:
        return "saturates as well"
    if abs(run.w11[k]) > BEYOND * max(stops):
        return "does not saturate"
    return "is not told apart, at this loss, from what saturates"


def _descent(measured: Measured) -> Iterable[str]:
    steps, exact = measured.steps, measured.runs.one(source="exact")
    etas, sizes = [run.precision for run in steps], [float(run.imbalance[-1]) for run in steps]
    order, _ = observed_order(etas, sizes)
    yield (
        "What descent does. A step adds eta^2 (G2'G2 - G1 G1') to W2'W2 - W1 W1', which the flow "
        f"conserves: from the same balanced start the imbalance ends at {each(sizes, '.2e')} for "
        f"eta = {each(etas, '.3g')}, of order {order:.3f} in eta."
    )
    flips = [run.flip for run in steps if run.flip is not None]
    if lost(steps) and all(map(_stopped, steps)):
        later = "later, but it saturates" if flips == sorted(flips) else "no later"
        log_det = np.interp(flips, exact.t, exact.det)
        power, _ = observed_order(etas, np.exp(log_det), floor=0.0)
        yield (
            f"det W becomes negative at t = {each(flips, '.2f')} and |W11| stops at "
            f"{each((run.end for run in steps), '.3f')}: a smaller step saturates {later}, because "
            "the sign is lost once the flow's determinant, which decays like "
            f"exp(-{DECAY:.2f} t^(2/3)), has come down to a multiple of eta^{power:.2f}."
        )
    else:
        yield _some(steps)
    even = measured.symmetric
    balanced = even.imbalance.max() <= KEPT
    yield (
        f"The control: from W(0) = {BALANCED_SCALE:g} I the same descent with the same step "
        + ("keeps W2 = W1', hence its balance" if balanced else "does not keep its balance")
        + f" (largest imbalance {even.imbalance.max():.1g})"
        + (", and det W is a square." if balanced else ".")
    )
    k = even.last
    yield (
        f"It {_grows_on(even, [steps[0].end])}: |W11| = {abs(even.w11[k]):.4f} at loss "
        f"{measured.levels[-1]:g}, |W11| sqrt(2 loss) = {even.scaled[k]:.5f}, after "
        f"{round(even.t[k] / ETA[2])} steps."
    )


def _some(runs: Runs[Run]) -> str:
    """Say how many of some runs lose the sign, and in how many |W11| stops."""
    return (
        f"det W becomes negative in {sum(run.flip is not None for run in runs)} of these "
        f"{len(runs)} runs, and |W11| stops growing in {sum(map(_stopped, runs))}."
    )


def _unbalanced(measured: Measured) -> Iterable[str]:
    wanted = {"depth": 2, "start": "unbalanced"}
    flows = measured.runs.where(**wanted, source="flow")
    twins = [measured.twins.one(**wanted, seed=run.seed) for run in flows]
    descents = [measured.runs.one(**wanted, seed=run.seed, source="descent") for run in flows]
    yield (
        "What unbalanced starts do. Near zero the flow is linear and turns W into a multiple of "
        "M X'X, X = (W1 + W2'M)/2 and M = ((0, 1), (1, 0)), whose determinant is -det(X)^2, "
        "negative at every scale of the start."
    )
    predicted = [linear_flip(run.seed) for run in flows]
    flow, twin, descent = (
        [np.inf if run.flip is None else run.flip for run in runs]
        for runs in (flows, twins, descents)
    )
    error = max(abs(a - b) for a, b in zip(flow, twin, strict=True)) if lost(flows) else np.nan
    agree = np.allclose([flow, descent], predicted, rtol=NEAR)
    yield (
        f"det W changes sign at t = {each(predicted, '.4f')} by that formula, at "
        f"{each(flow, '.4f')} along the flow (± {error:.0g}), at {each(descent, '.3f')} under "
        "descent: "
        + (
            "neither the step nor the arithmetic has a part in it."
            if agree
            else "the formula is not all there is to it."
        )
    )
    many = _unbalanced_descents(measured, 2)
    stops = [run.end for run in many]
    said = f"Of {len(many)} such starts {sum(run.det[-1] < 0 for run in many)} end with det W < 0, "
    if all(map(_stopped, many)):
        yield (
            f"{said}and |W11| stops at {np.median(stops):.2g} in the median, {max(stops):.2g} at "
            "most. The theorem speaks of balanced starts, and has to."
        )
    else:
        yield (
            f"{said}and |W11| stops in {sum(map(_stopped, many))} of them; it is "
            f"{np.median(stops):.2g} in the median at loss {measured.levels[-1]:g}."
        )


def _rounding(measured: Measured) -> Iterable[str]:
    ladder, levels = measured.tolerances, measured.levels
    balanced = measured.runs.where(depth=2, start="balanced")
    exact, flow = balanced.one(source="exact"), balanced.one(source="flow")
    sinks = exact.det[exact.last] < np.log(np.finfo(float).eps)
    yield (
        "What floating point does. The exact flow from the balanced start keeps det W > 0, "
        + (
            "but det W sinks below the rounding of the factors, and on the negative side it is "
            "repelled from zero."
            if sinks
            else "and det W stays above the rounding of the factors."
        )
    )
    tolerances = f"By LSODA at rtol {each((run.precision for run in ladder), 'g')}"
    if lost(ladder) and all(map(_stopped, ladder)):
        flips = [run.flip for run in ladder if run.flip is not None]
        yield (
            f"{tolerances} the sign is lost at t = {each(flips, '.1f')} and |W11| stops at "
            f"{each((run.end for run in ladder), '.2f')}."
        )
    else:
        yield f"{tolerances}: {_some(ladder)}"
    yield _judged(measured.verdict)
    k, time = exact.last, _law_time(levels[-1], 2)
    apart = abs(exact.w11[exact.at[0]] / flow.w11[flow.at[0]] - 1)
    yield (
        "In the coordinates (W11, W12, W21, ln det W), which cannot lose the sign, the same flow "
        f"(|W11| {'equal to' if apart < NEAR else 'off by'} {apart:.0g} at loss {levels[0]:g}) "
        f"{_grows_on(exact, [run.end for run in ladder])}: |W11| = {abs(exact.w11[k]):.4f} at loss "
        f"{levels[-1]:g}, |W11| sqrt(2 loss) = {exact.scaled[k]:.5f}, at t = {exact.t[k]:.5g} "
        f"({time:.5g} by the growth law)."
    )
    decimal = exact.det[k] / np.log(10)
    yield f"There ln det W = {exact.det[k]:.5g}, that is det W = 1e{decimal:.0f}" + (
        ", far below the smallest positive double, 4.9e-324: no step and no tolerance can carry "
        "such a number in the factors' own coordinates."
        if decimal < -324
        else "."
    )


def _judged(verdict: Verdict) -> str:
    """What the verdict on the flow in the factors' own coordinates says, and whether rightly."""
    said = f"A verdict on the run at rtol 1e-10 is {verdict.status}"
    if verdict.status == "REFUTED":
        return f"{said}: it is deceived."
    if verdict.horizon is None or verdict.t_end is None or verdict.horizon >= verdict.t_end:
        return f"{said} to the end."
    holds = verdict.residual <= verdict.tolerance
    return (
        f"{said}: the claim {'holds' if holds else 'is undecided'} up to its horizon, t = "
        f"{verdict.horizon:.3g}, and is undecided beyond. It is not deceived."
    )


def _list(values: Sequence[int]) -> str:
    return f"{', '.join(map(str, values[:-1]))} and {values[-1]}"
