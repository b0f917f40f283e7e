"""The attack that searches: what random states miss is found, what is true survives."""

from dataclasses import replace

import numpy as np
import pytest

import dynlens as dl
from dynlens.cases.spaces import space_of
from dynlens.claims import searching
from dynlens.claims.searching import SURE, Attack
from dynlens.support.swarms import Swarms
from dynlens.verdict import Search

STATES = 20_000  # of which the false ones below need a fifth
FEW = 5_000

ONE = dl.completion_problem(1)
OTHER = dl.completion_problem(1, observed=(-2.0, 0.5, 0.1))
S = "sqrt(2*loss)"
ENTRY = {"readings": {"w11": dl.Reading("end_to_end", where=(0, 0))}}
NAMES = {
    "s": dl.Reading("component_norms"),
    "gamma": dl.Reading("component_alignments"),
    "eps": dl.Reading("unbalancedness"),
}
SPEED = "sign(gamma) * d_component_norms"
CP = {"where": "s", "readings": NAMES}
HIGH = "c * Abs(gamma) * (s**(2 / order) + eps)**(order - 1)"


def matrices(problem, sign):
    return dl.RandomMatrices(problem, 200, seed=0, determinant=sign)


def components(order, **changed):
    return dl.RandomStates(dl.CPFactorization((3,) * order, 2), start="gaussian", **changed)


# Name: left >= right, the constant with which it is sharp, one with which it is false, where.
SHARP = {
    "P1.T1 D": ("c * sqrt(loss)", "rank_distance", 2**0.5, 0.99 * 2**0.5, matrices(ONE, 1), {}),
    "P1.T1 erank": ("1 + c * sqrt(loss)", "effective_rank", 1, 0.99, matrices(ONE, 1), {}),
    "P1.T1 share": (
        "c * loss",
        "rank_distance / nuclear_norm",
        0.5,
        0.495,
        matrices(ONE, 1),
        {},
    ),
    "P1.T1 norm": (
        "frobenius_norm",
        f"1 / {S} - c",
        0.5**0.5,
        0.99 * 0.5**0.5,
        matrices(ONE, 1),
        {},
    ),
    "P1.T1 entry": ("Abs(w11)", f"1 / {S} - c", 1, 0.99, matrices(ONE, 1), ENTRY),
    "P1.T2 D": (f"c * (0.1 + {S})", "rank_distance", 1, 0.99, matrices(OTHER, -1), {}),
    "P1.T2 entry": (
        "Abs(w11)",
        f"c * (2 - {S}) * (0.5 - {S}) / (0.1 + {S})",
        1,
        1.01,
        matrices(OTHER, -1),
        {"where": f"0.5 - {S}", **ENTRY},
    ),
    "P2.T1 high, order 2": (HIGH, SPEED, 2, 1.98, components(2), CP),
    "P2.T1 high, order 3": (HIGH, SPEED, 3, 2.97, components(3), CP),
    "P2.T1 high, order 4": (HIGH, SPEED, 4, 3.96, components(4), CP),
    "P2.T1 low, eps": (
        SPEED,
        "c * Abs(gamma) * s**2 / (s**(2 / order) + eps)",
        3,
        3.03,
        components(3),
        CP,
    ),
    "P2.T1 AM-GM": (
        SPEED,
        "c * Abs(gamma) * order * s**(2 - 2 / order)",
        1,
        1.001,
        components(4),
        CP,
    ),
    "small components alone": (
        "d_component_norms**2 * (1 + c * exp(-1e6 * s))",
        "(order * gamma * s**(2 - 2 / order))**2",
        0,
        -0.01,
        components(3),
        {"assumptions": (dl.BALANCED,), **CP},
    ),
    "a point of a line": ("(x - 1/3)**2", "c", 0, 1e-8, dl.Box({"x": (0, 1)}), {}),
    "a point of a plane": (
        "(x - 1/3)**2 + (y + 1/7)**2",
        "c",
        0,
        1e-8,
        dl.Box({"x": (0, 1), "y": (-1, 1)}),
        {},
    ),
    "a product, without a slope": (
        "(x - 3/10) * (x - 3/10 - c)",
        "0",
        0,
        5e-4,
        dl.Box({"x": (0, 1)}),
        {},
    ),
    "Cauchy and Schwarz": (
        "c * sum(x**2)",
        "(x[0] + 2 * x[1] + 3 * x[2])**2",
        14,
        14 - 1e-6,
        dl.Box({"x": (0.5, 10)}, entries={"x": 3}),
        {},
    ),
}


def claim(name, *, false=False):
    left, right, true, wrong, _, more = SHARP[name]
    return dl.AtLeast(left, right, given={"c": wrong if false else true}, **more)


PUBLIC = {name: getattr(dl, name) for name in dl.__all__}


def pasted(line):
    return eval(line.split("print(")[1][:-1], PUBLIC)


@pytest.mark.parametrize("name", SHARP)
def test_a_search_refutes_what_random_states_miss(name):
    false, case = claim(name, false=True), SHARP[name][4]
    assert false.check(case).status in ("SUPPORTED", "NOT_APPLICABLE"), "random states see it"
    verdict = dl.falsify(false, case, states=STATES)
    assert verdict.status == "REFUTED", str(verdict)
    assert verdict.residual > SURE * verdict.numerical_error
    assert 0 < verdict.search.states <= STATES
    assert pasted(verdict.reproduce) == replace(verdict, search=None)


def test_there_are_fourteen_of_them():
    assert len(SHARP) >= 14


@pytest.mark.parametrize("name", ["P1.T1 D", "P2.T1 high, order 2", "Cauchy and Schwarz"])
def test_what_is_sharp_survives_and_its_equality_is_found(name):
    verdict = dl.falsify(claim(name), SHARP[name][4], states=FEW)
    assert verdict.status == "SUPPORTED", str(verdict)
    assert verdict.search.whole
    assert verdict.search.states >= 0.99 * FEW
    assert verdict.attacks > verdict.search.states
    near = eval(verdict.search.at, PUBLIC)
    found = claim(name).check(near)
    assert found.residual == verdict.search.residual
    assert -1e-6 < found.residual < 1e-12
    assert f"{verdict.search.states} states; the worst has residual" in str(verdict)


# How near a long search comes to equality, where both sides do not vanish there.
NEAREST = {
    "P1.T1 D": 1e-12,
    "P1.T1 erank": 1e-8,
    "P1.T1 share": 1e-6,
    "P1.T1 norm": 0.01,  # at infinity
    "P1.T1 entry": 0.01,
    "P1.T2 D": 1e-12,
    "P1.T2 entry": 1e-4,
    "P2.T1 high, order 2": 1e-8,
    "P2.T1 high, order 3": 1e-6,
    "P2.T1 high, order 4": 1e-6,
    "P2.T1 low, eps": 1e-6,
    "P2.T1 AM-GM": 1e-12,
    "small components alone": 1e-12,
    "Cauchy and Schwarz": 1e-12,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARP)
def test_a_long_search_refutes_nothing_that_is_true(name):
    verdict = dl.falsify(claim(name), SHARP[name][4], seed=1, seconds=300)
    assert verdict.status == "SUPPORTED", str(verdict)
    assert verdict.search.whole
    # What may be rounding is equality to the last digit, and nothing else.
    assert not verdict.search.unsure or abs(verdict.search.residual) < 1e-12
    if name in NEAREST:
        assert -NEAREST[name] < verdict.search.residual < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("name", SHARP)
def test_every_seed_refutes_what_is_false(name, seed):
    verdict = dl.falsify(claim(name, false=True), SHARP[name][4], seed=seed, seconds=300)
    assert verdict.status == "REFUTED", str(verdict)


# -- faults that must be seen ---------------------------------------------------------------------

NARROW = ("a point of a line", "a point of a plane", "P1.T2 entry")


@pytest.mark.parametrize("name", NARROW)
def test_without_swarms_a_narrow_window_is_missed(name, monkeypatch):
    monkeypatch.setattr(searching._Attempt, "_searched", lambda self, pool: None)
    verdict = dl.falsify(claim(name, false=True), SHARP[name][4], states=STATES)
    assert verdict.status == "SUPPORTED"


def test_without_shapes_of_all_kinds_small_components_are_missed(monkeypatch):
    def gaussian(model, rng, count):
        return rng.standard_normal((count, model.parameters))

    monkeypatch.setattr("dynlens.cases.spaces.shapes", gaussian)
    monkeypatch.setattr(searching._Attempt, "_searched", lambda self, pool: None)
    name = "small components alone"
    verdict = dl.falsify(claim(name, false=True), SHARP[name][4], states=FEW)
    assert verdict.status == "SUPPORTED"


# Balanced to rounding, which at the smallest of its singular values is a thousandth of the rate.
GRADED = (
    *(97.01069536271052, 0.008767311289966174, 292.3308726199223, -28.38482142793317),
    *(9.35020972375871e-05, 9.419570498907145, 4.731392166156895e-08, -0.007888307592805984),
    *(2.2087742973060003e-07, -205.3404835136449, -18.327509760620995, 0.003346725475946037),
    *(102.66613463656324, -22.557368920953394, -0.004462300634597785, 205.33719781743693),
    *(-7.049389280400576, 0.005577875793244945),
)
SEEN = dl.Entries((3, 3), ((0, 2), (1, 0), (1, 1), (1, 2), (2, 0)), (10, -30, -20, -30, 10))
RATE = "depth * alignment * singular_values**(2 - 2 / depth)"


def test_an_equation_that_is_kept_to_rounding_refutes_nothing():
    law = dl.RateLaw("singular_values", RATE, assumptions=(dl.BALANCED,))
    origin = dl.RandomStates((3, 3, 3), "gaussian")
    space = replace(space_of(origin), problem=dl.Problem(origin.model, dl.SquaredLoss(), SEEN))
    row = np.array([*GRADED, *SEEN.values], dtype=float)
    attack = Attack(law, space)
    assert attack.score(row[None])[0] > 1e-6, "it looks like a violation"
    assert not attack.steady(row)
    wrong = Attack(replace(law, rate=RATE.replace("depth * ", "")), space)
    ordinary = space.balanced(np.random.default_rng(0).standard_normal((1, len(row))))[0]
    assert wrong.steady(ordinary)
    assert dl.falsify(law, origin, states=FEW).status == "SUPPORTED"


def test_a_determinant_that_is_rounding_has_no_sign():
    space = space_of(dl.RandomMatrices(ONE, 10, 0, determinant=1))
    matrices = np.array([[1.0, 2, 0.5, 1 + 1e-15], [1, 2, 0.5, 1 + 1e-9], [1, 2, 1, 1]])
    assert (space.outside(matrices) == 0).tolist() == [False, True, False]


CANCELLING = {
    "hyperbolic": ("cosh(x) - 1", "2 * sinh(x / 2)**2", {"x": (1e-12, 1)}),
    "squares": ("(x + y)**2 - x**2 - y**2", "2 * x * y", {"x": (1e-9, 1e9), "y": (1e-9, 1e9)}),
    "Bernoulli": ("(1 + x)**3 - 1", "3 * x + 3 * x**2", {"x": (0, 1e-6)}),
    "roots": ("sqrt(1 + x) - 1", "x / (sqrt(1 + x) + 1)", {"x": (0, 1)}),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_a_search_for_rounding_finds_none(name):
    left, right, bounds = CANCELLING[name]
    true = dl.AtLeast(left, right, tolerance=1e-14)
    verdict = dl.falsify(true, dl.Box(bounds), states=FEW)
    assert verdict.status == "SUPPORTED", str(verdict)
    false = dl.AtLeast(left, f"({right}) * (1 + 1e-9)", tolerance=1e-14)
    assert dl.falsify(false, dl.Box(bounds), states=STATES).status == "REFUTED"


# -- equations, `where`, several cases ------------------------------------------------------------

SIMPLEX = dl.Assumption("sum one", "sum(x)", low=1 - 1e-12, high=1 + 1e-12)
CIRCLE = dl.Assumption("circle", "x**2 + y**2", low=1, high=1)
UNIT = dl.Assumption("norm one", "frobenius_norm", low=1 - 1e-10, high=1 + 1e-10)
BOUND = {
    "simplex": ("sum(x**2)", "{c} / 4", SIMPLEX, dl.Box({"x": (0, 1)}, entries={"x": 4})),
    "circle": ("sqrt(2)", "{c} * (x + y)", CIRCLE, dl.Box({"x": (-1, 1), "y": (-1, 1)})),
    "norm of a product": ("nuclear_norm", "{c}", UNIT, dl.RandomStates((2, 2, 2), "gaussian")),
    "balanced": (
        "parameter_norm**2",
        "{c} * 2 * nuclear_norm",
        dl.BALANCED,
        dl.RandomStates((2, 2, 2), "gaussian"),
    ),
}


@pytest.mark.parametrize("name", BOUND)
def test_a_search_goes_to_where_an_equation_holds(name):
    left, right, equation, case = BOUND[name]
    # Within the bounds of the norm the bound below is kept to their width.
    true, false = (
        dl.AtLeast(left, right.format(c=c), assumptions=(equation,), tolerance=1e-9)
        for c in (1, 1 + 1e-6)
    )
    verdict = dl.falsify(true, case, states=FEW)
    assert verdict.status == "SUPPORTED", str(verdict)
    assert all(finding.holds for finding in verdict.assumptions)
    refuted = dl.falsify(false, case, states=STATES)
    assert refuted.status == "REFUTED", str(refuted)
    assert all(finding.holds for finding in refuted.assumptions)


def test_a_search_goes_to_where_something_is_asserted():
    window = "1e-5 - Abs(x - 0.3) - Abs(y + 0.16)"
    box = dl.Box({"x": (-1, 1), "y": (-1, 1)})
    true, false = (dl.AtLeast("y", f"x**2 - {c}", where=window) for c in (0.26, 0.24))
    assert true.check(box).status == "NOT_APPLICABLE"
    assert dl.falsify(false, box, states=STATES).status == "REFUTED"
    verdict = dl.falsify(true, box, states=FEW)
    assert verdict.status == "SUPPORTED"
    assert "Points(" in verdict.search.at


def test_several_cases_are_searched_in_turn():
    false = dl.AtLeast("x", "c", given={"c": 2 + 1e-9})
    true_there, false_here = dl.Box({"x": (3, 4)}), dl.Box({"x": (2, 5)}, count=1)
    assert dl.falsify(false, [true_there], states=STATES).status == "SUPPORTED"
    assert dl.falsify(false, [true_there, false_here], states=STATES).status == "REFUTED"


def test_targets_are_unknowns():
    """Only beside a target of nearly this size is it false."""
    false = dl.AtLeast("Abs(loss - 7)", "1e-4", where="1e-3 - frobenius_norm")
    case = dl.RandomStates((2, 2), "gaussian", loss=dl.HuberLoss(1.0))
    verdict = dl.falsify(false, case, states=STATES)
    assert verdict.status == "REFUTED"
    assert "HuberLoss()" in verdict.reproduce


# -- the same result, budgets, words --------------------------------------------------------------


def test_the_seed_decides():
    name = "P1.T2 entry"
    false, case = claim(name, false=True), SHARP[name][4]
    first, again = (dl.falsify(false, case, states=STATES) for _ in range(2))
    other = dl.falsify(false, case, states=STATES, seed=5)
    assert first == again
    assert first.search.states != other.search.states


@pytest.mark.slow
@pytest.mark.parametrize("false", [False, True])
@pytest.mark.parametrize("name", ["P1.T2 entry", "P2.T1 high, order 3"])
def test_the_result_is_the_same_with_two_processes(name, false):
    one, two = (
        dl.falsify(claim(name, false=false), SHARP[name][4], seconds=300, processes=n)
        for n in (1, 2)
    )
    assert one == two


def test_no_states_are_no_search():
    name = "a point of a line"
    false, case = claim(name, false=True), SHARP[name][4]
    assert dl.falsify(false, case, states=0) == false.check(case)


def test_a_search_that_runs_out_of_time_says_so():
    name = "a point of a line"
    verdict = dl.falsify(claim(name), SHARP[name][4], seconds=0)
    assert verdict.search == Search(0, pytest.approx(float("nan"), nan_ok=True), "", False)
    assert "0 states, then time ran out" in str(verdict)


def test_what_stands_for_itself_is_not_searched():
    path = dl.Path(dl.completion_problem(2), dl.Start(0.3, "identity"), 1.0)
    verdict = dl.falsify(dl.AtLeast("loss_0", "loss"), path)
    assert verdict.search is None
    assert "nothing to search" in verdict.note


def test_a_function_that_knows_a_few_states_is_not_searched():
    def of_these(samples):
        return samples.read("frobenius_norm") + np.zeros(20)

    verdict = dl.falsify(dl.AtLeast(of_these, "0"), dl.RandomStates((2, 2)))
    assert verdict.search is None
    assert "not searched: operands could not be broadcast" in verdict.note


def test_progress_is_told(capsys):
    name = "a point of a line"
    dl.falsify(claim(name), SHARP[name][4], states=500, progress=True)
    told = capsys.readouterr()
    assert "search: 100%" in told.err
    assert not told.out


@pytest.mark.parametrize(
    ("argument", "value", "kind"),
    [
        ("states", -1, ValueError),
        ("states", 1.5, TypeError),
        ("seconds", -1, ValueError),
        ("seed", None, TypeError),
        ("processes", 0, ValueError),
        ("case", [], TypeError),
        ("case", [3], TypeError),
    ],
)
def test_what_makes_no_search_is_refused(argument, value, kind):
    arguments = {"case": dl.Box({"x": (0, 1)}), argument: value}
    with pytest.raises(kind, match=f"`{argument}`"):
        dl.falsify(dl.AtLeast("x", "0"), **arguments)


# -- swarms ---------------------------------------------------------------------------------------

LANDSCAPES = {
    "sphere": lambda x: -np.sum((x - 1) ** 2, axis=-1),
    "ellipsoid": lambda x: -np.sum(np.logspace(0, 6, x.shape[-1]) * (x - 1) ** 2, axis=-1),
    "valley": lambda x: (
        -np.sum(100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2, axis=-1)
    ),
    "edges": lambda x: -np.max(np.abs(x - 1), axis=-1),
}


def climbed(value, *, adapted=True, generations=600):
    rng = np.random.default_rng(0)
    swarms = Swarms(rng.standard_normal((3, 5)), np.full((3, 5), 0.5), rng)
    start = swarms.covariance.copy()
    for _ in range(generations):
        points = swarms.ask()
        swarms.tell(points, value(points))
        if not adapted:
            swarms.covariance = start.copy()
    return np.abs(swarms.mean - 1).max()


@pytest.mark.parametrize("name", LANDSCAPES)
def test_swarms_come_to_the_top(name):
    assert climbed(LANDSCAPES[name]) < 1e-5


def test_without_a_covariance_they_do_not_on_an_ellipsoid():
    assert climbed(LANDSCAPES["ellipsoid"], adapted=False) > 1e-3


# -- suprema --------------------------------------------------------------------------------------

RANK = ("rank_distance / sqrt(loss)", matrices(ONE, 1))


def test_a_supremum_is_kept_and_nearly_reached():
    of, case = RANK
    verdict = dl.Supremum(of, "sqrt(2)").check(case)
    assert verdict.status == "SUPPORTED", str(verdict)
    assert "comes near" in verdict.note
    below = dl.Supremum(of, "1.4").check(case)
    assert below.status == "REFUTED"
    assert pasted(below.reproduce).status == "REFUTED"


def test_a_bound_that_is_not_reached_is_no_supremum():
    of, case = RANK
    verdict = dl.Supremum(of, "1.5").check(case)
    assert verdict.status == "UNDECIDED"
    assert "no state was found" in verdict.note


def test_an_infimum_is_a_best_constant():
    box = dl.Box({"x": (0, 50)})
    assert dl.Infimum("x**2 - x", "-1/4").check(box).status == "SUPPORTED"
    assert dl.Infimum("x**2 - x", "-0.249").check(box).status == "REFUTED"
    assert dl.Infimum("x**2 - x", "-0.26").check(box).status == "UNDECIDED"
    assert dl.Supremum("-x**2", "0").check(box).status == "SUPPORTED"
    with pytest.raises(ValueError, match="`share`"):
        dl.Infimum("x", "0", share=2)
