"""What verdicts and refusals say: where, how much, why, and what to do."""

from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp

import dynlens as dl
from dynlens.verdict import Measured, judge

STATES = dl.RandomStates((2, 2, 2))
x = sp.Symbol("x", positive=True)


def refusal(call, kind=ValueError):
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


# -- where ----------------------------------------------------------------------------------------


def test_an_entry_is_named_by_the_labels_of_its_axes():
    worst = dl.Equal("end_to_end", "2 * end_to_end").check(STATES).worst
    assert set(worst) == {"sample", "row", "column"}
    worst = dl.RateLaw("singular_values", "alignment").check(STATES).worst
    assert set(worst) == {"sample", "component"}


def test_an_entry_of_a_reading_has_them_too():
    readings = {"q": dl.Reading("matricization_singular_values", parameters={"modes": 1})}
    worst = dl.Equal("q", "2 * q", readings=readings).check(STATES).worst
    assert set(worst) == {"sample", "component"}
    one = {"q": dl.Reading("end_to_end", where=(0, 1))}
    assert set(dl.Equal("q", "2 * q", readings=one).check(STATES).worst) == {"sample"}


def test_axes_without_names_are_counted():
    found = judge(Measured(np.ones((1, 2, 3)), np.zeros((1, 2, 3)), 1e-9), "a claim")
    assert found.worst == {"index": (0, 0)}


# -- how much -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("residual", "tolerance", "printed"),
    [
        (1.0000001e-9, 1e-9, "1.0000001e-09, tolerance 1e-09"),
        (9.99e-10, 1e-9, "9.99e-10, tolerance 1e-09"),
        (0.1234, 0.1233, "0.1234, tolerance 0.1233"),
        (3.14159e-3, 1e-9, "0.0031, tolerance 1e-09"),
        (1e-9, 1e-9, "1e-09, tolerance 1e-09"),
    ],
)
def test_a_residual_can_be_told_from_its_tolerance(residual, tolerance, printed):
    found = judge(Measured(np.array([residual]), np.zeros(1), tolerance), "a claim")
    assert printed in str(found)


@pytest.mark.parametrize(
    ("identity", "value"),
    [(x**2 - 3 * x, None), (x - 2 * x, None), (sp.Integer(3), 3.0), (sp.exp(x) - 1, None)],
)
def test_a_refuted_identity_shows_its_value(identity, value):
    found = dl.Identities("wrong", lambda: {"threshold": identity}).check()
    assert found.status == "REFUTED"
    point = {
        sp.Symbol(k, positive=True): sp.Rational(v) for k, v in found.worst.items() if k == "x"
    }
    expected = float(identity.subs(point)) if value is None else value
    assert found.residual == pytest.approx(expected)
    assert f"{expected:.4g}"[:4] in str(found)


def test_what_was_given_as_zero_is_not_called_a_reduction():
    note = dl.Identities("nothing", lambda: {"a": x - x, "b": sp.zeros(2, 2)}).check().note
    assert "the derivation itself decided" in note
    assert "reduced to zero" not in note
    mixed = dl.Identities("one", lambda: {"a": x - x, "b": sp.Eq((x + 1) ** 2, x**2 + 2 * x + 1)})
    assert "the derivation itself decided" not in mixed.check().note


@pytest.mark.parametrize(
    "identity",
    [
        sp.Float(0.1) + sp.Float(0.2) - sp.Float(0.3),
        0.5 * x - x / 2 + sp.Float(1e-17),
        sp.Eq(0.1 * x, x / 10, evaluate=False),
        sp.Matrix([[sp.Float(0.5)]]),
        x > sp.Float(0.5),
    ],
    ids=str,
)
def test_floating_point_numbers_prove_and_refute_nothing(identity):
    assert "floating-point number" in refusal(
        lambda: dl.Identities("a", lambda: {"g": identity}).check(), TypeError
    )


# -- why ------------------------------------------------------------------------------------------


def tiny_components(size):
    """Two components whose vectors have this norm."""
    model = dl.CPFactorization((2, 2, 2), 2)
    factor = np.array([[1.0, 0.6], [0.0, 0.8]]) * size
    problem = dl.Problem(model, dl.SquaredLoss(), dl.Full(np.ones((2, 2, 2))))
    return dl.States(problem, model.ravel([factor] * 3)[None])


LAW = "order * component_alignments * component_norms**(2 - 2 / order)"


def test_underflow_is_named():
    found = dl.RateLaw("component_norms", LAW).check(tiny_components(1e-120))
    assert found.status == "UNDECIDED"
    assert "component_alignments is nan there: undefined, or out of the floats' range" in found.note


def test_what_does_not_underflow_is_judged():
    assert dl.RateLaw("component_norms", LAW).check(tiny_components(1e-3)).status == "SUPPORTED"


@pytest.mark.parametrize("size", [1e200, 1e120])
def test_overflow_is_named(size):
    found = dl.RateLaw("component_norms", LAW).check(tiny_components(size))
    assert found.status == "UNDECIDED"
    assert "out of the floats' range" in found.note


def test_a_side_that_is_no_number_by_itself_is_named():
    found = dl.AtLeast("log(-loss)", "0", scale="1").check(STATES)
    assert "a side is no number there" in found.note


def test_where_nothing_can_be_trusted_the_remedy_is_named():
    measured = Measured(np.zeros(2), np.zeros(2), 1e-9, np.array([0.0, 1.0]), horizon=-1.0)
    found = judge(measured, "a claim")
    assert "differ already at t = 0" in found.note
    assert "`after`" in found.note
    assert "none, UNDECIDED from the start" in str(found)


# -- what to do -----------------------------------------------------------------------------------


def test_a_name_like_no_other_lists_few():
    text = refusal(
        lambda: dl.AtLeast("qwertz", "0").check(STATES), dl.observables.registry.UnknownNameError
    )
    assert len(text) < 150
    assert "more" in text


def test_a_name_near_another_is_guessed():
    text = refusal(lambda: dl.AtLeast("singular_value", "0").check(STATES))
    assert "did you mean singular_values" in text


def test_few_names_are_listed_whole():
    text = refusal(lambda: dl.AtLeast("q", "0").check(dl.SystemPath({"s": "-s"}, {"s": 1.0}, 1.0)))
    assert "known: s, t." in text


@pytest.mark.parametrize("indices", [[(0, 1), (0, 1)], [(1, 1), (0, 0), (1, 1)]])
def test_a_repeated_index_is_named(indices):
    text = refusal(lambda: dl.Entries((2, 2), indices, [1.0] * len(indices)))
    assert f"{indices[-1]} more than once" in text


@pytest.mark.parametrize("widths", [(3, 1, 3), (4, 2, 2, 3), (2, 2, 1, 2)])
def test_balanced_states_of_a_bottleneck_are_drawn(widths):
    claim = dl.AtLeast("1e-12 * parameter_norm**2", "unbalancedness")
    assert claim.check(dl.RandomStates(widths)).status == "SUPPORTED"
    problem = dl.RandomStates(widths).problem
    drawn = problem.end_to_end(problem.init(1.0, kind="balanced", seed=0))
    assert np.linalg.matrix_rank(drawn) == min(widths)
    assert "makes no multiple of the identity" in refusal(
        lambda: problem.init(1.0, kind="identity")
    )


# -- measurements ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Returns(dl.Measurement):
    """A measurement that returns what the tests below name."""

    what: str

    def measure(self, numerics):
        return {
            "nothing": {},
            "complex": {"y": 1j},
            "text": {"y": "1"},
            "masked": {"y": np.ma.array([1.0, 2.0], mask=[1, 0])},
            "empty": {"y": []},
            "lengths": {"y": [1, 2], "z": [1, 2, 3]},
            "list": [1.0],
            "undefined": {"y": np.nan},
            "number": {"y": 1.0},
        }[self.what]


@pytest.mark.parametrize(
    ("what", "kind", "said"),
    [
        ("nothing", ValueError, "`measure` returns nothing; return at least one quantity"),
        ("complex", TypeError, "`measure()['y']` is complex"),
        ("text", TypeError, "`measure()['y']` must be an array of numbers"),
        ("masked", ValueError, "`measure()['y']` has masked entries"),
        ("empty", ValueError, "`measure()['y']` is empty"),
        ("lengths", ValueError, "different lengths"),
        ("list", TypeError, "`measure` must be a mapping"),
    ],
)
def test_what_is_no_measurement_is_refused(what, kind, said):
    assert said in refusal(lambda: dl.AtLeast("y", "0").check(Returns(what)), kind)


def test_what_could_not_be_measured_is_undecided():
    found = dl.AtLeast("y", "0").check(Returns("undefined"))
    assert (found.status, found.note.split(":")[0]) == ("UNDECIDED", "y is nan there")
    assert dl.AtLeast("y", "0").check(Returns("number")).status == "SUPPORTED"


# -- formulas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula", ["10**10**10", "9**9**9**9", "2**(10**9)", "factorial(10**9)", "gamma(10**8)"]
)
def test_what_cannot_be_written_down_is_refused_at_once(formula):
    text = refusal(lambda: dl.AtLeast(formula, "0"))
    assert "digits" in text or "so large" in text


@pytest.mark.parametrize(
    ("formula", "other"),
    [
        ("loss^2", "loss**2"),
        ("ln(1 + loss)", "log(1 + loss)"),
        ("min(loss, 2)", "Min(loss, 2)"),
        ("gamma(4) * loss", "6 * loss"),
        ("Rational(1, 8) * loss", "loss / 8"),
        ("binomial(4, 2) * loss", "6 * loss"),
        ("np.float64(2.0) * loss", "2 * loss"),
        ("log10(100) * loss", "2 * loss"),
        ("singular_values[0]", "spectral_norm"),
    ],
)
def test_the_words_that_theorists_type_are_understood(formula, other):
    assert dl.Equal(formula, other).check(STATES).status == "SUPPORTED"
    assert dl.Equal(formula, f"1.001 * ({other})").check(STATES).status == "REFUTED"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("end_to_end", "singular_values"),
        ("singular_values", "end_to_end"),
        ("end_to_end + singular_values", "loss"),
        ("factor_norms", "end_to_end"),
        ("d_end_to_end", "d_singular_values"),
    ],
)
def test_matrices_and_vectors_are_not_compared_by_chance(left, right):
    text = refusal(lambda: dl.Equal(left, right).check(STATES))
    assert "shape" in text
    assert "[0]" in text


@pytest.mark.parametrize("of", ["unbalancedness", "loss", "end_to_end", "2 * loss"])
def test_states_without_time_have_no_beginning(of):
    assert "no time" in refusal(lambda: dl.Conserved(of).check(STATES))
    assert "no time" in refusal(lambda: dl.AtLeast(of, f"initial({of})").check(STATES))
