"""Paths of systems given by formulas: right, fast enough, judged all along, and ended in words."""

import time

import numpy as np
import pytest
import sympy as sp

import dynlens as dl
from dynlens.cases import equations
from dynlens.cases.equations import Equations
from dynlens.stepping.extrapolation import extrapolated, rows_for
from dynlens.symbolic.tape import tape_of

LOGISTIC = {"s": "s * (1 - s)"}
FORM = dl.ClosedForm("s", "1 / (1 + (1 / s_0 - 1) * exp(-t))")
ROBERTSON = {
    "a": "-0.04*a + 1e4*b*c",
    "b": "0.04*a - 1e4*b*c - 3e7*b**2",
    "c": "3e7*b**2",
}
BLOW_UP = dl.SystemPath({"u": "u*v", "v": "u*v"}, {"u": 1.0, "v": 1.1}, 20.0)


# -- tapes ----------------------------------------------------------------------------------------

FUNCTIONS = [
    *("exp(x)", "log(x)", "sqrt(x)", "x**2", "x**-1", "x**3.5", "x**y", "Abs(-x)", "sign(y - x)"),
    *("sin(x)", "cos(x)", "tan(x)", "sinh(x)", "cosh(x)", "tanh(x)", "atan(x)", "asin(x/3)"),
    *("acos(x/3)", "asinh(x)", "acosh(1+x)", "atanh(x/3)", "erf(x)", "Heaviside(y-x)"),
    *("Max(x, y, 1)", "Min(x, y)", "x*y*t + 3*x - 2/7", "5", "t", "exp(x*y)/(1 + exp(x*y))"),
]


@pytest.mark.parametrize("text", FUNCTIONS)
def test_a_tape_is_the_formula(text):
    from dynlens.stepping.extrapolation import _loop

    t, x, y = sp.symbols("t x y", real=True)
    formula = sp.sympify(text, locals={"t": t, "x": x, "y": y})
    tape = tape_of([formula], [t, x, y])
    out = np.empty(1)
    for point in ((0.5, 0.7, 1.3), (0.5, 1.3, 0.7)):
        state = np.array(point[1:])
        _loop().evaluate(tape.operations, tape.registers, point[0], state, tape.results, out)
        values = dict(zip((t, x, y), map(sp.Float, point), strict=True))
        assert out[0] == pytest.approx(float(formula.subs(values)), rel=1e-14)


def test_common_parts_are_written_once():
    x = sp.Symbol("x", real=True)
    tape = tape_of([sp.exp(x) + 1, sp.exp(x) * x], [x])
    assert len(tape.operations) == 3


def test_what_a_tape_does_not_know_is_solved_by_scipy():
    path = dl.SystemPath({"s": "gamma(s)"}, {"s": 2.0}, 0.5)
    assert Equations(path.fields).tapes is None
    assert dl.AtLeast("s", "2").check(path).status == "SUPPORTED"
    with pytest.raises(ValueError, match="does not know a function"):
        dl.SystemPath({"s": "gamma(s)"}, {"s": 2.0}, 0.5, method="extrapolation").samples()


def test_what_has_a_kink_is_solved_by_scipy():
    # s grows while x < 1/2, and a step of high order that begins shortly before does not see that.
    fields = {"x": "x", "s": "Max(0, 1/2 - x)"}
    path = dl.SystemPath(fields, {"x": 0.01, "s": 0.0}, 10.0, rtol=1e-10)
    assert Equations(path.fields).tapes is None
    exact = np.log(50) / 2 - (0.5 - 0.01)
    assert path.samples().read("s")[-1] == pytest.approx(exact, rel=1e-7)


# -- the method -----------------------------------------------------------------------------------


def solved(fields, start, t_end, rtol, budget=10**6):
    found = Equations(tuple(fields.items())).steps(
        np.array(start), t_end, rtol=rtol, atol=1e-4 * rtol, budget=budget
    )
    assert not found.failure
    return found


EXACT = {
    "logistic": (LOGISTIC, [0.01], 100.0, lambda t: 1 / (1 + 99 * np.exp(-t))),
    "cubic": ({"x": "-x**3"}, [1.0], 1e8, lambda t: 1 / np.sqrt(1 + 2 * t)),
    "circle": ({"a": "-b", "b": "a"}, [1.0, 0.0], 30.0, np.cos),
    "with time": ({"x": "cos(t)"}, [0.0], 30.0, np.sin),
    "stiff": ({"x": "-1e6*(x - cos(t)) - sin(t)"}, [1.0], 30.0, np.cos),
}


@pytest.mark.parametrize("rtol", [1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("name", EXACT)
def test_solutions_are_as_good_as_the_tolerance(name, rtol):
    fields, start, t_end, exact = EXACT[name]
    found = solved(fields, start, t_end, rtol)
    error = np.abs(found.y[:, 0] - exact(found.t)) / np.maximum(np.abs(exact(found.t)), 0.1)
    assert error.max() < 300 * rtol, f"{error.max():.1e} in {len(found.t)} steps"


def test_the_order_is_that_of_the_rows():
    fields, start, *_ = EXACT["circle"]
    steps = [len(solved(fields, start, 30.0, rtol).t) for rtol in (1e-5, 1e-10)]
    assert rows_for(1e-10) == 8
    assert steps[1] < 6 * steps[0]  # of order five it would take ten times the steps


def test_the_stiff_equations_of_robertson():
    found = solved(ROBERTSON, [1.0, 0.0, 0.0], 1e11, 1e-9)
    # Hairer & Wanner (1996), IV.10.
    assert found.y[-1][:2] == pytest.approx(
        [0.2083340149701255e-7, 0.8333360770334713e-13], rel=1e-6
    )
    assert found.evaluations < 40_000


# -- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0.2, 0.01, 1e-6, 1e-15, 1e-30])
def test_the_logistic_law_from_any_start(start):
    path = dl.SystemPath(LOGISTIC, {"s": start}, 100.0)
    assert FORM.check(path).status == "SUPPORTED"
    false = dl.ClosedForm("s", "1 / (1 + (1 / s_0 - 1) * exp(-1.0001 * t))")
    assert false.check(path).status == "REFUTED"


def test_a_path_costs_few_evaluations():
    found = solved(LOGISTIC, [0.01], 100.0, 1e-10)
    assert found.evaluations < 2500
    assert len(found.t) < 60


@pytest.mark.parametrize("method", ["auto", "extrapolation", "LSODA", "Radau", "BDF"])
def test_beyond_a_blow_up_there_is_a_sentence(method):
    path = dl.SystemPath(BLOW_UP.fields, BLOW_UP.start, 20.0, method=method)
    began = time.perf_counter()
    with pytest.raises(dl.IntegrationError, match=r"t=0\.953102.*end the path earlier"):
        path.samples()
    assert time.perf_counter() - began < 5.0


def test_scipys_methods_keep_to_their_budgets_too(monkeypatch):
    # What would hang if nothing stopped it before.
    monkeypatch.setattr(Equations, "tapes", None)
    began = time.perf_counter()
    for method in ("LSODA", "BDF"):
        path = dl.SystemPath(
            BLOW_UP.fields, BLOW_UP.start, 20.0, method=method, max_evaluations=20_000
        )
        with pytest.raises(dl.IntegrationError, match=r"end the path earlier|stopped at"):
            path.samples()
    assert time.perf_counter() - began < 5.0


def test_a_budget_is_kept_and_named():
    path = dl.SystemPath(LOGISTIC, {"s": 0.01}, 100.0, max_evaluations=200)
    with pytest.raises(dl.IntegrationError, match="budget of 200 evaluations"):
        path.samples()


def test_a_transient_is_seen():
    chain = dl.SystemPath({"x": "-x", "y": "x - y"}, {"x": 1.0, "y": 0.0}, 1e6, saves=11)
    assert dl.AtLeast("0.36", "y").check(chain).status == "REFUTED"  # its top is 1/e


def test_listed_times_alone_are_asserted():
    chain = {"x": "-x", "y": "x - y"}
    path = dl.SystemPath(chain, {"x": 1.0, "y": 0.0}, 20.0, saves=(0.0, 5.0, 20.0))
    verdict = dl.AtLeast("0.36", "y").check(path)
    assert verdict.status == "SUPPORTED", verdict
    with pytest.raises(ValueError, match="beyond `t_end`"):
        dl.SystemPath(chain, {"x": 1.0, "y": 0.0}, 20.0, saves=(0.0, 50.0))


def test_a_path_ends_where_it_is_told_to():
    path = dl.SystemPath(LOGISTIC, {"s": 0.01}, 100.0, until="s - 0.5")
    samples = path.samples()
    assert samples.t[-1] == pytest.approx(np.log(99), rel=1e-9)
    assert samples.read("s")[-1] == pytest.approx(0.5, rel=1e-9)
    verdict = dl.AtLeast("0.5", "s", tolerance=1e-8).check(path)
    assert verdict.status == "SUPPORTED", verdict
    assert "ends at t = 4.595" in verdict.note
    never = dl.SystemPath(LOGISTIC, {"s": 0.01}, 100.0, until="s - 2")
    assert never.samples().t[-1] == 100.0
    early = dl.SystemPath(BLOW_UP.fields, BLOW_UP.start, 20.0, until="u - 100")
    assert early.samples().t[-1] < 0.9532


def test_laws_and_conserved_quantities_need_no_more_words():
    circle = dl.SystemPath({"a": "-b", "b": "a"}, {"a": 1.0, "b": 0.0}, 10.0)
    assert dl.Conserved("a**2 + b**2").check(circle).status == "SUPPORTED"
    assert dl.RateLaw("a**2", "-2 * a * b").check(circle).status == "SUPPORTED"
    assert dl.RateLaw("a", "b").check(circle).status == "REFUTED"


def test_a_twin_of_another_family_sees_a_wrong_method(monkeypatch):
    # Planted: what extrapolation gives is off by a millionth, at every tolerance alike.
    def off(*arguments, **settings):
        found = extrapolated(*arguments, **settings)
        return type(found)(found.t, found.y * (1 + 1e-6), found.evaluations, found.failure)

    monkeypatch.setattr(equations, "extrapolated", off)
    monkeypatch.setenv("DYNLENS_FRESH", "1")
    verdict = FORM.check(dl.SystemPath(LOGISTIC, {"s": 0.017}, 50.0))
    assert verdict.status == "UNDECIDED", verdict
    assert verdict.numerical_error > 3e-7
