"""Where singular values coincide, rates are the one-sided ones, and signs are followed or lost."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.observables.repeated import singular_rates

LAW = "depth * alignment * singular_values**(2 - 2 / depth)"


def turned(values, angle):
    """A symmetric matrix with these eigenvalues, its vectors turned by an angle."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.eye(len(values))
    turn[:2, :2] = [[c, -s], [s, c]]
    return turn @ np.diag(values) @ turn.T


def fitting(target, depth):
    shape = np.shape(target)
    return dl.Problem(dl.DeepLinear.of(shape=shape, depth=depth), dl.SquaredLoss(), dl.Full(target))


# -- rates ----------------------------------------------------------------------------------------


def by_difference(matrix, moved):
    h = 1e-7
    ends = [np.linalg.svd(matrix + k * h * moved, compute_uv=False) for k in (1, 0)]
    return (ends[0] - ends[1]) / h


RNG = np.random.default_rng(0)
Q3, Q4 = (np.linalg.qr(RNG.standard_normal((n, n)))[0] for n in (3, 4))
MATRICES = {
    "the identity": np.eye(3),
    "a rotation": Q3,
    "two equal": np.diag([2.0, 1.0, 1.0]),
    "the first two equal": Q3 @ np.diag([2.0, 2.0, 1.0]) @ Q3.T,
    "opposite signs": np.diag([1.0, -1.0, 0.5]),
    "one zero": np.diag([2.0, 1.0, 0.0]),
    "two zeros": np.diag([2.0, 0.0, 0.0]),
    "nothing": np.zeros((3, 3)),
    "wide, two equal": np.diag([1.0, 1.0, 0.5, 0.0])[:3],
    "tall, a zero": (Q4 @ np.diag([1.0, 1.0, 0.0, 0.0]))[:, :3],
    "simple": Q3 @ np.diag([3.0, 2.0, 1.0]),
}


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("seed", range(3))
def test_rates_are_those_of_a_forward_difference(name, seed):
    matrix = MATRICES[name]
    moved = np.random.default_rng(seed).standard_normal(matrix.shape)
    gap = np.abs(singular_rates(matrix, moved) - by_difference(matrix, moved)).max()
    assert gap < 1e-5, f"off by {gap:.1e}"


def test_one_vector_pair_each_would_be_wrong():
    left, _, right = np.linalg.svd(np.eye(3))
    moved = np.random.default_rng(0).standard_normal((3, 3))
    naive = np.einsum("ir,ij,rj->r", left, moved, right)
    assert np.abs(naive - by_difference(np.eye(3), moved)).max() > 0.1


def test_equal_values_far_from_the_axes():
    target = [[0, 0, 0], [0, 1, 5], [0, 5, 1]]
    states = dl.States(fitting(target, 1), ((2.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0),))
    assert states.samples().read("d_singular_values").round(12).tolist() == [[-2.0, 5.0, -5.0]]


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("angle", [0.0, 0.3, 0.7])
def test_a_law_of_each_direction_holds_from_the_start(depth, angle):
    # From a multiple of the identity every direction grows by itself, towards its eigenvalue.
    high, low = 1.5625, 0.78125
    path = dl.Path(fitting(turned([high, low], angle), depth), dl.Start(0.25, "identity"), 2.0)
    x = "d_singular_values / (depth * singular_values**(2 - 2 / depth)) + singular_values"
    claim = dl.Equal(f"({x} - {high}) * ({x} - {low})", "0", scale="1")
    assert claim.check(path).status == "SUPPORTED", str(claim.check(path))
    false = dl.Equal(f"({x} - {high}) * ({x} - 0.79)", "0", scale="1")
    assert false.check(path).status == "REFUTED"


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(
    "target", [turned([1.0, 0.5, 0.2], 0.4), [[1, 2, 0], [0, 1, 3], [1, 1, 1]]]
)
def test_rates_and_alignments_agree_where_values_coincide(depth, target):
    problem = fitting(target, depth)
    states = dl.States(problem, (problem.init(0.5, kind="identity"),))
    assert dl.RateLaw("singular_values", LAW).check(states).status == "SUPPORTED"
    wrong = LAW.removeprefix("depth * ") + " * (depth + 1)"
    assert dl.RateLaw("singular_values", wrong).check(states).status == "REFUTED"


def test_the_sum_of_equal_values_moves_as_the_trace_does():
    problem = fitting([[1, 2, 0], [0, 1, 3], [1, 1, 1]], 2)
    states = dl.States(problem, (problem.init(0.5, kind="identity"),))
    trace = "d_end_to_end[0, 0] + d_end_to_end[1, 1] + d_end_to_end[2, 2]"
    assert dl.Equal("d(sum(singular_values))", trace).check(states).status == "SUPPORTED"
    first = "d_end_to_end[0, 0]"
    assert dl.Equal("d(max(singular_values))", first).check(states).status == "REFUTED"


def test_matricizations_have_one_sided_rates_too():
    model = dl.CPFactorization((2, 2, 2), 2)
    basis = [np.eye(2)] * 3  # two orthogonal components of equal norm
    problem = dl.Problem(model, dl.SquaredLoss(), dl.Full(RNG.standard_normal((2, 2, 2))))
    theta = model.ravel(basis)
    reading = {"s": dl.Reading("matricization_singular_values", parameters={"modes": 0})}
    found = dl.States(problem, (theta,)).samples().rate(reading["s"])[0]
    unfolded = [
        problem.end_to_end(theta + h * problem.vector_field(0.0, theta)).reshape(2, 4)
        for h in (0.0, 1e-7)
    ]
    ends = [np.linalg.svd(matrix, compute_uv=False) for matrix in unfolded]
    assert np.abs(found - (ends[1] - ends[0]) / 1e-7).max() < 1e-5


def test_values_that_nearly_coincide_are_undecided_rather_than_wrong():
    # Their vectors are known to eps / gap: the twins tell, since they split the pair elsewhere.
    problem = fitting([[0, 5], [5, 1]], 1)
    states = dl.States(problem, (turned([1.0, 1.0 + 1e-13], 0.3).ravel(),))
    found = dl.RateLaw("singular_values", "0 * singular_values", scale="1e-6", tolerance=1.0)
    verdict = found.check(states)
    assert verdict.numerical_error > 1e2, str(verdict)


# -- signs ----------------------------------------------------------------------------------------


def signed(matrices):
    matrices = np.asarray(matrices, dtype=float)
    found = dl.observables.registry.find("signed_singular_values")
    problem = fitting(np.zeros(matrices.shape[1:]), 1)
    return found(problem, matrices.reshape(len(matrices), -1))


@pytest.mark.parametrize("count", [3, 4, 6, 11, 21, 101, 500])
def test_signs_do_not_depend_on_the_times_that_are_saved(count):
    problem = fitting([[1, 2], [3, -4]], 1)
    flow = dl.gradient_flow(problem, np.array([1.0, 0, 0, 1]), np.linspace(0.0, 8.0, count))
    end = flow.values("signed_singular_values")[-1]
    assert end == pytest.approx([5.11463804, -1.95405769], abs=1e-6)


@pytest.mark.parametrize("angle", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("count", [3, 10, 100])
def test_a_true_crossing_is_passed(angle, count):
    s = np.linspace(0.0, 1.0, count)[:, None, None]
    path = (1 - s) * turned([2.0, 1.0], angle) + s * turned([-1.0, 3.0], angle)
    assert signed(path)[-1] == pytest.approx([-1.0, 3.0])


@pytest.mark.parametrize("gap", [0.3, 0.03, 0.003])
@pytest.mark.parametrize("count", [2, 5, 50])
def test_a_near_miss_is_no_crossing(gap, count):
    s = np.linspace(0.0, 1.0, count)[:, None, None]
    upper, lower = np.diag([2.0, 1.0]), np.diag([1.0, 2.0])
    off = gap * np.array([[0.0, 1.0], [1.0, 0.0]])
    path = (1 - s) * upper + s * lower + off
    found = signed(path)
    assert found[0] == pytest.approx(found[-1]), "the larger stays the larger"


def test_what_bends_too_far_between_two_times_is_lost_and_says_so():
    # Half a turn of the vectors from one time to the next, with two values that exchange places.
    def at(s):
        return turned([2.0, 1.0], 0.0) if s == 0 else turned([2.0 - s, 1.0 + s], 1.4 * s)

    with pytest.warns(UserWarning, match="turn too far to be followed: it is NaN from there on"):
        found = signed([at(0.0), at(1.0), at(2.0)])
    assert np.isnan(found[-1]).any()
    s = np.linspace(0.0, 2.0, 2000)
    fine = signed([at(x) for x in s])
    assert fine[-1] == pytest.approx([0.0, 3.0], abs=1e-9)


def test_a_claim_about_what_was_lost_is_undecided():
    problem = fitting(np.zeros((2, 2)), 1)
    lost = np.array([[1.0, 2.0], [np.nan, np.nan]])
    samples = dl.States(problem, np.eye(4)[:2]).samples()
    for each in (samples, *samples.twins):
        each._cache["signed_singular_values"] = lost
    verdict = dl.AtLeast("signed_singular_values", "0", scale="1").evidence(samples)
    assert np.isinf(verdict.error[1]).all()


def test_rank_deficient_paths_keep_their_zero():
    s = np.linspace(0.0, 1.0, 9)
    path = [np.outer([1.0, x, 0.0], [1.0, 0.0, x]) for x in s]
    assert np.abs(signed(path)[:, 1:]).max() < 1e-15


def test_values_that_stay_equal_cost_no_search(monkeypatch):
    calls = []
    svd = np.linalg.svd
    monkeypatch.setattr(np.linalg, "svd", lambda *a, **k: calls.append(1) or svd(*a, **k))
    growing = np.linspace(1.0, 2.0, 50)[:, None, None] * np.eye(3)
    assert signed(growing)[-1] == pytest.approx([2.0, 2.0, 2.0])
    assert len(calls) < 200, len(calls)
