"""Limits: what is extrapolated, with what error, and what is left undecided."""

from dataclasses import dataclass

import numpy as np
import pytest

import dynlens as dl
from dynlens.comparison.extrapolation import extrapolate

# The completion problem at depth 2 from W(0) = alpha I, in coordinates that keep det W = exp(q).
FIELDS = {
    "x": "-2 * y * (y - 1)",
    "y": "-((x + w) * (y - 1) + y * w)",
    "q": "-2 * w",
}
FIELDS = {name: text.replace("w", "((y**2 + exp(q)) / x)") for name, text in FIELDS.items()}
COMPLETION = dl.SystemPath(FIELDS, {"x": 0.1, "y": 0.0, "q": 2 * np.log(0.1)}, 1e8)
DEEP = dl.Path(
    dl.completion_problem(3),
    dl.Start(0.3, "balanced", seed=0, determinant=1),
    1e5,
    method="LSODA",
    rtol=1e-11,
    atol=1e-14,
    saves="log",
)
ENTRY = {"w11": dl.Reading("end_to_end", where=(0, 0))}
OFF = (1 + 1e-3, 1 - 1e-3)


@dataclass(frozen=True)
class Values(dl.Measurement):
    """A formula at several h, and a noise that other numerics change."""

    formula: str
    h: tuple[float, ...]
    noise: float = 0.0

    def measure(self, numerics):
        from dynlens.cases.formulas import compiled_formula

        h = np.array(self.h)
        names, function = compiled_formula(self.formula)
        drawn = np.random.default_rng(int(numerics.finer)).standard_normal(len(h))
        return {"y": function(*[h] * len(names)) * (1 + self.noise * drawn), "h": h}


HALVED = tuple(0.1 * 0.5**k for k in range(9))
DECADES = tuple(np.geomspace(1e-8, 1e-3, 40).tolist())


def as_h(value, formula, h=DECADES, noise=1e-12, **more):
    return dl.Limit("y", value, along="h", to=0.0, **more).check(Values(formula, h, noise))


class TestTime:
    def test_the_entry_of_two_layers_grows_like_the_cube_root(self):
        found = dl.Limit("x**3 / t", 6).check(COMPLETION)
        assert found.status == "SUPPORTED", str(found)
        assert found.numerical_error < 1e-5
        assert "extrapolated to 6.0000" in found.note or "extrapolated to 5.9999" in found.note

    def test_of_three_layers_like_its_own_power(self):
        found = dl.Limit("Abs(w11)", "(8 * t)**(3 / 8)", readings=ENTRY).check(DEEP)
        assert found.status == "SUPPORTED", str(found)
        assert "(Abs(w11)) / ((8 * t)**(3 / 8)) extrapolated to " in found.note
        assert "to 1.0000" in found.note or "to 0.9999" in found.note
        assert "completion_problem(3)" in found.reproduce

    @pytest.mark.parametrize("factor", OFF)
    def test_a_thousandth_off_is_never_supported(self, factor):
        assert dl.Limit("x**3 / t", 6 * factor).check(COMPLETION).status == "REFUTED"
        law = f"{factor} * (8 * t)**(3 / 8)"
        assert dl.Limit("Abs(w11)", law, readings=ENTRY).check(DEEP).status == "REFUTED"

    def test_a_limit_of_zero_is_measured_against_the_largest_value(self):
        path = dl.SystemPath({"x": "-x**3"}, {"x": 1.0}, 1e6)
        assert dl.Limit("x", 0).check(path).status == "SUPPORTED"
        assert dl.Limit("x", 1e-3).check(path).status == "REFUTED"
        # Off by less than the tolerance and by more than the error: neither.
        assert dl.Limit("x", 1e-5, scale="1").check(path).status == "UNDECIDED"

    @pytest.mark.parametrize("of", ["log(1 + t)", "t**0.05", "sin(log(1 + t))", "sin(t / 1e7)"])
    def test_what_drifts_or_oscillates_is_undecided(self, of):
        for value in (0.0, 1.0, 2.5):
            found = dl.Limit(of, value).check(COMPLETION)
            assert found.status == "UNDECIDED", str(found)

    def test_nothing_beyond_the_horizon_is_extrapolated_from(self):
        path = dl.Path(dl.completion_problem(2), dl.Start(0.3, "identity"), 1e4, saves="log")
        found = dl.Limit("loss", 0).check(path)
        assert found.status != "REFUTED", str(found)
        assert found.horizon < 5e3

    def test_what_is_at_rest_is_its_own_limit(self):
        problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
        descent = dl.Path(problem, (0.3, 0.4), 40.0, eta=0.1)
        for path in (dl.Path(problem, (0.3, 0.4), 40.0), descent):
            assert dl.Limit("frobenius_norm", 2).check(path).status == "SUPPORTED"
            assert dl.Limit("frobenius_norm", 2.001).check(path).status == "REFUTED"


class TestParameter:
    @pytest.mark.parametrize(
        "formula",
        [
            "2 + 1 / log(h)",
            "2 + 3 / log(7 * h) + 1 / log(7 * h)**2",
            "2 - h**2 * log(h)",
            "2 + h**0.7 + h",
            "2 + sqrt(h)",
            "2 + exp(-1e-7 / h)",
        ],
    )
    def test_true_limits_are_supported_and_false_ones_never(self, formula):
        found = as_h(2, formula)
        assert found.status == "SUPPORTED", str(found)
        for factor in OFF:
            assert as_h(2 * factor, formula).status == "REFUTED"

    def test_halved_steps_suffice_for_powers_and_for_one_with_a_logarithm(self):
        for formula in ("1 + h**2 * log(1 / h)", "1 + h + h**2", "1 + h**2"):
            found = as_h(1, formula, HALVED)
            assert found.status == "SUPPORTED", str(found)
            assert as_h(1.001, formula, HALVED).status == "REFUTED"

    def test_noise_is_part_of_the_error(self):
        found = as_h(2, "2 + sqrt(h)", noise=1e-2)
        assert found.status == "UNDECIDED"
        assert found.numerical_error > 1e-3

    def test_three_values_are_too_few_and_said_to_be(self):
        found = as_h(1, "1 + h", HALVED[:3])
        assert found.status == "UNDECIDED"
        assert "3 samples are too few to extrapolate from, which takes 4" in found.note

    def test_a_finite_end_is_come_to_from_either_side(self):
        case = Values("(h**2 - 1) / (h - 1)", tuple(1 - 0.1 * 0.5**k for k in range(8)))
        assert dl.Limit("y", 2, along="h", to=1.0).check(case).status == "SUPPORTED"


def test_states_what_it_claims_and_is_recreated_by_its_text():
    claim = dl.Limit("x**3 / t", 6, after=10.0)
    assert claim.statement == "x**3 / t -> 6.0 as t -> oo"
    assert eval(repr(claim), {"Limit": dl.Limit, "inf": np.inf}) == claim
    assert dl.Limit("y", 0, along="h", to=0).statement == "y -> 0.0 as h -> 0"
    line = dl.Limit("x", 0).check(dl.SystemPath({"x": "-x"}, {"x": 1.0}, 50.0)).reproduce
    exec(line, {"print": lambda verdict: None})
    with pytest.raises(ValueError, match="`to`"):
        dl.Limit("x", 0, to=float("nan"))


class TestPowerLaw:
    """A slope that drifts says little of its limit."""

    LOG = "h * log(1 / h)"
    RANGES = (HALVED, tuple(10.0**-k for k in range(2, 9)), tuple(np.geomspace(1e-6, 1e-8, 7)))

    @pytest.mark.parametrize("h", RANGES)
    @pytest.mark.parametrize("exponent", [0.8, 0.9, 0.92, 0.94, 1.0])
    def test_a_logarithm_left_out_is_never_supported(self, h, exponent):
        found = dl.PowerLaw("y", "h", exponent).check(Values(self.LOG, h))
        assert found.status != "SUPPORTED", str(found)
        if exponent == 1.0:
            assert found.status == "UNDECIDED", str(found)

    def test_a_law_with_its_logarithm_is_supported(self):
        case = Values(self.LOG, self.RANGES[1])
        found = dl.PowerLaw("y", "h", 1, logs=1).check(case)
        assert found.status == "SUPPORTED", str(found)
        assert found.statement == "y ~ (h)**1 log(h)**1"
        assert dl.PowerLaw("y", "h", 1, logs=2).check(case).status != "SUPPORTED"
        assert dl.PowerLaw("y", "h", 2, logs=1).check(case).status == "REFUTED"

    def test_a_law_with_smaller_terms_is_supported(self):
        case = Values("h**2 + 3 * h**3", HALVED)
        assert dl.PowerLaw("y", "h", 2).check(case).status == "SUPPORTED"
        assert dl.PowerLaw("y", "h", 2.1).check(case).status == "REFUTED"

    @pytest.mark.parametrize(
        "kind", [lambda: dl.PowerLaw("y", "h", 1, tolerance=1.0), lambda: dl.Order(tolerance=1.0)]
    )
    def test_a_tolerance_beside_the_band_is_refused(self, kind):
        with pytest.raises(TypeError, match="'tolerance'"):
            kind()

    def test_its_line_has_one_band(self):
        found = dl.PowerLaw("x", "t", -1 / 2, after=1e3, band=0.02).check(
            dl.SystemPath({"x": "-x**3"}, {"x": 1.0}, 1e6)
        )
        assert "tolerance" not in found.reproduce
        assert found.tolerance == 0.02


SLOW = {
    "power": lambda x, r: r.uniform(0.3, 2) * x ** -r.uniform(0.3, 2),
    "two powers": lambda x, r: x ** -r.uniform(0.4, 1) - r.uniform(0.5, 2) * x ** -r.uniform(1, 2),
    "power log": lambda x, r: (1 + r.uniform(1, 2) * np.log(x)) * x ** -r.uniform(0.5, 2),
    "1 / log": lambda x, r: r.uniform(0.5, 2) / np.log(x * r.uniform(1, 9)),
    "exponential": lambda x, r: np.exp(-r.uniform(2, 20) * x / x[-1]),
}


@pytest.mark.parametrize("kind", SLOW)
@pytest.mark.parametrize("seed", range(3))
def test_the_error_covers_the_distance_from_the_true_limit(kind, seed):
    r = np.random.default_rng(seed)
    x, limit = np.geomspace(1e3, 1e7, 80), r.normal()
    found = extrapolate(x, limit + SLOW[kind](x, r), np.full(80, 1e-11))
    assert abs(found.value - limit) <= 3 * found.error
    assert found.error < 1e-4


HARD = {
    "log log / log": lambda x: np.log(np.log(x)) / np.log(x),
    "1 / log and log log / log^2": lambda x: 1 / np.log(x) + np.log(np.log(x)) / np.log(x) ** 2,
    "1 / log and a power": lambda x: 1 / np.log(x) + x**-0.5,
    "1 / sqrt(log)": lambda x: 1 / np.sqrt(np.log(x)),
    "a stretched exponential": lambda x: np.exp(-20 * np.sqrt(x / x[-1])),
}


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("x", [np.geomspace(1e2, 1e5, 12), 10 * 2.0 ** np.arange(8)])
def test_a_slow_approach_does_not_refute_a_true_limit(kind, x):
    h = tuple((1 / x).tolist())
    values = (2 + HARD[kind](x)).tolist()

    def of(samples):
        return np.array(values)

    case = Values("h", h)
    claim = dl.Limit(of, 2, along="h", to=0.0)
    found = claim.check(case)
    assert found.status != "REFUTED", str(found)
    for factor in OFF:
        assert dl.Limit(of, 2 * factor, along="h", to=0.0).check(case).status != "SUPPORTED"


def test_a_claim_about_one_number_may_sum_over_entries():
    path = dl.Path(dl.completion_problem(2), dl.Start(0.3, "identity"), 100.0)
    share = "sum(singular_values**2) / frobenius_norm**2"
    assert dl.Limit(share, 1).check(path).status == "SUPPORTED"
    assert dl.Limit(share, 1.01).check(path).status == "REFUTED"
    with pytest.raises(ValueError, match="one number"):
        dl.Limit("singular_values", 1).check(path)
