"""What rounding does to a long descent is measured, and trusted no more once it has decided."""

from fractions import Fraction

import numpy as np
import pytest

import dynlens as dl

DECAY = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))
TARGET = [[1.0625, 0.375], [0.375, 1.28125]]  # eigenvalues 50/32 along (3, 4), and 25/32: exact
SADDLE = dl.Problem(dl.DeepLinear((2, 2, 2)), dl.SquaredLoss(), dl.Full(TARGET))
RANK_ONE = tuple(2.0**-7 * x for x in (9, 12, 12, 16, 9, 12, 12, 16))
ABOVE = dl.AtLeast("loss", "0.305175")  # rank one stays rank one, and (25/32)^2 / 2 is left


def exact_decay(h, n):
    """(1 - h)^n with fifty digits, as a double."""
    import mpmath

    with mpmath.workdps(50):
        return mpmath.power(1 - mpmath.mpf(h), n)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_a_compensated_twin_has_no_accumulated_rounding(backend):
    n, h = (3_000_000, 1e-7) if backend == "numba" else (20_000, 1e-5)
    run = dl.gradient_descent(DECAY, (1.0,), eta=h, steps=n, saves=2, backend=backend)
    truth = exact_decay(h, n)
    off, twin = (abs(float(x.theta[-1, 0] - truth)) for x in (run, run.twins[0]))
    assert twin < 2e-16 < off  # to the last digit; the run itself is off by many
    assert off <= run.error("frobenius_norm")[-1]


def test_the_remainder_of_eulers_method_is_not_refuted_by_rounding():
    h = 1e-7
    claim = dl.AtLeast(
        "0.1 * h**2",
        "Abs(frobenius_norm - exp(-1) * (1 - h / 2))",
        given={"h": h},
        after=0.5,
    )
    verdict = claim.check(dl.Path(DECAY, (1.0,), 1.0, eta=h, saves=2))
    assert verdict.status != "REFUTED", verdict


@pytest.mark.parametrize(
    ("saves", "after"),
    [("steps", 0.0), (101, 0.0), (2, 0.0), ("steps", 1e3), (101, 200.0), ((0.0, 1e4), 0.0)],
)
def test_a_manifold_that_rounding_leaves_is_trusted_no_more(saves, after):
    path = dl.Path(SADDLE, RANK_ONE, 1e4, eta=0.05, saves=saves)
    verdict = dl.AtLeast("loss", "0.305175", after=after).check(path)
    assert path.trajectory.values("loss")[-1] < 1e-20  # the trap has sprung
    assert verdict.status in ("SUPPORTED", "UNDECIDED"), verdict
    assert verdict.horizon < 60, verdict


@pytest.mark.parametrize("seed", range(6))
def test_so_are_manifolds_that_no_float_lies_on(seed):
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((2, 2)))[0]
    problem = dl.Problem(
        dl.DeepLinear((2, 2, 2)), dl.SquaredLoss(), dl.Full(turn @ np.diag([1.5, 0.75]) @ turn.T)
    )
    factor = 0.1 * np.outer(turn[:, 0], turn[:, 0]).ravel()
    path = dl.Path(problem, (*factor, *factor), 1e4, eta=0.05)
    verdict = dl.AtLeast("loss", "0.28124").check(path)
    assert verdict.status != "REFUTED", verdict
    assert verdict.horizon < 80, verdict


def test_flows_say_so_too_and_trajectories():
    assert ABOVE.check(dl.Path(SADDLE, RANK_ONE, 1e6)).status == "UNDECIDED"
    assert ABOVE.check(dl.gradient_flow(SADDLE, RANK_ONE, 1000.0, saves=11)).status != "REFUTED"
    descent = dl.gradient_descent(SADDLE, RANK_ONE, eta=0.05, steps=20_000, saves=11)
    assert ABOVE.check(descent).status != "REFUTED"


def test_a_false_claim_is_refuted_before_rounding_decides():
    false = dl.AtLeast("loss", "0.5")  # it falls to 0.305 by itself
    assert false.check(dl.Path(SADDLE, RANK_ONE, 1e4, eta=0.05)).status == "REFUTED"


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("method", ["plain", "momentum", "grouprmsprop"])
def test_twins_take_the_same_steps(method, backend):
    problem = dl.completion_problem(2)
    start = problem.init(0.3, kind="balanced", seed=0)
    given = {"eta": 0.01, "steps": 200, "saves": 3, "method": method, "backend": backend}
    run = dl.gradient_descent(problem, start, **given)
    assert len(run.twins) == 3
    gaps = [np.abs(twin.theta - run.theta).max() for twin in run.twins]
    assert all(0 < gap < 1e-13 for gap in gaps), gaps
    assert len(set(gaps)) == 3
    for twin in run.twins:
        assert np.array_equal(twin.t, run.t)
        assert np.shape(twin.attrs.get("memory", ())) == np.shape(run.attrs.get("memory", ()))


def test_twins_of_a_run_that_stopped_are_compared_at_its_steps():
    problem = dl.completion_problem(2)
    start = problem.init(0.3, kind="balanced", seed=0)
    run = dl.gradient_descent(problem, start, eta=0.01, steps=10_000, stop_below=0.1)
    assert run.status == "event"
    assert all(np.array_equal(twin.t, run.t) for twin in run.twins)
    assert run.error("loss")[-1] < 1e-12


def test_exact_rational_steps_keep_rank_one():
    # What the claims above rest on, in exact arithmetic.
    target = [[Fraction(x) for x in row] for row in TARGET]
    a = b = [[Fraction(x) for x in RANK_ONE[:2]], [Fraction(x) for x in RANK_ONE[2:4]]]
    eta = Fraction(0.05)

    def times(x, y):
        return [[sum(x[i][k] * y[k][j] for k in range(2)) for j in range(2)] for i in range(2)]

    def turned(x):
        return [list(row) for row in zip(*x, strict=True)]

    for _ in range(3):
        w = times(b, a)
        assert w[0][0] * w[1][1] == w[0][1] * w[1][0]
        z = [[w[i][j] - target[i][j] for j in range(2)] for i in range(2)]
        ga, gb = times(turned(b), z), times(z, turned(a))
        a, b = (
            [[x[i][j] - eta * g[i][j] for j in range(2)] for i in range(2)]
            for x, g in ((a, ga), (b, gb))
        )
