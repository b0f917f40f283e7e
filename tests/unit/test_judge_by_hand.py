"""Residuals, errors and horizons of samples written out by hand, to the last figure."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import mpmath
import numpy as np
import pytest

import dynlens as dl
from dynlens.cases.base import Case, Samples
from dynlens.cases.formulas import compiled_formula
from dynlens.claims import base, horizon, rounding, sides
from dynlens.claims.equations import TINY
from dynlens.claims.horizon import gap_of

NAN, INF, EPS = np.nan, np.inf, 2.0**-52


@dataclass(frozen=True, eq=False)
class Made(Samples):
    """Quantities by name, their rates as ``d_``, and how far the state is from a twin's."""

    values: dict
    t: Any = None
    twins: tuple = ()
    listed: Any = None
    t_end: Any = None
    note: str = ""
    away: dict = field(default_factory=dict)
    entrywise: ClassVar[bool] = True

    def __len__(self):
        return max(len(v) for v in self.values.values() if np.ndim(v))

    def names(self):
        return tuple(self.values)

    def read(self, name):
        if name == "t":
            return self.t
        if name in self.values:
            return np.asarray(self.values[name], dtype=float)
        if name.endswith("_0"):
            return self.read(name[:-2])[:1]
        raise self.unknown(str(name))

    def distance(self, twin):
        return np.asarray(self.away.get(id(twin), np.zeros(len(self))), dtype=float)


class Given(Case):
    """Made samples as a case, and others where a refutation is close."""

    def __init__(self, made, more=None):
        object.__setattr__(self, "made", made)
        object.__setattr__(self, "more", more)

    def samples(self):
        return self.made

    def closer(self):
        return self.made if self.more is None else self.more


def made(t=None, twins=(), away=(), **values):
    """Samples of these values, with twins that have some of them changed."""
    values = {name: np.asarray(v, dtype=float) for name, v in values.items()}
    if t is not None:
        t = np.asarray(t, dtype=float)
    others = tuple(
        Made({**values, **{k: np.asarray(v, float) for k, v in twin.items()}}, t) for twin in twins
    )
    far = {id(twin): gap for twin, gap in zip(others, away, strict=False)}
    return Made(values, t, others, away=far)


def evidence(claim, **values):
    return claim.evidence(made(**values))


EQUAL = dl.Equal("x", "y", tolerance=1e-9)
ABOVE = dl.AtLeast("x", "y")

# -- residuals ------------------------------------------------------------------------------------

RESIDUALS = {
    "beside the larger side": (EQUAL, {"x": [2.0, 4.0], "y": [4.0, 2.0]}, [0.5, 0.5]),
    "signs apart": (EQUAL, {"x": [-3.0], "y": [1.0]}, [4 / 3]),
    "beside the entry, not its row": (
        *(EQUAL, {"x": [[1.0, 2e-8]], "y": [[1.0, 1e-8]]}, [[0.0, 0.5]]),
    ),
    "a scale": (
        dl.Equal("x", "0", scale="s", tolerance=1e-9),
        *({"x": [3.0, -3.0], "s": [-6.0, 12.0]}, [0.5, 0.25]),
    ),
    "a scale of every row": (
        dl.Equal("x", "y", scale="s", tolerance=1e-9),
        *({"x": [[1.0, 2.0]], "y": [[0.0, 0.0]], "s": [4.0]}, [[0.25, 0.5]]),
    ),
    "a floor, beside the row": (
        dl.Equal("x", "y", floor=0.5, tolerance=1e-9),
        *({"x": [[8.0, 1.0], [1.0, 1.0]], "y": [[8.0, 0.0], [1.0, 0.0]]}, [[0, 1 / 8], [0, 1 / 4]]),
    ),
    "a function, beside the row": (
        dl.Equal("x", lambda samples: samples.read("y"), tolerance=1e-9),
        *({"x": [[8.0, 1.0]], "y": [[8.0, 0.0]]}, [[0, 1 / 8]]),
    ),
    "a function, beside the largest anywhere": (
        dl.Equal("x", lambda samples: samples.read("y"), tolerance=1e-9),
        *({"x": [1e9, 1.0], "y": [1e9, 0.5]}, [0, 0.5 / 1e3]),
    ),
    "inequality": (ABOVE, {"x": [3.0, 1.0, -1.0], "y": [1.0, 3.0, -3.0]}, [-0.5, 0.5, -0.5]),
    "inequality beside zero": (
        *(dl.AtLeast("x - y", "0"), {"x": [3.0, 1.0], "y": [1.0, 3.0]}, [-0.5, 0.5]),
    ),
    "zero above": (dl.AtLeast("0", "x"), {"x": [3.0, -1.0]}, [1.0, -1.0]),
    "inequality with a scale": (
        dl.AtLeast("x", "y", scale="s"),
        *({"x": [1.0, 5.0], "y": [3.0, 3.0], "s": [8.0, -4.0]}, [0.25, -0.5]),
    ),
    "two zeros": (EQUAL, {"x": [0.0], "y": [0.0]}, [0.0]),
    "below every float": (EQUAL, {"x": [1e-310], "y": [0.0]}, [1e-310 / TINY]),
    "conserved": (
        dl.Conserved("x", scale="1", tolerance=1e-9),
        *({"x": [1.0, 0.0, 3.0], "t": [0.0, 1.0, 2.0]}, [0.0, 1.0, 2.0]),
    ),
    "conserved, beside the state": (
        dl.Conserved("x", tolerance=1e-9),
        *({"x": [1.0, 3.0], "squared_size": [2.0, 8.0], "t": [0.0, 1.0]}, [0.0, 0.25]),
    ),
    "a rate": (
        dl.RateLaw("x", "2 * y", tolerance=1e-9),
        *({"x": [0.0], "d_x": [3.0], "y": [2.0]}, [0.25]),
    ),
    "a rate of a formula": (
        dl.RateLaw("x**2 - y", "z", tolerance=1e-9),
        *({"x": [3.0], "d_x": [2.0], "y": [0.0], "d_y": [5.0], "z": [7.0]}, [0.0]),
    ),
    "a rate of a maximum, and of a product": (
        dl.RateLaw("max(x) * prod(x)", "z", tolerance=1e-9),
        # max' prod + max prod' = 5 * 6 + 3 * (7 * 3 + 2 * 5)
        *({"x": [[2.0, 3.0]], "d_x": [[7.0, 5.0]], "z": [123.0]}, [0.0]),
    ),
    "a rate of a sum, a mean and a minimum": (
        dl.RateLaw("sum(x) + mean(x) * min(x)", "z", tolerance=1e-9),
        # 12 + 6 * 2 + 2.5 * 7
        *({"x": [[2.0, 3.0]], "d_x": [[7.0, 5.0]], "z": [12 + 6 * 2 + 2.5 * 7]}, [0.0]),
    ),
}


@pytest.mark.parametrize(("claim", "values", "residual"), RESIDUALS.values(), ids=RESIDUALS.keys())
def test_a_difference_is_measured_against_its_size(claim, values, residual):
    found = evidence(claim, **values).residual
    np.testing.assert_allclose(found, residual, rtol=1e-14)
    np.testing.assert_allclose(claim.measure(made(**values)), residual, rtol=1e-14)


def test_a_residue_of_rounding_is_measured_against_the_largest_entry_anywhere():
    # 2e-17 is off by 1e-17, which is its error: nothing beside one, half of itself.
    twin = {"x": [[1.0, 3e-17]]}
    found = evidence(EQUAL, x=[[1.0, 2e-17]], y=[[1.0, 1e-17]], twins=[twin])
    assert found.residual[0, 1] == pytest.approx(1e-17)
    assert found.error[0, 1] == pytest.approx(1e-17)
    # Were the tolerance below the error, or the difference ten times it, it would count in full.
    tight = replace(EQUAL, tolerance=1e-18)
    assert evidence(tight, x=[[1.0, 2e-17]], y=[[1.0, 1e-17]], twins=[twin]).residual[0, 1] == 0.5
    sure = evidence(EQUAL, x=[[1.0, 2e-17]], y=[[1.0, 1e-17]], twins=[{"x": [[1.0, 2.09e-17]]}])
    assert sure.residual[0, 1] == 0.5


def test_where_all_is_a_residue_an_inequality_says_so_and_an_equality_does_not():
    values = {"x": [1.0], "y": [1.0 + 1e-15], "twins": [{"x": [1.0 + 2e-15]}]}
    assert evidence(ABOVE, **values).note == "both sides are equal to rounding"
    assert evidence(EQUAL, **values).note == ""
    apart = {"x": [1.0, 1.0], "y": [1.0 + 1e-15, 0.5], "twins": [{"x": [1.0 + 2e-15, 1.0]}]}
    assert evidence(ABOVE, **apart).note == ""


@pytest.mark.parametrize("wrong", [NAN, INF, -INF])
def test_what_is_no_number_has_an_infinite_residual_and_error(wrong):
    found = evidence(EQUAL, x=[1.0, wrong], y=[1.0, 1.0])
    assert (found.residual[1], found.error[1]) == (INF, INF)
    assert found.residual[0] == 0
    assert "x is" in found.note


# -- errors ---------------------------------------------------------------------------------------


def test_the_error_is_the_largest_distance_to_a_twin_in_units_of_the_size():
    found = evidence(
        EQUAL, x=[4.0, 1.0], y=[1.0, 4.0], twins=[{"x": [4.5, 1.0]}, {"x": [3.0, 1.5]}]
    )
    np.testing.assert_allclose(found.error, [0.25, 0.125], rtol=1e-12)
    assert not evidence(EQUAL, x=[4.0], y=[4.0], twins=[{}]).error[0] > 1e-14


def test_the_distance_to_a_twin_is_infinite_where_it_did_not_come():
    error = gap_of(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 2.5]))
    assert error.tolist() == [0.5, 0.5, INF, INF]
    assert gap_of(np.array([1.0]), np.array([3.0, 7.0])).tolist() == [2.0]


def test_undefined_is_as_far_as_can_be_and_not_asserted_is_no_distance():
    here, there = np.array([INF, 1.0, INF, NAN, 1.0]), np.array([1.0, -INF, INF, 2.0, NAN])
    assert gap_of(here, there).tolist() == [INF, INF, INF, 0.0, 0.0]


ROUNDED = {  # formula: value of x
    "x + 1": 1e-9,
    "x - 1": 1.0 + 1e-9,
    "3 * x * x": 0.7,
    "x / 3": 0.7,
    "x**2 - 2 * x + 1": 1.0 + 1e-6,
    "x**0.3": 0.7,
    "0.3**x": 0.7,
    "sqrt(x) - 1": 1.0 + 1e-7,
    "exp(x) - 1": 1e-8,
    "log(x)": 1.0 + 1e-9,
    "cosh(x) - 1": 1e-5,
    "Abs(x - 1)": 1.0 - 1e-12,
    "Max(x - 1, x - 2)": 1.0 + 1e-10,
    "Min(1 - x, 2 - x)": 1.0 + 1e-10,
    "sin(100 * x)": 0.9,
    "atan2(x, 3)": 0.7,
}


@pytest.mark.parametrize("x_times", [1.0, 1.37, 0.83])
@pytest.mark.parametrize("text", ROUNDED)
def test_the_bound_on_rounding_is_one_and_not_a_wild_one(text, x_times):
    x = (
        ROUNDED[text]
        if "- 1" in text or "1 -" in text or "+ 1" in text
        else ROUNDED[text] * x_times
    )
    found = rounding.bounded(text, {"x": np.array([x])})
    exact = rounding.refined(text, {"x": np.array([x])}, np.array([True]))[0]
    off = abs(float(np.asarray(found.value).ravel()[0]) - exact)
    own, inherited = (float(np.broadcast_to(e, 1)[0]) for e in (found.own, found.inherited))
    with mpmath.workdps(50):
        function = compiled_formula(text, "mpmath")[1]
        slope = float(max(abs(function(x * (1 + s * mpmath.mpf(EPS))) - function(mpmath.mpf(x)))
                          for s in (-1, 1)))  # fmt: skip
    assert off <= own, f"off by {off:.2g}, bound {own:.2g}"
    assert own <= 100 * EPS * max(1.0, abs(exact)), f"{own:.2g}"
    assert 0.9 * slope <= inherited <= 5 * slope + 1e-30, f"{slope:.2g}, {inherited:.2g}"


def test_whole_numbers_and_what_is_exact_bring_no_error():
    whole = rounding.bounded("2 * x**2 + 3 * x - 1", {"x": np.array([7.0, 12.0])})
    assert not np.any(whole.own)
    assert not np.any(whole.inherited)
    time = rounding.bounded("t / 2", {"t": np.array([0.3])}, exact=("t",))
    assert not np.any(time.inherited)
    assert np.all(rounding.bounded("x / 2", {"x": np.array([0.3])}).inherited > 0)


@pytest.mark.parametrize(
    ("x", "error"), [(1e-20, 1.0), (0.5, 0.0), (-0.5, 0.0)], ids=["near", "above", "below"]
)
def test_a_step_is_right_or_wrong_by_a_whole_one(x, error):
    found = rounding.bounded("sign(x + 1 - 1.0)", {"x": np.array([x])})
    assert float(found.own[0]) in ((error,) if error else (0.0,)) or x == 1e-20


def test_where_rounding_blurs_the_difference_it_is_found_with_more_digits():
    claim = dl.Equal("cosh(x) - 1", "2 * sinh(x / 2)**2", tolerance=1e-9)
    found = sides.two_sides(claim, made(x=[1e-6, 1e-3, 1.0]), *claim.sides())
    assert np.all(np.abs(found.gap[:2]) < 1e-17 * np.array([1e-6, 1e-3]) ** 2)
    assert abs(found.left[0] - found.right[0]) > 1e-17  # as the floats have it
    off = dl.Equal("cosh(x) - 1", "2.000001 * sinh(x / 2)**2", tolerance=1e-9)
    gap = sides.two_sides(off, made(x=[1e-6]), *off.sides()).gap[0]
    assert gap == pytest.approx(-0.5e-6 * 1e-12 / 2, rel=1e-6)


def test_only_the_most_blurred_are_looked_at_again(monkeypatch):
    monkeypatch.setattr(sides, "MOST", 2)
    gap, size = np.array([1.0, 1.0, 1.0, 1.0]), np.ones(4)
    own = np.array([3.0, 1.0, 2.0, 0.01])
    assert sides._blurred(gap, own, size, 0.1).tolist() == [True, False, True, False]
    assert sides._blurred(gap, own / 1e3, size, 0.1).tolist() == [False] * 4
    # Within ten bounds of the tolerance, and only what is finite.
    assert sides._blurred(np.array([0.2]), np.array([0.0101]), np.ones(1), 0.1).tolist() == [True]
    assert sides._blurred(np.array([0.2]), np.array([0.0099]), np.ones(1), 0.1).tolist() == [False]
    assert sides._blurred(np.array([INF]), np.array([9.0]), np.ones(1), 0.1).tolist() == [False]


# -- horizons -------------------------------------------------------------------------------------

T = np.arange(6.0)


def until(claim=EQUAL, error=None, **values):
    """The horizon of six samples at t = 0, 1, ..., 5."""
    values = {"x": np.ones(6), "y": np.ones(6), "t": T} | values
    samples = made(**values)
    return horizon.horizon(claim, samples, np.zeros(6) if error is None else np.asarray(error))


HORIZONS = {
    "nothing parts": ({}, 5.0),
    "the error is a hundredth": ({"error": [0, 0, 0, 0.01, 0, 0]}, 5.0),
    "the error is more": ({"error": [0, 0, 0, 0.0101, 0, 0]}, 2.0),
    "of one entry": ({"error": [[0, 0], [0, 0.5], [0, 0], [0, 0], [0, 0], [0, 0]]}, 0.0),
    "from the start": ({"error": [0.5, 0, 0, 0, 0, 0]}, -1.0),
    "an error that is not asserted": ({"error": [0, NAN, 0, 0, 0, 0]}, 5.0),
    "the states part": ({"twins": [{}], "away": [[0, 0, 0, 0, 0.0101, 0]]}, 3.0),
    "they do not": ({"twins": [{}], "away": [[0, 0, 0, 0, 0.01, 0]]}, 5.0),
    "a second twin parts": ({"twins": [{}, {}], "away": [[0] * 6, [0, 0, 1, 0, 0, 0]]}, 1.0),
    "near states, what is read is elsewhere": (
        *({"twins": [{"x": 1.02 * np.ones(6)}], "away": [[0, 0, 1e-6, 1.1e-6, 0, 0]]}, 2.0),
    ),
    "near states, what is read is near": (
        *({"twins": [{"x": 1.0099 * np.ones(6)}], "away": [[1e-5] * 6]}, 5.0),
    ),
    "a twin that ended early": ({"twins": [{"t": T[:3], "x": np.ones(3), "y": np.ones(3)}]}, 5.0),
}


@pytest.mark.parametrize(("changes", "horizon"), HORIZONS.values(), ids=HORIZONS.keys())
def test_the_horizon_is_the_last_time_before_anything_parts(changes, horizon):
    assert until(**changes) == horizon


SIGN = dl.Assumption("positive", "s", low=0.0, critical=True)
MARKED = replace(EQUAL, assumptions=(SIGN,))
S = np.array([8.0, 4.0, 2.0, 1.0, 0.5, 0.25])

CRITICAL = {
    "kept": ({"s": S}, 5.0),
    "lost by all twins alike": ({"s": S * [1, 1, 1, -1, 1, 1]}, 2.0),
    "zero": ({"s": S * [1, 1, 1, 0, 1, 1]}, 2.0),
    "a thousand times its error": ({"s": S, "twins": [{"s": S + 0.999e-3}]}, 3.0),
    "less than that": ({"s": S, "twins": [{"s": S + 1.001e-3}]}, 2.0),
    "an error below": ({"s": S, "twins": [{"s": S - 1.001e-3}]}, 2.0),
}


@pytest.mark.parametrize(("changes", "horizon"), CRITICAL.values(), ids=CRITICAL.keys())
def test_a_critical_sign_ends_the_horizon_where_it_no_longer_exceeds_its_error(changes, horizon):
    assert until(MARKED, **changes) == horizon
    negative = replace(MARKED, assumptions=(replace(SIGN, low=None, high=0.0),))
    turned = {k: -v if k == "s" else [{"s": -w["s"]} for w in v] for k, v in changes.items()}
    assert until(negative, **turned) == horizon


def test_a_sign_that_is_only_assumed_at_the_start_does_not():
    mild = replace(MARKED, assumptions=(replace(SIGN, critical=False),))
    assert until(mild, s=S * [1, 1, 1, -1, 1, 1]) == 5.0


# -- where something is asserted ------------------------------------------------------------------


def asserted(claim, **values):
    found = evidence(claim, **{"x": np.ones(4), "y": np.ones(4), "t": np.arange(4.0)} | values)
    return (~np.isnan(found.residual)).tolist()


def test_a_claim_is_about_the_times_and_entries_that_it_names():
    assert asserted(EQUAL) == [True] * 4
    assert asserted(replace(EQUAL, after=1.0)) == [False, True, True, True]
    assert asserted(replace(EQUAL, where="w"), w=[1.0, 0.0, -1.0, 2.0]) == [
        True,
        False,
        False,
        True,
    ]
    both = replace(EQUAL, where="w", after=1.0)
    assert asserted(both, w=[1.0, 0.0, -1.0, 2.0]) == [False, False, False, True]
    listed = replace(made(x=np.ones(4), y=np.ones(4), t=np.arange(4.0)),
                     listed=np.array([True, False, True, False]))  # fmt: skip
    assert (~np.isnan(EQUAL.evidence(listed).residual)).tolist() == [True, False, True, False]
    late = replace(EQUAL, after=1.0).evidence(listed).residual
    assert (~np.isnan(late)).tolist() == [False, False, True, False]


def test_entries_may_be_left_out_one_by_one():
    found = evidence(
        replace(EQUAL, where="w"), x=[[1.0, 1.0]], y=[[1.0, 2.0]], w=[[1.0, -1.0]]
    ).residual
    assert found[0, 0] == 0
    assert np.isnan(found[0, 1])


def test_at_states_an_assumption_picks_the_states_it_holds_at():
    low = dl.Assumption("large", "s", low=1.0)
    claim = replace(EQUAL, assumptions=(low,))
    found = evidence(claim, x=[1.0, 2.0, 3.0], y=[1.0, 1.0, 1.0], s=[1.0, 0.999, 5.0])
    assert np.isnan(found.residual).tolist() == [False, True, False]
    (finding,) = found.assumptions
    assert (finding.holds, finding.value) == (True, 1.0)  # the nearest to the bound
    none = evidence(claim, x=[1.0], y=[1.0], s=[0.5]).assumptions[0]
    assert (none.holds, none.value) == (False, 0.5)
    high = dl.Assumption("small", "s", high=1.0)
    found = evidence(replace(EQUAL, assumptions=(high,)), x=[1.0] * 3, y=[1.0] * 3, s=[1, -3.0, 2])
    assert found.assumptions[0].value == 3.0
    assert np.isnan(found.residual).tolist() == [False, False, True]


def test_on_a_path_an_assumption_is_about_the_start():
    low = dl.Assumption("large", "s", low=1.0)
    claim = replace(EQUAL, assumptions=(low,))
    path = {"x": [1.0, 1.0], "y": [1.0, 1.0], "t": [0.0, 1.0]}
    kept = evidence(claim, **path, s=[1.0, 0.0])
    assert (kept.assumptions[0].holds, kept.assumptions[0].value) == (True, 1.0)
    assert not np.isnan(kept.residual).any()
    lost = claim.check(Given(made(**path, s=[0.5, 2.0])))
    assert lost.status == "NOT_APPLICABLE"


# -- together -------------------------------------------------------------------------------------


def test_a_close_refutation_is_looked_at_again_and_a_far_one_is_not():
    alone = made(x=[1.0], y=[1.0 + 1e-6], twins=[{"x": [1.0 + 1e-7]}])
    doubted = made(x=[1.0], y=[1.0 + 1e-6], twins=[{"x": [1.0 + 5e-7]}])
    assert EQUAL.check(Given(alone)).status == "REFUTED"
    assert EQUAL.check(Given(alone, doubted)).status == "UNDECIDED"
    far = made(x=[1.0], y=[1.0 + 1e-6], twins=[{"x": [1.0 + 9e-11]}])
    assert EQUAL.check(Given(far, doubted)).status == "REFUTED"
    held = made(x=[1.0], y=[1.0], twins=[{}])
    assert EQUAL.check(Given(held, doubted)).status == "SUPPORTED"


def test_the_error_of_a_pooled_claim_is_the_distance_of_two_numbers():
    here, there = np.array([NAN, 3.0, NAN]), np.array([5.0, NAN, NAN])
    assert base._pooled_gap(here, there).tolist() == [0.0, 2.0, 0.0]
    assert base._pooled_gap(here, np.full(3, NAN))[1] == INF


def test_a_slope_is_fitted_where_both_sides_are_positive():
    x = np.array([1.0, 2.0, 4.0, 8.0, 0.0, -1.0, 3.0])
    y = np.array([1.0, 4.0, 16.0, 64.0, 5.0, 5.0, 0.0])
    claim = dl.PowerLaw("y", "x", 2.0)
    assert claim.check(Given(made(x=x, y=y))).residual < 1e-12
    assert claim.check(Given(made(x=x[:2], y=y[:2]))).status != "SUPPORTED"


def test_a_frequency_counts_what_is_above_zero_in_standard_errors():
    event = np.array([1.0, 0.0, -1.0, 2.0] * 25)
    found = dl.Frequency("e", 0.6).evidence(made(e=event))
    assert np.nanmax(found.residual) == pytest.approx(0.1 / np.sqrt(0.24 / 100))
    assert found.tolerance == 5.0


def test_a_mean_is_measured_in_standard_errors_of_the_draws():
    values = np.array([1.0, 3.0] * 50)
    found = dl.Mean("e", "2.5").evidence(made(e=values))
    assert np.nanmax(found.residual) == pytest.approx(0.5 / (values.std(ddof=1) / 10))


def test_a_recursion_is_run_from_its_start():
    values = {"x": [1.0, 2.0, 4.5], "y": [0.0, 0.0, 0.0], "t": [0.0, 0.5, 1.0]}
    exact = evidence(dl.Recursion("x", factor="2", increment="y"), **values)
    np.testing.assert_allclose(exact.residual, [0.0, 0.0, 0.5 / 4.5])
    grown = evidence(dl.Recursion("x", factor="1", increment="x * eta * 2"), **values)
    np.testing.assert_allclose(grown.residual, [0.0, 0.0, 0.5 / 4.5])
