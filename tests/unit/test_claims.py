"""Claims: what is true survives, what is false is refuted with a case that can be pasted."""

import contextlib
import io
import re
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import sympy as sp

import dynlens as dl
from dynlens.cases.base import Samples
from dynlens.cases.reproduce import concise
from dynlens.catalogue import from_file
from dynlens.claims.shrinking import TRIES
from dynlens.cli import notation

NAMES = {name: getattr(dl, name) for name in dl.__all__}
COMPLETION = dl.completion_problem(2)
SCALARS = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
VANISHING = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))

PATH = dl.Path(COMPLETION, dl.Start(0.5, "balanced", seed=1, determinant=1), 3.0, saves=31)
LOGISTIC = dl.Path(SCALARS, (0.5, 0.5), 3.0, saves=31)
DECAY = dl.Path(VANISHING, (1.0, 1.0), 1e3, method="LSODA", saves="log")
STATES = dl.RandomStates((2, 2, 2), start="gaussian", count=5)
MATRICES = dl.RandomMatrices(dl.completion_problem(1), 500, seed=0)
DRAWS = dl.RandomStates((2, 2), start="gaussian", count=400)
SYSTEM = dl.SystemPath({"s": "2 * s * (1 - s)"}, {"s": 0.25}, 3.0, saves=31)

x = sp.Symbol("x", positive=True)
depth, singular_values = sp.symbols("depth singular_values", positive=True)
alignment = sp.Symbol("alignment", real=True)
LAW = depth * alignment * singular_values ** (2 - 2 / depth)
WRONG_LAW = depth * alignment * singular_values ** (2 - 1 / depth)
LOGISTIC_FORM = "2 / (1 + (2 / end_to_end_0 - 1) * exp(-4 * t))"


# -- the true and the false -----------------------------------------------------------------------

# name: (a true claim, a false one beside it, the case)
CLAIMS = {
    "equal, on a path": (
        dl.Equal(left="nuclear_norm", right="schatten_norm"),
        dl.Equal(left="nuclear_norm", right="frobenius_norm"),
        PATH,
    ),
    "equal, at random states": (
        dl.Equal(left="parameter_norm**2", right="parameter_norm * parameter_norm"),
        dl.Equal(left="parameter_norm**2", right="1.00001 * parameter_norm**2"),
        STATES,
    ),
    "at least, on a path": (
        dl.AtLeast(left="nuclear_norm", right="frobenius_norm"),
        dl.AtLeast(left="spectral_norm", right="frobenius_norm"),
        PATH,
    ),
    "at least, at random matrices": (
        dl.AtLeast(left="sqrt(2) * frobenius_norm", right="nuclear_norm"),
        dl.AtLeast(left="1.4 * frobenius_norm", right="nuclear_norm"),
        MATRICES,
    ),
    "rate law, on a path": (
        dl.RateLaw(of="loss", rate="-gradient_norm**2"),
        dl.RateLaw(of="loss", rate="-(1 + 1e-7) * gradient_norm**2"),
        PATH,
    ),
    "rate law, at random states": (
        dl.RateLaw(of="loss", rate="-gradient_norm**2"),
        dl.RateLaw(of="loss", rate="gradient_norm**2"),
        STATES,
    ),
    "rate law in sympy": (
        dl.RateLaw(of="singular_values", rate=LAW, assumptions=(dl.BALANCED,)),
        dl.RateLaw(of="singular_values", rate=WRONG_LAW, assumptions=(dl.BALANCED,)),
        dl.RandomStates((3, 3, 3), count=3),
    ),
    "conserved": (dl.Conserved(of="imbalances"), dl.Conserved(of="frobenius_norm"), PATH),
    "conserved, a formula": (
        dl.Conserved(of="imbalances + 1"),
        dl.Conserved(of="imbalances + frobenius_norm"),
        PATH,
    ),
    "closed form": (
        dl.ClosedForm(left="end_to_end", right=LOGISTIC_FORM),
        dl.ClosedForm(left="end_to_end", right=LOGISTIC_FORM.replace("4 *", "4.001 *")),
        LOGISTIC,
    ),
    "implicit closed form": (
        dl.ClosedForm(left="t", right="log(s * (1 - s_0) / (s_0 * (1 - s))) / 2"),
        dl.ClosedForm(left="t", right="log(s * (1 - s_0) / (s_0 * (1 - s)))"),
        SYSTEM,
    ),
    "closed form of a system": (
        dl.ClosedForm(left="s", right="1 / (1 + (1 / s_0 - 1) * exp(-2 * t))"),
        dl.ClosedForm(left="s", right="1 / (1 + (1 / s_0 + 1) * exp(-2 * t))"),
        SYSTEM,
    ),
    # w' = -2 w**2, so that the loss falls like t**-2.
    "power law": (
        dl.PowerLaw(of="loss", against="t", exponent=-2.0, after=1e2),
        dl.PowerLaw(of="loss", against="t", exponent=-1.9, after=1e2),
        DECAY,
    ),
    "frequency": (
        dl.Frequency(event="determinant", probability=0.5),
        dl.Frequency(event="determinant", probability=0.8),
        DRAWS,
    ),
    "mean": (dl.Mean("determinant", 0), dl.Mean("determinant**2", "1"), DRAWS),
}

pairs = pytest.mark.parametrize(("true", "false", "case"), CLAIMS.values(), ids=CLAIMS)


@pairs
def test_the_true_is_supported(true, false, case):
    verdict = true.check(case)
    assert verdict.status == "SUPPORTED", str(verdict)
    assert verdict.attacks > 0


@pairs
def test_the_false_is_refuted(true, false, case):
    verdict = false.check(case)
    assert verdict.status == "REFUTED", str(verdict)
    assert verdict.residual - verdict.numerical_error > verdict.tolerance, str(verdict)


def test_an_identity_is_proved_and_a_false_one_is_refuted_at_a_point():
    square = (x + 1) ** 2 - x**2 - 2 * x
    true = dl.Identities("(x + 1)^2 = x^2 + 2x + 1", lambda: {"binomial": square - 1})
    false = dl.Identities("(x + 1)^2 = x^2 + 2x", lambda: {"fine": sp.S.Zero, "wrong": square})
    assert true.check().status == "PROVED"
    verdict = false.check()
    assert verdict.status == "REFUTED"
    assert verdict.worst["identity"] == "wrong"
    assert "x" in verdict.worst, f"no point in {verdict.worst}"
    assert not verdict.passed


def test_an_identity_that_is_neither_proved_nor_refuted_is_undecided():
    from dynlens.symbolic import Answer, Outcome

    open_one = Answer(Outcome.UNDECIDED, x, "not reduced")
    claim = dl.Identities("open", lambda: {"fine": sp.S.Zero, "open": open_one})
    assert claim.check().status == "UNDECIDED"
    assert "not reduced" in claim.check().note


def test_a_planted_relative_error_of_a_hundred_millionth_is_seen():
    sizes = {}
    for error in (0.0, 1e-8):
        claim = dl.RateLaw(of="loss", rate=f"-(1 + {error!r}) * gradient_norm**2")
        sizes[error] = claim.check(PATH).residual
    assert sizes[0.0] < 1e-13 < 9e-9 < sizes[1e-8] < 1.1e-8, f"residuals {sizes}"


def test_what_the_flow_conserves_descent_does_not():
    descent = replace(PATH, eta=0.05)
    verdict = dl.Conserved(of="imbalances").check(descent)
    assert verdict.status == "REFUTED", str(verdict)
    assert dl.RateLaw(of="loss", rate="-gradient_norm**2").check(descent).status == "SUPPORTED"


def test_a_function_of_the_samples_may_be_what_is_conserved():
    for name, status in (("imbalances", "SUPPORTED"), ("factor_norms", "REFUTED")):
        found = dl.Conserved(of=lambda samples, name=name: samples.read(name)).check(PATH)
        assert found.status == status, str(found)


def test_a_trajectory_that_was_computed_already_is_a_case():
    flow = dl.gradient_flow(SCALARS, (0.5, 0.5), 3.0, saves=31)
    claim = dl.ClosedForm(left="end_to_end", right=LOGISTIC_FORM)
    assert claim.check(flow).status == "SUPPORTED"
    late = dl.ClosedForm(left="end_to_end", right=LOGISTIC_FORM.replace("* t", "* (t + 1e-3)"))
    assert late.check(flow).status == "REFUTED"


# -- arithmetic does not refute -------------------------------------------------------------------


def test_a_true_theorem_is_not_refuted_where_its_sign_drowns_in_rounding():
    # The determinant stays positive for ever, yet falls below rounding long before t = 1000.
    start = dl.Start(0.1, "balanced", seed=0, determinant=1)
    path = dl.Path(COMPLETION, start, 1e3, method="LSODA", saves="log")
    claim = dl.AtLeast(
        left="determinant", right="0", assumptions=(dl.BALANCED, dl.POSITIVE_DETERMINANT)
    )
    verdict = claim.check(path)
    assert verdict.status in ("SUPPORTED", "UNDECIDED"), str(verdict)
    assert 1 < verdict.horizon < 1e3, str(verdict)
    assert verdict.status_at(1e3) == "UNDECIDED"
    naive = replace(claim, assumptions=()).measure(path.samples())
    assert naive.max() > claim.tolerance, "the case is too easy: the sign was never lost"


# -- samples made by hand -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Table(Samples):
    """Columns by name; what a claim sees, without a problem behind it."""

    columns: dict
    t: object = None
    twins: tuple = ()

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def names(self):
        return tuple(self.columns)

    def read(self, name):
        if name == "t" and self.t is not None:
            return self.t
        if name in self.columns:
            return self.columns[name]
        if name.endswith("_0") and name[:-2] in self.columns:
            return self.columns[name[:-2]][:1]
        raise self.unknown(name)


class Given(dl.Case):
    """The case of a table, which cannot be pasted."""

    def __init__(self, content):
        object.__setattr__(self, "content", content)

    def samples(self):
        return self.content


def table(*, timed=True, twins=(), **columns):
    columns = {name: np.array(values, dtype=float) for name, values in columns.items()}
    n = len(next(iter(columns.values())))
    return Table(columns, np.arange(float(n)) if timed else None, tuple(twins))


def check(claim, *, timed=True, twins=(), **columns):
    return claim.check(Given(table(timed=timed, twins=twins, **columns)))


def test_residuals_are_relative_to_the_larger_side():
    samples = table(a=[1.0, 2.0, -4.0], b=[1.0, 4.0, -1.0])
    found = dl.Equal(left="a", right="b").measure(samples)
    np.testing.assert_allclose(found, [0.0, 0.5, 0.75], rtol=1e-15)


def test_near_zero_a_difference_counts_against_the_largest_value_anywhere():
    samples = table(a=[0.0, 1.0], b=[1e-9, 1.0])
    floored = dl.Equal(left="a", right="b", floor=1e-3).measure(samples)
    absolute = dl.Equal(left="a", right="b", floor=0.0).measure(samples)
    assert floored[0] == pytest.approx(1e-6)
    assert absolute[0] == 1.0


def test_a_scale_says_what_a_difference_is_measured_against():
    claim = dl.Equal(left="a", right="b", scale="c")
    found = claim.measure(table(a=[1.0, 1.0], b=[2.0, 2.0], c=[10.0, -4.0]))
    assert found.tolist() == [0.1, 0.25]


def test_a_violation_of_an_inequality_is_relative_and_a_margin_is_negative():
    claim = dl.AtLeast(left="a", right="b")
    found = claim.measure(table(a=[3.0, 1.0, 2.0, 0.0], b=[1.0, 3.0, 2.0, 0.0]))
    assert found.tolist() == [-0.5, 0.5, 0.0, 0.0]


UNDEFINED = [np.inf, -np.inf, np.nan]
CLAIMS_OF_A_AND_B = [
    dl.Equal(left="a", right="b"),
    dl.Equal(left="b", right="a"),
    dl.AtLeast(left="a", right="b"),
    dl.AtLeast(left="b", right="a"),
    dl.ClosedForm(left="a", right="b"),
]


@pytest.mark.parametrize("timed", [True, False], ids=["path", "states"])
@pytest.mark.parametrize("twinned", [True, False], ids=["twin", "no twin"])
@pytest.mark.parametrize("bad", UNDEFINED, ids=str)
@pytest.mark.parametrize("claim", CLAIMS_OF_A_AND_B, ids=lambda c: f"{type(c).__name__}: {c.left}")
def test_an_undefined_side_is_never_supported(claim, bad, twinned, timed):
    # Both sides agree wherever they are defined.
    columns = {"a": [1.0, 1.0, 1.0], "b": [bad, 1.0, 1.0]}
    twins = [table(timed=timed, **columns)] if twinned else []
    verdict = check(claim, timed=timed, twins=twins, **columns)
    assert verdict.status in ("REFUTED", "UNDECIDED"), str(verdict)


@pytest.mark.parametrize(
    "timed",
    [
        pytest.param(True, id="path"),
        pytest.param(False, id="states"),
    ],
)
@pytest.mark.parametrize("claim", CLAIMS_OF_A_AND_B, ids=lambda c: f"{type(c).__name__}: {c.left}")
def test_what_every_twin_finds_undefined_is_undecided(claim, timed):
    # Infinite as far as arithmetic goes: that is no counterexample.
    columns = {"a": [1.0, 1.0], "b": [np.inf, 1.0]}
    twin = table(timed=timed, **columns)
    verdict = check(claim, timed=timed, twins=[twin], **columns)
    assert verdict.status == "UNDECIDED", str(verdict)


@pytest.mark.parametrize("bad", UNDEFINED, ids=str)
def test_both_sides_undefined_alike_are_not_equal(bad):
    for claim in CLAIMS_OF_A_AND_B:
        verdict = check(claim, a=[bad, 1.0], b=[bad, 1.0])
        assert verdict.status in ("REFUTED", "UNDECIDED"), str(verdict)


def test_a_formula_infinite_at_the_start_does_not_hide_what_follows():
    # Once it did: an infinite largest entry made every relative difference zero.
    claim = dl.Equal(left="a", right="1 / t")
    samples = table(a=[5.0, 2.0, 1.0])
    found = claim.measure(samples)
    assert found[0] == np.inf
    assert found[1:].tolist() == [0.5, 0.5]
    assert claim.check(Given(samples)).status != "SUPPORTED"
    assert replace(claim, after=1.0).check(Given(samples)).status == "REFUTED"


@pytest.mark.parametrize("bad", UNDEFINED, ids=str)
def test_an_undefined_scale_is_never_supported(bad):
    claim = dl.Equal(left="a", right="b", scale="c")
    verdict = check(claim, a=[1.0, 1.0], b=[2.0, 1.0], c=[bad, 1.0])
    assert verdict.status in ("REFUTED", "UNDECIDED"), str(verdict)


def test_where_and_after_say_what_is_asserted():
    columns = {"a": [1.0, 1.0, 1.0, 1.0], "b": [1.0, 9.0, 1.0, 9.0], "on": [1, -1, 1, 0]}
    claim = dl.Equal(left="a", right="b", where="on")
    assert (check(claim, **columns).status, check(claim, **columns).attacks) == ("SUPPORTED", 2)
    late = dl.Equal(left="a", right="b", after=2.0)
    assert check(late, **columns).status == "REFUTED"
    assert check(late, **(columns | {"b": [9.0, 9.0, 1.0, 1.0]})).status == "SUPPORTED"


def test_where_chooses_single_entries():
    columns = {"a": [[1.0, 1.0], [1.0, 1.0]], "b": [[1.0, 5.0], [1.0, 5.0]]}
    claim = dl.Equal(left="a", right="b", where="2 - b")
    verdict = check(claim, **columns)
    assert (verdict.status, verdict.attacks) == ("SUPPORTED", 2)


def test_a_claim_that_asserts_nothing_is_not_applicable():
    verdict = check(dl.Equal(left="a", right="b", where="-1 - a**2"), a=[1.0], b=[2.0])
    assert verdict.status == "NOT_APPLICABLE"


def test_the_numerical_error_is_the_spread_over_the_twins():
    columns = {"a": [1.0, 1.0, 1.0], "b": [1.0, 1.0, 0.75]}
    twin = table(a=[1.0, 1.0, 1.0], b=[1.0, 1.0, 0.752])
    claim = dl.Equal(left="a", right="b", tolerance=0.1)
    verdict = check(claim, twins=[twin], **columns)
    assert verdict.status == "REFUTED"
    assert verdict.numerical_error == pytest.approx(0.002)
    wide = replace(claim, tolerance=0.249)
    assert check(wide, twins=[twin], **columns).status == "UNDECIDED"
    assert check(wide, twins=[], **columns).status == "REFUTED"


def test_the_horizon_ends_where_the_twins_part():
    columns = {"a": [1.0] * 4, "b": [1.0, 1.0, 1.0, 0.5]}
    twin = table(a=columns["a"], b=[1.0, 1.0, 1.0, 0.9])
    verdict = check(dl.Equal(left="a", right="b"), twins=[twin], **columns)
    assert (verdict.status, verdict.horizon, verdict.t_end) == ("SUPPORTED", 2.0, 3.0)
    assert verdict.status_at(2.5) == "UNDECIDED"


def test_beyond_a_twin_that_stopped_nothing_is_trusted():
    twin = table(a=[1.0, 1.0], b=[1.0, 1.0])
    columns = {"a": [1.0, 1.0, 1.0], "b": [1.0, 1.0, 5.0]}
    verdict = check(dl.Equal(left="a", right="b"), twins=[twin], **columns)
    assert (verdict.status, verdict.horizon) == ("SUPPORTED", 1.0)


def test_the_horizon_ends_where_a_critical_sign_drowns():
    sign = dl.Assumption("c > 0", "c", low=0.0, critical=True)
    columns = {"a": [1.0] * 4, "b": [1.0, 1.0, 1.0, 5.0]}
    twin = table(**columns, c=[1.0, 1e-3, 1e-9, -1e-9])
    verdict = check(
        dl.Equal(left="a", right="b", assumptions=(sign,)),
        twins=[twin],
        **columns,
        c=[1.0, 1e-3, 2e-9, 1e-9],
    )
    assert (verdict.status, verdict.horizon) == ("UNDECIDED", 1.0)  # a third of the time
    loose = replace(sign, critical=False)
    claim = dl.Equal(left="a", right="b", assumptions=(loose,))
    assert check(claim, twins=[twin], **columns, c=[1.0] * 4).status == "REFUTED"


def test_on_a_path_an_assumption_is_asked_of_the_start():
    small = dl.Assumption("c is small", "c", high=1.0)
    claim = dl.Equal(left="a", right="b", assumptions=(small,))
    columns = {"a": [1.0, 1.0], "b": [1.0, 9.0]}
    fails = check(claim, **columns, c=[3.0, 0.0])
    assert fails.status == "NOT_APPLICABLE"
    assert "c is small: NOT satisfied (3)" in str(fails)
    assert check(claim, **columns, c=[0.5, 3.0]).status == "REFUTED"


def test_among_states_an_assumption_chooses_those_that_are_judged():
    positive = dl.Assumption("c > 0", "c", low=1e-300)
    claim = dl.Equal(left="a", right="b", assumptions=(positive,))
    columns = {"a": [1.0, 1.0, 1.0], "b": [1.0, 9.0, 1.0]}
    verdict = check(claim, timed=False, **columns, c=[1.0, -1.0, 2.0])
    assert (verdict.status, verdict.attacks) == ("SUPPORTED", 2)
    assert check(claim, timed=False, **columns, c=[1.0, 1.0, 2.0]).status == "REFUTED"
    assert check(claim, timed=False, **columns, c=[-1.0] * 3).status == "NOT_APPLICABLE"


def test_a_slope_whose_twin_ends_elsewhere_keeps_its_error():
    t = np.arange(5.0)
    here = {"a": t**2.0, "on": [1, 1, 1, 1, 1]}
    twin = table(a=t**1.0, on=[1, 1, 1, 1, -1])
    claim = dl.PowerLaw(of="a", against="t", exponent=2.0, where="on")
    verdict = check(claim, twins=[twin], **here)
    assert verdict.status != "SUPPORTED", f"the twin's slope is off by one: {verdict}"


def test_a_slope_needs_three_samples():
    claim = dl.PowerLaw(of="a", against="t", exponent=2.0)
    few = check(claim, a=[0.0, 1.0, 4.0])
    assert few.status == "UNDECIDED"
    assert few.note == "a slope takes 3 points, and 2 are asserted and positive"
    assert check(claim, a=[0.0, 1.0, 4.0, 9.0]).status == "SUPPORTED"


def test_a_frequency_is_measured_in_standard_errors():
    claim = dl.Frequency(event="a", probability=0.5)
    found = claim.measure(table(timed=False, a=[1.0] * 60 + [-1.0] * 40))
    assert found[0] == pytest.approx(2.0)  # a standard error is 5 of 100
    assert np.isnan(found[1:]).all()


def test_a_frequency_is_counted_among_the_draws_that_meet_the_assumptions():
    claim = dl.Frequency(
        event="a", probability=0.75, assumptions=(dl.Assumption("c > 0", "c", low=1e-300),)
    )
    verdict = check(
        claim, timed=False, a=[-1.0] * 100 + [1, 1, 1, -1] * 25, c=[-1.0] * 100 + [1.0] * 100
    )
    assert verdict.status == "SUPPORTED", str(verdict)
    assert verdict.residual == pytest.approx(0.0, abs=1e-12)


def test_a_mean_is_measured_in_standard_errors():
    claim = dl.Mean("a", "b")
    values = np.array([1.0, 3.0] * 50)
    found = claim.measure(table(timed=False, a=values, b=[1.5] * 100))
    assert found[0] == pytest.approx(0.5 / (values.std(ddof=1) / 10))
    assert np.isnan(found[1:]).all()


def test_a_mean_of_what_does_not_vary_is_held_to_rounding():
    claim, sure = dl.Mean("a", "0.3"), [0.1 + 0.2] * 10
    assert claim.measure(table(timed=False, a=sure))[0] < 1e-2
    assert claim.measure(table(timed=False, a=[0.3 + 1e-11] * 10))[0] > 5


def test_the_mean_of_one_draw_says_nothing():
    assert check(dl.Mean("a", "1"), timed=False, a=[1.0]).status == "NOT_APPLICABLE"


# -- names in formulas ----------------------------------------------------------------------------


def test_a_sympy_expression_and_its_text_are_the_same_claim():
    symbolic, text = (
        dl.RateLaw(of="singular_values", rate=rate)
        for rate in (LAW, "alignment*depth*singular_values**(2 - 2/depth)")
    )
    assert symbolic == text


def test_a_number_is_a_formula():
    assert check(dl.AtLeast(left="a", right=0), a=[0.0, 1.0]).status == "SUPPORTED"
    assert check(dl.AtLeast(left="a", right=0.5), a=[0.0, 1.0]).status == "REFUTED"


def test_a_function_of_the_samples_is_a_formula():
    def doubled(samples):
        return 2 * samples.read("a")

    claim = dl.Equal(left="b", right=doubled)
    assert claim.statement == "b = doubled"
    assert check(claim, a=[1.0, 2.0], b=[2.0, 4.0]).status == "SUPPORTED"
    refuted = check(claim, a=[1.0, 2.0], b=[2.0, 5.0])
    assert refuted.status == "REFUTED"
    assert refuted.reproduce.startswith("# no line"), "a function has no text that could be pasted"


def test_given_numbers_and_readings_are_read_by_name():
    claim = dl.Equal(
        left="corner + other",
        right="end_to_end",
        given={"other": 0.0},
        readings={"corner": dl.Reading("end_to_end", where=(0, 0))},
    )
    assert claim.check(LOGISTIC).status == "SUPPORTED"
    assert replace(claim, given={"other": 1e-3}).check(LOGISTIC).status == "REFUTED"
    half = dl.Reading("schatten_norm", parameters=(("p", 0.5),))
    quasi = dl.AtLeast(left="q", right="nuclear_norm", readings={"q": half})
    assert quasi.check(PATH).status == "SUPPORTED"


def test_the_initial_value_of_a_reading_can_be_named():
    half = dl.Reading("schatten_norm", parameters=(("p", 2.0),))
    change = "frobenius_norm - frobenius_norm_0"
    claim = dl.Equal(left="q - q_0", right=change, readings={"q": half})
    assert claim.check(PATH).status == "SUPPORTED"
    assert replace(claim, right="frobenius_norm").check(PATH).status == "REFUTED"


def test_the_numbers_of_a_model_are_known():
    assert dl.Equal(left="depth", right="2").check(STATES).status == "SUPPORTED"
    assert dl.Equal(left="depth", right="3").check(STATES).status == "REFUTED"


# -- cases and claims that can be pasted ----------------------------------------------------------

CASES = {
    "path": PATH,
    "path from given numbers": dl.Path(SCALARS, (0.5, -0.25), 2.0, saves="log"),
    "path of descent": dl.Path(SCALARS, (0.5, 0.25), 2.0, eta=0.1),
    "states": dl.States(SCALARS, ((0.1, 0.2), (0.3, -0.4))),
    "random states": dl.RandomStates((3, 2), "gaussian", loss=dl.HuberLoss(0.5), fraction=0.5),
    "random matrices": MATRICES,
    "system": dl.SystemPath({"s": "a * s", "r": "-r"}, {"s": 1.0, "r": 2.0}, 1.0, {"a": -0.5}),
}
RICH = dl.Equal(
    left="quasi + shift",
    right=1.5,
    scale="parameter_norm**2",
    where="t - 1",
    after=0.5,
    tolerance=0.25,
    given={"shift": 0.1},
    readings={"quasi": dl.Reading("schatten_norm", parameters=(("p", 0.5),))},
    assumptions=(dl.BALANCED, dl.Assumption("small", "frobenius_norm", high=1.0)),
)
TEXTS = {f"case: {name}": case for name, case in CASES.items()}
TEXTS |= {f"claim: {name}": row[0] for name, row in CLAIMS.items()} | {"claim: rich": RICH}


@pytest.mark.parametrize(
    "thing",
    [pytest.param(thing, id=name) for name, thing in TEXTS.items()],
)
def test_the_repr_of_a_claim_or_case_recreates_it(thing):
    again = eval(repr(thing), NAMES)
    assert again == thing
    assert type(again) is type(thing)


@pytest.mark.parametrize("thing", TEXTS.values(), ids=TEXTS)
def test_the_concise_text_of_a_claim_or_case_recreates_it(thing):
    again = eval(concise(thing), NAMES)
    assert again == thing
    assert type(again) is type(thing)


def test_the_concise_text_leaves_out_what_is_at_its_default():
    assert len(concise(PATH)) < 0.8 * len(repr(PATH))


def printed_by(line):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(line, {})
    return out.getvalue().strip()


def case_of(verdict):
    """Return the case in a line that reproduces a verdict."""
    return eval(re.search(r"\)\.check\((.*)\)\)$", verdict.reproduce)[1], NAMES)


@pytest.mark.parametrize(
    "name",
    ["equal, at random states", "rate law in sympy", "conserved", "power law", "closed form"],
)
def test_the_line_that_reproduces_a_verdict_prints_it_again(name):
    _, false, case = CLAIMS[name]
    verdict = false.check(case)
    assert printed_by(verdict.reproduce) == str(verdict)


def test_a_power_law_of_a_function_is_called_after_it():
    def largest(samples):
        return samples.read("singular_values")[:, 0]

    claim = dl.PowerLaw(largest, "t", 0.5)
    assert claim.statement == "largest ~ (t)**0.5"
    assert notation.statement(claim) == claim.statement


# -- shrinking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rate law in sympy", "conserved", "closed form"])
def test_a_counterexample_is_shrunk_to_a_simpler_one_that_still_refutes(name):
    _, false, case = CLAIMS[name]
    found = dl.falsify(false, case)
    smaller = case_of(found)
    assert found.status == "REFUTED", str(found)
    assert smaller != case, "nothing was shrunk"
    assert false.check(smaller).status == "REFUTED"
    assert len(found.reproduce) <= len(false.check(case).reproduce)


def test_random_states_shrink_to_one_small_state():
    _, false, case = CLAIMS["rate law in sympy"]
    smaller = case_of(dl.falsify(false, case))
    assert smaller.count == 1
    assert smaller.model.parameters < case.model.parameters


def test_a_matrix_that_fails_is_singled_out():
    _, false, case = CLAIMS["at least, at random matrices"]
    smaller = case_of(dl.falsify(false, case, tries=60))
    rows = smaller.theta if isinstance(smaller, dl.States) else ()
    assert len(rows) == 1 or smaller.count < case.count, repr(smaller)
    assert false.check(smaller).status == "REFUTED"


def test_what_is_true_is_not_shrunk():
    true, _, case = CLAIMS["rate law in sympy"]
    assert dl.falsify(true, case, states=0) == true.check(case)


@dataclass(frozen=True)
class Endless(dl.Case):
    """Every case has a simpler one."""

    n: int = 0
    asked: list = field(default_factory=list, compare=False, repr=False)

    def samples(self):
        self.asked.append(self.n)
        return table(a=[1.0], b=[2.0])

    def simpler(self):
        yield replace(self, n=self.n + 1)


@pytest.mark.parametrize("tries", [0, 1, 5, TRIES])
def test_shrinking_stops_when_its_tries_are_used_up(tries):
    case = Endless()
    verdict = dl.falsify(dl.Equal(left="a", right="b"), case, tries=tries)
    assert verdict.status == "REFUTED"
    assert case.asked == list(range(tries + 1))


def test_every_simpler_case_is_of_the_same_claim_and_can_be_pasted():
    for name, case in CASES.items():
        for simpler in case.simpler():
            assert eval(repr(simpler), NAMES) == simpler != case, name


# -- theorems -------------------------------------------------------------------------------------


def theorem(rate, **controls):
    checks = (dl.Check(dl.RateLaw(of="singular_values", rate=rate), OWN_CASES),)
    return dl.Theorem("MY.1", "growth of singular values", "my notes", checks, controls)


OWN_CASES = (dl.RandomStates((2, 2, 2), count=4), dl.RandomStates((2, 2, 2), count=3, seed=9))
WRONG = dl.Check(dl.RateLaw(of="singular_values", rate=WRONG_LAW), OWN_CASES)
RIGHT = dl.Check(dl.RateLaw(of="singular_values", rate=LAW), OWN_CASES)


def test_a_theorem_of_ones_own_is_supported_and_its_control_refuted():
    told = []
    verdict = theorem(LAW, **{"wrong exponent": WRONG}).verify(tell=told.append)
    assert (verdict.status, verdict.passed) == ("SUPPORTED", True)
    assert verdict.attacks == (4 + 3) * 2
    assert [(c.name, c.status) for c in verdict.controls] == [("wrong exponent", "REFUTED")]
    assert told == [RIGHT.claim.statement, "control: wrong exponent"]
    assert (verdict.id, verdict.title, verdict.source) == (
        "MY.1",
        "growth of singular values",
        "my notes",
    )


def test_a_false_theorem_of_ones_own_is_refuted():
    verdict = theorem(WRONG_LAW, **{"sign": dl.Check(dl.RateLaw(of="loss", rate="1"), OWN_CASES)})
    found = verdict.verify()
    assert (found.status, found.passed) == ("REFUTED", False)
    assert found.residual > 0.1, str(found)
    with pytest.raises(dl.ClaimViolated, match="growth of singular values"):
        found.raise_if_refuted()


def test_a_control_that_survives_makes_the_theorem_fail_its_check():
    verdict = theorem(LAW, **{"not wrong at all": RIGHT}).verify()
    assert (verdict.status, verdict.passed) == ("SUPPORTED", False)
    assert "SURVIVES: not wrong at all (SUPPORTED)" in str(verdict)


def test_a_theorem_is_as_weak_as_its_weakest_check():
    checks = (RIGHT, dl.Check(dl.Conserved(of="loss"), (LOGISTIC,)))
    verdict = dl.Theorem("MY.2", "two checks", "", checks, {"wrong": WRONG}).verify()
    assert [part.status for part in verdict.parts] == ["SUPPORTED", "REFUTED"]
    assert verdict.status == "REFUTED"
    assert "part             SUPPORTED" in str(verdict)


def test_the_weakest_case_decides_a_check():
    claim = dl.AtLeast(left="determinant", right="0")
    up, down = (dl.States(dl.completion_problem(1), ((s, 0.0, 0.0, 1.0),)) for s in (1.0, -1.0))
    assert dl.Check(claim, (up, up)).verdict().status == "SUPPORTED"
    both = dl.Check(claim, (up, down, up)).verdict()
    assert (both.status, both.attacks) == ("REFUTED", 3)
    assert "(-1.0, 0.0, 0.0, 1.0)" in both.reproduce


def test_a_verdict_of_a_theorem_is_plain_data_with_stable_keys():
    plain = theorem(LAW, **{"wrong exponent": WRONG}).verify().as_dict()
    expected = (
        "id title source status residual tolerance numerical_error slack horizon attacks controls "
        "seconds reproduce"
    )
    assert list(plain) == expected.split()
    assert plain["controls"] == [
        {"name": "wrong exponent", "status": "REFUTED", "expected": "REFUTED"}
    ]
    assert plain["seconds"] > 0


OWN_FILE = '''"""A theorem in a file."""

from dynlens import AtLeast, Check, RandomStates, Theorem

CASES = (RandomStates((2, 2), start="gaussian", count=3),)
mine = Theorem(
    id="MY.3",
    title="the nuclear norm is the larger one",
    source="",
    checks=(Check(AtLeast(left="nuclear_norm", right="frobenius_norm"), CASES),),
    controls={"reversed": Check(AtLeast(left="frobenius_norm", right="nuclear_norm"), CASES)},
)
'''


def test_a_theorem_in_a_file_is_found_and_verified(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN_FILE)
    (found,) = from_file(path)
    assert found.id == "MY.3"
    verdict = found.verify()
    assert (verdict.status, verdict.passed) == ("SUPPORTED", True)


@pytest.mark.parametrize("which", ["claim", "control"])
def test_the_line_that_reproduces_a_theorem_of_ones_own_can_be_pasted(which):
    verdict = theorem(LAW, **{"wrong exponent": WRONG}).verify()
    line = verdict.reproduce if which == "claim" else verdict.controls[0].reproduce
    assert printed_by(line).startswith("SUPPORTED" if which == "claim" else "REFUTED")


def test_shipped_theorems_have_unique_sorted_ids_and_controls():
    ids = [item.id for item in dl.theorems()]
    assert ids == sorted(set(ids))
    assert "P1.T1" in ids
    assert all(item.controls for item in dl.theorems())
    assert dl.theorem("A.3") is dl.theorem("A.3")
    assert [item.id for item in dl.theorems("A.3")] == ["A.3"]


def test_a_claim_of_the_catalogue_is_reproduced_by_its_id():
    control = dl.theorem("A.3").controls["sign flipped"]
    verdict = control.refutation()
    assert verdict.status == "REFUTED"
    assert "theorem('A.3').control('sign flipped')" in verdict.reproduce
    assert printed_by(verdict.reproduce).startswith("REFUTED")


# -- paths ----------------------------------------------------------------------------------------


def test_equal_paths_are_integrated_once():
    again = eval(repr(PATH), NAMES)
    assert again is not PATH
    assert again.trajectory is PATH.trajectory


def test_a_start_by_recipe_is_the_start_by_its_numbers():
    numbers = tuple(PATH.theta0.tolist())
    np.testing.assert_array_equal(replace(PATH, start=numbers).theta0, PATH.theta0)


def test_a_number_that_comes_from_numpy_does_not_spoil_the_line():
    path = replace(LOGISTIC, t_end=np.float64(3.0), eta=np.float64(0.05))
    verdict = dl.ClosedForm(left="end_to_end", right=LOGISTIC_FORM).check(path)
    assert verdict.status == "REFUTED"
    assert printed_by(verdict.reproduce) == str(verdict)


def test_a_system_that_blows_up_says_when():
    path = dl.SystemPath({"s": "s**2"}, {"s": 1.0}, 10.0)  # s = 1 / (1 - t)
    with pytest.raises(dl.IntegrationError, match="t=1"):
        path.samples()


@pytest.mark.parametrize("kind", [list, np.array])
def test_a_start_may_be_any_sequence_of_numbers(kind):
    path = replace(LOGISTIC, start=kind(LOGISTIC.start))
    assert path == LOGISTIC
    assert CLAIMS["closed form"][0].check(path).status == "SUPPORTED"


def test_a_system_knows_its_variables_its_numbers_and_their_start():
    path = dl.SystemPath({"s": "-a * s"}, {"s": 3.0}, 2.0, {"a": 0.5}, saves=(0.0, 1.0, 2.0))
    samples = path.samples()
    assert samples.names() == ("s", "a", "t")
    np.testing.assert_array_equal(samples.t[samples.listed], [0.0, 1.0, 2.0])
    np.testing.assert_allclose(samples.read("s"), 3 * np.exp(-0.5 * samples.t), rtol=1e-8)
    assert samples.read("s_0") == pytest.approx([3.0], rel=1e-15)
    assert len(samples.twins) == 2
