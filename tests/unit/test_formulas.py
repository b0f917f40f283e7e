"""Formulas: a grammar of their own, exact rates, and what rounding does to them."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.cases.formulas import parsed, word
from dynlens.claims.rounding import bounded, refined

ENTRY = {"w": dl.Reading("end_to_end", (0, 1))}
STATES = dl.RandomStates((2, 2, 2), "gaussian", count=4)
SCALAR = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))
CIRCLE = dl.SystemPath({"a": "-b", "b": "a"}, {"a": 1.0, "b": 0.0}, 10.0)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("loss^2", "loss**2"),
        ("ln(loss)", "log(loss)"),
        ("log10(loss)", "log(loss) / log(10)"),
        ("abs(loss)", "Abs(loss)"),
        ("min(loss, 2)", "Min(loss, 2)"),
        ("Rational(1, 8) + binomial(4, 2)", "49/8"),
        ("np.float64(1.5) * t", "1.5 * t"),
        ("d(loss)", "d_loss"),
        ("initial(loss)", "loss_0"),
    ],
)
def test_words_that_theorists_type_are_understood(text, same):
    assert parsed(text) == parsed(same)


def test_lambda_is_a_name_like_any_other():
    assert {str(s) for s in parsed("2 * lambda").free_symbols} == {"lambda"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a**2_0", "without underscores"),
        ("10**10**10", "a number of 1e+10 digits"),
        ("np.log(loss)", "write 'log' alone"),
        ("foo(loss)", "no function 'foo'"),
        ("loss.real", "has a dot"),
        ("x[1.5]", "whole numbers"),
        ("not x", "logical operator"),
        ("__import__('os')", "no function '__import__'"),
    ],
)
def test_what_is_no_formula_is_refused_in_a_sentence(text, words):
    with pytest.raises(ValueError, match="formula") as refusal:
        parsed(text)
    assert words in str(refusal.value)


def test_entries_and_sums_are_symbols_under_their_own_text():
    names = {str(s) for s in parsed("sum(singular_values**2) - x[0, 1]").free_symbols}
    assert names == {"sum(singular_values ** 2)", "x[0, 1]"}
    assert word("x[0, 1]") == ("entry", "x", (0, 1))
    assert word("singular_values") is None


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        (dl.RateLaw("loss**2", "2 * loss * d_loss"), "SUPPORTED"),
        (dl.RateLaw("loss**2", "d_loss**2"), "REFUTED"),
        (dl.RateLaw("loss^2 + t", "2 * loss * d_loss + 1"), "SUPPORTED"),
        (dl.RateLaw("sum(singular_values**2)", "d(frobenius_norm**2)"), "SUPPORTED"),
        (dl.RateLaw("sum(singular_values**2)", "d(frobenius_norm)"), "REFUTED"),
        (dl.RateLaw("singular_values[0]", "d(max(singular_values))"), "SUPPORTED"),
        (dl.RateLaw("singular_values[0]", "d(min(singular_values))"), "REFUTED"),
        (dl.RateLaw("prod(singular_values)", "d(Abs(determinant))"), "SUPPORTED"),
        (dl.RateLaw("w", "d(end_to_end[0, 1])", readings=ENTRY), "SUPPORTED"),
        (dl.RateLaw("w", "d(end_to_end[1, 0])", readings=ENTRY), "REFUTED"),
        (dl.Equal("end_to_end[0, 1]", "w", readings=ENTRY), "SUPPORTED"),
        (dl.Equal("sum(end_to_end**2)", "frobenius_norm**2"), "SUPPORTED"),
        (dl.Equal("mean(end_to_end**2)", "frobenius_norm**2"), "REFUTED"),
    ],
    ids=str,
)
def test_a_formula_stands_wherever_a_name_does(claim, status):
    path = dl.Path(dl.completion_problem(2), dl.Start(0.5, seed=0), 1.0)
    assert claim.check(path).status == status


@pytest.mark.parametrize(
    ("of", "status"),
    [("a**2 + b**2", "SUPPORTED"), ("a**2 - b**2", "REFUTED"), ("a", "REFUTED")],
)
def test_a_formula_of_a_systems_variables_may_be_conserved(of, status):
    assert dl.Conserved(of).check(CIRCLE).status == status


def test_the_rate_of_a_systems_variable_is_its_field():
    assert dl.RateLaw("a*b", "a**2 - b**2").check(CIRCLE).status == "SUPPORTED"
    assert dl.RateLaw("a*b", "a**2 + b**2").check(CIRCLE).status == "REFUTED"


def test_an_initial_value_needs_a_path():
    for claim in (dl.Conserved("unbalancedness"), dl.Equal("loss", "loss_0")):
        with pytest.raises(ValueError, match="check the claim on a `Path`"):
            claim.check(STATES)


@pytest.mark.parametrize("argument", ["given", "readings"])
@pytest.mark.parametrize("name", ["loss", "t", "d_x", "x_0"])
def test_a_name_of_ones_own_never_hides_a_quantity(argument, name):
    value = 5.0 if argument == "given" else dl.Reading("loss")
    with pytest.raises(ValueError, match="the name of another quantity"):
        dl.Equal("loss", "loss", **{argument: {name: value}})


def test_sides_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="have shapes"):
        dl.Equal("end_to_end", "singular_values").check(STATES)


# -- rounding -------------------------------------------------------------------------------------


def test_the_bound_on_rounding_holds_and_is_not_far_off():
    rng = np.random.default_rng(0)
    x = {"x": 10 ** rng.uniform(-8, 1, 200)}
    for text in ("cosh(x) - 1", "sqrt(1 + x) - 1", "log(1 + x)", "(1 - cos(x)) / x**2"):
        found = bounded(text, x)
        off = np.abs(found.value - refined(text, x, np.ones(200, dtype=bool)))
        assert np.all(off <= found.own + 1e-300)
        assert np.max(off / found.own) > 1e-2


def test_whole_numbers_have_no_rounding():
    assert bounded("2 * n - n**2", {"n": np.arange(5.0)}).own.max() == 0
    assert bounded("n / 2 + 1", {"n": np.arange(5.0)}).own.max() > 0


def test_cancellation_inside_a_formula_refutes_no_identity():
    states = dl.States(SCALAR, ((1e-6,), (1e-3,)))
    identity = dl.Equal("cosh(frobenius_norm) - 1", "2 * sinh(frobenius_norm / 2)**2")
    assert identity.check(states).status == "SUPPORTED"
    off = dl.Equal("cosh(frobenius_norm) - 1", "2 * sinh(frobenius_norm / 2)**2 * (1 + 1e-8)")
    assert off.check(states).status == "REFUTED"


R = {"s2": dl.Reading("schatten_norm", parameters={"p": 2.0})}  # the Frobenius norm


@pytest.mark.parametrize(
    "claim",
    [
        dl.AtLeast("frobenius_norm**2 - s2**2", "0", readings=R),
        dl.AtLeast("s2 - frobenius_norm", "0", readings=R),
        dl.AtLeast("0", "s2 - frobenius_norm", readings=R),
        dl.AtLeast("s2", "frobenius_norm", readings=R),
    ],
    ids=lambda claim: claim.statement,
)
def test_both_sides_equal_to_rounding_violate_nothing_and_it_is_said(claim):
    verdict = claim.check(dl.RandomStates((3, 3, 3)))
    assert verdict.status == "SUPPORTED"
    assert "equal to rounding" in verdict.note


def test_an_inequality_that_fails_by_little_is_refuted_whatever_side_is_zero():
    claim = dl.AtLeast("s2 - frobenius_norm * (1 + 1e-9)", "0", readings=R)
    assert claim.check(dl.RandomStates((3, 3, 3))).status == "REFUTED"


def test_zero_against_zero_is_no_disagreement():
    claim = dl.AtLeast("t", "Abs(exp(-t) - frobenius_norm)")
    assert claim.check(dl.Path(SCALAR, (1.0,), 1.0)).status == "SUPPORTED"


def test_a_small_entry_is_judged_by_its_own_size():
    model = dl.CPFactorization((2, 2, 2), 2)
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((2, 2))
    factor = drawn / np.linalg.norm(drawn, axis=0) * [1.0, 1e-5]
    target = np.ones((2, 2, 2)) - 3 * np.eye(2)[:, :, None]
    problem = dl.Problem(model, dl.SquaredLoss(), dl.Full(target))
    states = dl.States(problem, (tuple(model.ravel([factor] * 3).tolist()),))
    law = "order * component_alignments * component_norms**(2 - 2 / order)"
    wrong = f"{law} * (1 + 5 * exp(-1e6 * component_norms))"  # six times, where it is tiny
    keywords = {"tolerance": 1e-12, "assumptions": (dl.BALANCED,)}
    assert dl.RateLaw("component_norms", law, **keywords).check(states).status == "SUPPORTED"
    assert dl.RateLaw("component_norms", wrong, **keywords).check(states).status == "REFUTED"


# -- the horizon ----------------------------------------------------------------------------------

TRAP = dl.completion_problem(2), dl.Start(0.3, "identity")  # the loss at t = 1e4 is 3.28e-4


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        (dl.AtLeast("loss", "1e-6", after=5e3), {}),
        (dl.AtLeast("1e-9", "loss", after=5e3), {}),
        (dl.AtLeast("loss", "1e-6", where="t - 5000"), {}),
        (dl.AtLeast("determinant", "0", after=5e3), {}),
        (dl.AtLeast("loss", "1e-6"), {"saves": (0.0, 1e4)}),
    ],
    ids=lambda value: getattr(value, "statement", str(value)),
)
def test_twins_that_fell_into_the_same_trap_are_not_trusted(claim, changes):
    assert claim.check(dl.Path(*TRAP, 1e4, **changes)).status == "UNDECIDED"


def test_a_run_that_is_trusted_for_a_sliver_of_its_time_supports_nothing():
    claim = dl.AtLeast("loss", "1e-3")
    verdict = claim.check(dl.Path(*TRAP, 1e6))
    assert verdict.status == "UNDECIDED"
    assert "of the time it is asserted for" in verdict.note


def test_a_loss_that_has_decayed_to_rounding_ends_no_horizon():
    problem = dl.Problem(dl.DeepLinear((2, 2)), dl.SquaredLoss(), dl.Full(np.eye(2)))
    verdict = dl.AtLeast("loss_0", "loss").check(dl.Path(problem, (0.5, 0.1, 0.2, 0.7), 1e3))
    assert (verdict.status, verdict.horizon) == ("SUPPORTED", 1e3)
