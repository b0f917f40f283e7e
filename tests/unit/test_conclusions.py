"""What a report concludes follows from numbers: made-up results of the opposite kind say otherwise.

Each experiment has results as they are expected, made up here in a few numbers, and opposite ones:
what changed in the numbers, the words that must then be gone, and those that must stand instead.
"""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dynlens.dynamics.plan import EPS
from dynlens.experiments import (
    EXPERIMENTS,
    f5_5,
    o_e1,
    p1_e1,
    p1_e2,
    p2_e1,
    p3_e1,
    p3_e2,
    q1_e1,
    q1_e2,
    q1_e3,
    q1_e4,
    q2_e1,
    q2_e2,
    q2_e3,
    q2_e4,
    q3_e1,
)
from dynlens.experiments.lab import Runs
from dynlens.problems.instances import completion_problem

OPPOSITE = []  # id, made-up results, those of the opposite kind, words gone, words that are there


def opposite(id, usual, other, gone, there):
    OPPOSITE.append(pytest.param(id, usual, other, gone, there, id=f"{id}: {there}"))


def said(id, measured):
    return " ".join("\n".join(EXPERIMENTS[id].text(measured)).split())


def changed(runs, change, **wanted):
    """The runs, of which those with some values are changed."""
    chosen = runs.where(**wanted)
    assert chosen, wanted
    return Runs(replace(run, **change) if run in chosen else run for run in runs)


# -- F5.5 ------------------------------------------------------------------------------------------


def descents(factor=1.0, size=1.0):
    t = np.linspace(0.0, 1.0, 5)
    leading = size * t
    distances = {rho: factor * f5_5.runs.ETA * (1 - 1 / rho) * leading for rho in f5_5.runs.RATIOS}
    losses = {rho: 1.0 - 0.5 * t for rho in (1, *f5_5.runs.RATIOS)}
    return Runs([f5_5.runs.Descents("CP", t, 3 * t, leading, losses, distances)])


def edges(below, above):
    theta = np.array([[3.0, 0.35], [1.0, 1.0]])
    loss = np.array([1e-3, 1e-30])
    return Runs(
        f5_5.runs.Edge(eta, theta, loss, np.array([9.1, end]), "finished")
        for eta, end in ((0.2, below), (0.35, above))
    )


F5_5 = f5_5.runs.Measured(descents(), edges(9.097, 2.003))
ETC = "F5.5", F5_5
opposite(*ETC, F5_5._replace(descents=descents(2.0)), "is right to", "fails: it is off by")
opposite(*ETC, F5_5._replace(descents=descents(size=1e3)), "takes it nowhere", "leaves the flow by")
opposite(*ETC, F5_5._replace(edges=edges(3.0, 2.003)), "and above 1 / eta", "below 1 / eta.")
opposite(
    *ETC, F5_5._replace(edges=edges(9.097, 5.7)), "need not end at it", "e-30, below 2 / eta and"
)
opposite(*ETC, F5_5._replace(edges=edges(9.097, 6.0)), "no minimum nearby", "not below 2 / eta")


# -- P1.E1 -----------------------------------------------------------------------------------------

LEVELS = (1e-2, 1e-4)
LAW = tuple(1 / np.sqrt(2 * level) for level in LEVELS)


def curve(depth, start, source, w11, *, losses=LEVELS, flip=None, precision=3e-3, **more):
    n = len(losses) + 1
    det = np.full(n, -60.0) if source == "exact" else np.full(n, 0.0 if flip is None else -0.5)
    fields = {
        "t": np.arange(float(n)),
        "loss": np.array([1.0, *losses]),
        "w11": np.array([0.1, *w11]),
        "det": det,
        "norm": np.ones(n),
        "imbalance": np.full(n, 0.0 if start == "symmetric" else precision),
        "at": tuple(range(1, n)),
        "flip": flip,
        "final": p1_e1.runs.start(completion_problem(depth), "balanced", 0),
    }
    identity = {"depth": depth, "start": start, "seed": 0, "source": source}
    return p1_e1.runs.Run(**fields | more, **identity, precision=precision)


def short(depth, flip, stop, precision=3e-3):
    """A run to a loss at which all that stops has stopped."""
    losses = (1e-8,)
    run = curve(depth, "balanced", "descent", (stop,), losses=losses, precision=precision)
    return replace(run, flip=flip)


def judged(status, horizon, residual=-1.0):
    more = {"t_end": 200.0, "residual": residual, "tolerance": 1e-12}
    return SimpleNamespace(status=status, horizon=horizon, **more)


FLIP = p1_e1.runs.linear_flip(0)
UNBALANCED = [
    curve(2, "unbalanced", source, (0.7, 0.7), flip=FLIP) for source in ("descent", "flow")
]
P1_E1 = p1_e1.runs.Measured(
    levels=LEVELS,
    runs=Runs(
        [
            curve(2, "balanced", "descent", (6.5, 6.9), flip=12.0),
            curve(2, "balanced", "flow", (6.9, 9.0), flip=30.0),
            *UNBALANCED,
            curve(3, "balanced", "descent", LAW),
            curve(3, "balanced", "flow", LAW),
            curve(3, "unbalanced", "descent", LAW, flip=9.0, det=np.full(3, -1e-9)),
            curve(3, "unbalanced", "flow", LAW),
            curve(2, "balanced", "exact", LAW),
        ]
    ),
    twins=Runs([UNBALANCED[1]]),
    census=Runs(),
    symmetric=curve(2, "symmetric", "descent", LAW),
    steps=Runs(short(2, 12.0 + k, 6.9 + k / 10, 3e-3 / 2**k) for k in range(3)),
    tolerances=Runs(short(2, 26.0 + k, 8.7, 10.0 ** (-6 - k)) for k in range(2)),
    verdict=judged("UNDECIDED", 36.5),
)
ETC = "P1.E1", P1_E1
IN = {"depth": 2, "start": "balanced", "source": "exact"}
THREE = {"depth": 3, "start": "balanced", "source": "descent"}
SAME = {"w11": np.array([0.1, 6.9, 9.0])}


def p1(**change):
    return P1_E1._replace(**change)


def runs_with(change, **wanted):
    return p1(runs=changed(P1_E1.runs, change, **wanted))


opposite(
    *ETC,
    p1(symmetric=curve(2, "symmetric", "descent", (6.5, 6.93))),
    "It does not saturate",
    "It saturates as well",
)
opposite(
    *ETC,
    p1(
        symmetric=curve(2, "symmetric", "descent", (6.93,), losses=(1e-2,)),
        levels=LEVELS[:1],
        runs=Runs(replace(r, at=r.at[:1]) for r in P1_E1.runs),
        twins=Runs(replace(r, at=r.at[:1]) for r in P1_E1.twins),
    ),
    "It does not saturate",
    "It is not told apart, at this loss, from what saturates",
)
opposite(*ETC, runs_with(SAME, **IN), ") does not saturate", ") saturates as well")
opposite(
    *ETC,
    p1(symmetric=replace(P1_E1.symmetric, imbalance=np.full(3, 0.1))),
    "hence its balance",
    "does not keep its balance (largest imbalance 0.1)",
)
opposite(
    *ETC,
    p1(steps=Runs(replace(run, flip=None) for run in P1_E1.steps)),
    "a smaller step saturates",
    "det W becomes negative in 0 of these 3 runs, and |W11| stops growing in 3",
)
opposite(
    *ETC,
    p1(steps=Runs(replace(run, flip=20 - run.flip) for run in P1_E1.steps)),
    "saturates later",
    "a smaller step saturates no later",
)
opposite(
    *ETC,
    p1(tolerances=Runs(replace(run, w11=1e4 * run.w11) for run in P1_E1.tolerances)),
    "Why the curves",
    "Whether the curves of depth 2 saturate",
)
opposite(
    *ETC,
    p1(verdict=judged("REFUTED", 36.5)),
    "It is not deceived",
    "REFUTED: it is deceived",
)
opposite(
    *ETC,
    p1(verdict=judged("SUPPORTED", None)),
    "undecided beyond",
    "SUPPORTED to the end",
)
opposite(
    *ETC,
    p1(verdict=judged("UNDECIDED", 36.5, residual=1.0)),
    "the claim holds up to its horizon",
    "the claim is undecided up to its horizon",
)
opposite(
    *ETC,
    runs_with({"flip": 2 * FLIP}, depth=2, start="unbalanced", source="descent"),
    "neither the step nor the arithmetic",
    "the formula is not all there is to it",
)
opposite(
    *ETC,
    runs_with({"w11": np.array([0.1, *LAW])}, depth=2, start="unbalanced", source="descent"),
    "and has to",
    "|W11| stops in 0 of them",
)
opposite(*ETC, runs_with({"det": np.full(3, -9.0)}, **IN), "repelled from zero", "stays above")
opposite(*ETC, runs_with({"det": np.full(3, 0.5)}, **THREE), "that is exact to", "that is off by")
opposite(*ETC, runs_with({"t": np.arange(3) * 9.0}, **THREE), "two agree at", "two differ at")
opposite(*ETC, runs_with({"final": np.full(12, 9.0)}, **THREE), ", below 2.", ", not below 2.")
opposite(
    *ETC,
    runs_with({"w11": np.array([0.1, 2.0, 3.0])}, depth=3, start="unbalanced", source="descent"),
    "left so slowly that",
    "do not only fall short by |det W|",
)


# -- P1.E2 -----------------------------------------------------------------------------------------


def completion(observed, scale, error, **more):
    axes = {"order": 3, "method": "descent", "stop": 1e-6, "rank": 1, "observed": observed}
    found = {"error": error, "linear": 0.5, "cp_rank": 1.0, "norm_1": 1.0, "norm_after": 1e-3}
    ends = {"mse": 1e-7, "fitted": 1.0, "flow_time": 1e3, "steps": 100}
    return p1_e2.runs.Completion(**axes | found | ends | more, scale=scale, repeat=0)


STUCK = {"mse": 0.1, "fitted": 0.0, "norm_1": 1e-9}
SLOW = {**STUCK, "flow_time": 100 * p1_e2.runs.ETA / EPS}


def completions(few=0.9, many=0.01, **more):
    sizes = ((100, few), (300, many))
    runs = [completion(n, scale, error) for n, error in sizes for scale in (0.1, 0.01)]
    least = {"error": 1.0} | more
    return Runs([*runs, *(completion(50, scale, **least) for scale in (0.1, 0.01))])


ETC = "P1.E2", completions(**SLOW)
opposite(*ETC, completions(few=0.1, error=0.4), "small starts are no help", "in 0 of 3 cases")
opposite(*ETC, completions(many=0.9, **SLOW), "With too few entries", "With few and with many")
opposite(*ETC, completions(**STUCK), "their gradients are smaller", "and not for GroupRMSprop's")
opposite("P1.E2", completions(**SLOW), completions(cp_rank=None), "have not left", "is at most 1")


# -- P2.E1 and P3.E1 -------------------------------------------------------------------------------


def rising(stretch=100.0, ripple=0.01, late=0.0, quantities=None):
    """Curves of which the first value rises at 2, the second at 3 + late, and then ripples."""
    t = np.arange(9.0)
    first = np.where(t < 2, 0.0, 1 + ripple * (-1.0) ** t)
    second = np.where(t < 3, 0.0, 0.5)
    values = np.column_stack([first, second, *[np.full(9, 1e-4)] * 8])
    if quantities:
        values = np.stack([values] * quantities, axis=1)
    loss = np.append(np.ones(8), 1e-9)
    curves = {"loss": loss, "values": values, "error": loss}
    return {"time": t, "flow_time": stretch * t * (1 + late), **curves}


def p2_run(method, scale, rtol=p2_e1.runs.RTOL, **curves):
    case = {"method": method, "scale": scale, "seed": 0, "rtol": rtol, **p2_e1.runs.SMALL}
    return p2_e1.runs.Run(**rising(**curves), **case)


def p2_runs(**finer):
    main = [p2_run("descent", 5e-2), p2_run("descent", 2e-2), p2_run("flow", 5e-2)]
    return Runs([*main, p2_run("flow", 5e-2, p2_e1.runs.FINER, **finer)])


ETC = "P2.E1", p2_runs(ripple=1e-3)
opposite(*ETC, p2_runs(ripple=0.01), "that is the integrator", "is not the integrator's")
opposite(*ETC, p2_runs(ripple=1e-3, late=0.1), "does not move the rises", "the rises depend on it")


def p3_runs(stretch=100.0):
    found = []
    for name, panel in p3_e1.runs.PANELS.items():
        curves = rising(stretch, quantities=len(panel.quantities))
        case = {"panel": name, "seed": 0, **p3_e1.runs.SMALL}
        for rtol in (p3_e1.runs.RTOL, p3_e1.runs.FINER):
            for method in ("descent", "flow") if rtol == p3_e1.runs.RTOL else ("flow",):
                more = {"method": method, "scale": 0.1, "rtol": rtol}
                found.append(p3_e1.runs.Run(**curves, **case, **more))
    return Runs(found)


opposite("P3.E1", p3_runs(), p3_runs(0.5), "and crosses the plateaus", "the gradient. What follows")


# -- O.E1 and P3.E2 --------------------------------------------------------------------------------


def turns(order=3, cayley=1e-16):
    """Energies that drift with some order of the step, by two fixed-point iterations."""
    sizes = {"plain": lambda eta: 0.02, "fixed_point_0": lambda eta: eta}
    sizes |= {"fixed_point_2": lambda eta: eta**order, "cayley": lambda eta: cayley}
    return Runs(
        o_e1.runs.Run(scheme, eta, np.arange(2.0), np.ones(2), np.array([0, size(eta)]), 0.0)
        for scheme, size in sizes.items()
        for eta in (0.1, 0.05)
    )


opposite("O.E1", turns(), turns(cayley=1e-9), "is rounding", "is no rounding")
opposite("O.E1", turns(), turns(2), "order 3.00 in the step, as", "not with the predicted 3")


def networks(far=0.72, R=0.95):
    rows = ((0, 0.0, 0.94, 0.5), (0, 1.0, 0.96, 0.4), (24, 0.0, 0.55, R), (24, 1.0, far, 0.8))
    return Runs(
        p3_e2.runs.Trained(distance, strength, 0, 60.0, 1.0, test, surrogate)
        for distance, strength, test, surrogate in rows
    )


opposite("P3.E2", networks(), networks(0.4), "the network sees further", "does harm")
opposite("P3.E2", networks(), networks(R=0.3), "is not used together", "does not rise all along")


# -- Q1 --------------------------------------------------------------------------------------------

WIDTHS = Runs(q1_e1.runs.Width(2, d, d / 2 + 0.4, d // 2, (d + 1) / 2) for d in (4, 6))


def fits(descent, lazy=(0.98, 0.96, 0.9, 0.0)):
    found = zip((2, 3, 4, 46), lazy, descent, strict=True)
    runs = Runs(q1_e1.runs.Fit(m, 0, 5, some, error) for m, some, error in found)
    return q1_e1.runs.Measured(WIDTHS, runs)


NEEDS = "descent needs one component more than the rank"
ETC = "Q1.E1", fits((0.7, 0.3, 0.01, 0.01))
opposite(*ETC, fits((0.7, 0.01, 0.01, 0.01)), NEEDS, "descent needs 3 components")
opposite(*ETC, fits((0.7, 0.6, 0.5, 0.4)), NEEDS, "comes below 0.05 at none of them")
opposite(*ETC, fits((0.7, 0.6, 0.5, 0.01)), NEEDS, "does with 43 components more than the rank")
opposite(*ETC, fits((0.7, 0.3, 1e-9, 1e-9)), "keeps the bias", "and ends at 1e-09")
opposite(*ETC, fits((0.7, 0.3, 0.01, 0.01), (1, 1, 1, 0.2)), "exact from", "exact at none")
opposite(*ETC, fits((0.7, 0.3, 0.01, 0.01), (1, 1, 0, 0)), "reaches N", "is less than N")


def trained(tight, wide, without=0.9):
    return Runs(
        q1_e2.runs.Run(fresh, m, 0, 1, np.array([error if fresh else without]))
        for m, error in ((3, tight), (4, wide))
        for fresh in (True, False)
    )


ETC = "Q1.E2", trained(0.5, 0.01)
opposite(*ETC, trained(0.01, 0.01), "none is to spare", "are no worse than more of them")
opposite(*ETC, trained(0.5, 0.01, 0.01), "the penalty alone does not lead out", "without them 1.")


def dimensions(*lazy):
    found = zip((8, 16), lazy, strict=True)
    return Runs(q1_e3.runs.Run(d, 0, 1, np.array([0.01]), some) for d, some in found)


opposite("Q1.E3", dimensions(0.8, 0.9), dimensions(0.9, 0.8), "error rises", "error falls")


# -- Q2 --------------------------------------------------------------------------------------------


def staircase(squared=(1.0, 0.1), observed=(1.0, 2.0, 3.0)):
    seen = np.array(observed)
    sizes = {"dimension": 6, "rank": 3, "components": 20, "ratio": 1.2, "seed": 0}
    curves = {"time": np.array([0.0, 4.0]), "fitted": np.ones((2, 3)), "squared": np.array(squared)}
    times = {"observed": seen, "descent": np.array([1.0, 2.0, 3.0]), "flow": seen + 0.1}
    return Runs([q2_e1.runs.Run(**sizes, **curves, **times)])


ETC = "Q2.E1", staircase()
opposite(*ETC, staircase((0.1, 1.0)), "|^2 falls from", "|^2 rises from")
opposite(*ETC, staircase(observed=(3.0, 2.0, 1.0)), "order is that", "order is not everywhere that")
opposite(*ETC, staircase(observed=(1.0, 2.0, np.inf)), "3 of 3", "1 are late, 0 come unpredicted")
opposite(*ETC, staircase(observed=(np.inf,) * 3), "from their time", "0 of 3 directions")


def stairs(off, behind):
    sizes = {"dimension": 6, "rank": 3, "components": 20, "time": np.zeros(1), "law": 0.1}
    more = {"share": np.zeros((1, 3)), "observed": np.ones(3)}
    return Runs(
        q2_e2.runs.Run(**sizes, **more, delta=delta, predicted=np.full(3, 1 + x), behind=b)
        for delta, x, b in zip((1e-2, 1e-4), off, behind, strict=True)
    )


ETC = "Q2.E2", stairs((0.1, 0.01), (0.1, 0.01))
opposite(*ETC, stairs((0.01, 0.1), (0.1, 0.01)), "has to precede", "makes them no better")
opposite(*ETC, stairs((0.1, 0.01), (0.01, 0.1)), "'behind' falls", "'behind' grows")


def penalized(low, high):
    end = q2_e3.runs.End(6, 2, 20, 0.1, np.array([0.7, 0.6]), 0.1)
    edge = q2_e3.runs.Edge(0.1, 8, low, high, q2_e3.runs.basin_edge(0.05, 0.7, 4))
    return q2_e3.runs.Measured(Runs([end]), Runs([edge]))


opposite("Q2.E3", penalized(0.06, 0.07), penalized(0.12, 0.13), "lies in 1 of 1", "lies in 0 of 1")


def tilted(*off, last_tilt=1.0):
    found = zip((-0.1, -0.02, 0.02, 0.1), off, strict=True)
    none = np.zeros(1)
    return Runs(
        q2_e4.runs.Run(4, x, 0, 0.5 + x, 0.5 + y, 0.5, none, none, none, last_tilt, 1e-9)
        for x, y in found
    )


ETC = "Q2.E4", tilted(0.0, 0.2, 0.0, 0.0)
opposite(*ETC, tilted(0.3, 0.2, 0.0, 0.0), "alignment slowest", "the farthest at -0.1 from the")
opposite(
    "Q2.E4",
    tilted(0.0, 0.2, 0.0, 0.0, last_tilt=0.5),
    tilted(0.0, 0.2, 0.0, 0.0),
    "nothing prefers the shortest",
    "alignment slowest",
)


# -- Q3.E1 -----------------------------------------------------------------------------------------


def risks(mixed=0.9, least=0.6, spare=1e-6):
    """Networks have the risk 0.5, the tangent class more, but for mixed signs if `mixed` is."""
    found = []
    for name in q3_e1.runs.TARGETS:
        tangent = {"risk": 0.6, "error": 0.01, "formula": 0.6, "least": least}
        network = mixed if name == "mixed signs" else 0.5
        risks = {
            "features": {"risk": 0.9, "error": 0.01, "formula": 0.9, "least": 0.9},
            "tangent": tangent,
            "network": {"risk": network, "error": 0.0, "formula": network, "least": network},
            "trained": {"risk": 0.5, "error": 0.0, "formula": 0.5, "least": 0.5},
        }
        if name == "rank 3":
            risks["trained"]["risk"] += spare
        else:
            risks["trained"]["risk"] += 1e-9
        found += [q3_e1.runs.Risk(name, kind, 24, 6, **risk) for kind, risk in risks.items()]
    return Runs(found)


ETC = "Q3.E1", risks()
opposite(*ETC, risks(mixed=0.5), "order is not the same", "order is the same for all targets")
opposite(*ETC, risks(least=0.4), "no draw of the tangent", "Some draws of the tangent class are")
opposite(*ETC, risks(spare=0.0), "decay like t^(-1/2)", "no farther from it")


# -- the tests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("id", "usual", "other", "gone", "there"), OPPOSITE)
def test_a_conclusion_changes_with_the_numbers(id, usual, other, gone, there):
    before, after = said(id, usual), said(id, other)
    assert gone in before, before
    assert gone not in after, after
    assert there in after, after


def test_every_experiment_has_an_opposite_result():
    assert {case.values[0] for case in OPPOSITE} == set(EXPERIMENTS) - {"Q1.E4"}


def test_titles_that_conclude_follow_from_the_runs():
    kept = [Runs(replace(r, flip=None) for r in runs) for runs in (P1_E1.steps, P1_E1.tolerances)]
    other = p1(steps=kept[0], tolerances=kept[1], runs=changed(P1_E1.runs, {"flip": None}, depth=2))

    def titles(measured):
        return [
            ax.get_title(loc)
            for ax in EXPERIMENTS["P1.E1"].pictures["_depth_2"](measured).axes
            for loc in ("left", "center")
            if ax.get_title(loc)
        ]

    before, after = titles(P1_E1), titles(other)
    assert (
        [title[:3] for title in before] == [title[:3] for title in after] == ["(a)", "(b)", "(c)"]
    )
    assert ["break" in before[0], "lose" in before[1], "loses" in before[2]] == [True] * 3
    assert after == ["(a) descent by step", "(b) unbalanced starts", "(c) flow by tolerance"]


def test_orders_that_differ_are_not_called_alike():
    def runs(*times):
        found = zip((2, 3), times, strict=True)
        return Runs(q1_e4.runs.Run(True, order, 0.1, t, t, t) for order, t in found)

    assert q1_e4.report._alike(runs(1.0, 1.001))
    assert not q1_e4.report._alike(runs(1.0, 2.0))


def test_a_law_that_is_met_is_not_crossed_out():
    assert q2_e3.report._told_apart(penalized(0.06, 0.07).edges)
    assert not q2_e3.report._told_apart(penalized(0.12, 0.13).edges)
