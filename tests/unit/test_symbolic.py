"""Closed forms and rate laws of deep linear networks, decided exactly, and false variants."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp

from dynlens.symbolic import (
    Outcome,
    along_flow,
    as_latex,
    as_text,
    compile_function,
    inverts_ode,
    is_zero,
    solves_ode,
)

ROOT = Path(__file__).parents[2]
R = sp.Rational
t = sp.Symbol("t", nonnegative=True)
x, alignment = sp.symbols("x alignment", real=True)
u, a, sigma, sigma0, target, gap, depth = sp.symbols(
    "u a sigma sigma0 target gap depth", positive=True
)


def assert_proved(answers):
    for name, answer in (answers if isinstance(answers, dict) else {"": answers}).items():
        assert answer.outcome is Outcome.ZERO, f"{name} {answer}"
        assert answer.residual == 0


def assert_refuted(answer):
    assert answer.outcome is Outcome.NONZERO, str(answer)
    assert all(value.is_Rational for value in answer.point.values())
    assert abs(answer.residual) > 1e-12


# Constant alignment, d sigma / dt = N * alignment * sigma**(2 - 2/N) -----------------------------


def constant_alignment(order, power=None, slowdown=None):
    """Return the closed form, and what is positive until it blows up."""
    order = sp.sympify(order)
    slowdown = order - 2 if slowdown is None else slowdown
    before_blow_up = sigma0 ** (-(order - 2) / order) - slowdown * alignment * t
    power = -order / (order - 2) if power is None else power
    return before_blow_up**power, [before_blow_up]


def check_constant_alignment(order, **mutation):
    solution, positive = constant_alignment(order, **mutation)
    rate = order * alignment * sigma ** (2 - sp.Integer(2) / order)
    initial = None if "power" in mutation else (0, sigma0)
    return solves_ode(solution, rate, sigma, t, initial, positive=positive)


@pytest.mark.parametrize("order", [3, 4, 5, 7])
def test_a_component_under_constant_alignment_follows_its_closed_form(order):
    assert_proved(check_constant_alignment(order))


def test_the_closed_form_under_constant_alignment_holds_for_symbolic_order():
    assert_proved(check_constant_alignment(sp.Symbol("order", positive=True)))


def test_two_factors_under_constant_alignment_grow_exponentially():
    solution = sigma0 * sp.exp(2 * alignment * t)
    assert_proved(solves_ode(solution, 2 * alignment * sigma, sigma, t, (0, sigma0)))


def test_the_common_factor_norm_obeys_the_equation_of_degree_one_less():
    order, h = 5, sp.Symbol("h", positive=True)
    law = along_flow(sigma ** R(1, order), {sigma: order * alignment * sigma ** (2 - R(2, order))})
    assert_proved(is_zero(law.subs(sigma, h**order) - alignment * h ** (order - 1)))


@pytest.mark.parametrize("order", [3, 4, 5])
def test_the_exponent_of_the_closed_form_is_not_n_over_n_minus_one(order):
    wrong = check_constant_alignment(order, power=-R(order, order - 1))
    assert_refuted(wrong["equation"])


@pytest.mark.parametrize("order", [4, 5])
def test_blow_up_comes_n_minus_two_times_sooner_than_without_that_factor(order):
    assert_refuted(check_constant_alignment(order, slowdown=1)["equation"])


def test_at_order_three_the_factor_n_minus_two_is_invisible():
    assert_proved(check_constant_alignment(3, slowdown=1))


def test_past_the_blow_up_the_even_closed_form_is_refuted():
    solution, _ = constant_alignment(4)
    rate = 4 * alignment * sigma ** R(3, 2)
    past = solves_ode(
        solution, rate, sigma, t, domain={alignment: (2, 3), t: (5, 6), sigma0: (1, 2)}
    )
    assert_refuted(past["equation"])


# Full observation, d sigma / dt = L * sigma**(2 - 2/L) * (target - sigma) ------------------------


def saturating_rate(layers):
    return layers * sigma ** (2 - R(2, layers)) * (target - sigma)


def logistic(rate):
    return target / (1 + (target / sigma0 - 1) * sp.exp(-rate * t))


LAYERS_3 = -1 / (a**3 * u) + (
    -sp.log(a - u)
    + sp.log(a**2 + a * u + u**2) / 2
    - sp.sqrt(3) * sp.atan((2 * u + a) / (sp.sqrt(3) * a))
) / (3 * a**4)
LAYERS_3 = LAYERS_3.subs({a: target ** R(1, 3), u: sigma ** R(1, 3)})
LAYERS_4 = -1 / (2 * target * sp.sqrt(sigma)) + sp.atanh(sp.sqrt(sigma / target)) / (
    2 * target ** R(3, 2)
)


@pytest.mark.parametrize(
    ("layers", "solution"),
    [(1, target - (target - sigma0) * sp.exp(-t)), (2, logistic(2 * target))],
)
def test_one_and_two_layers_have_explicit_solutions(layers, solution):
    limits = [(t, sp.oo, target)]
    rate = saturating_rate(layers)
    assert_proved(solves_ode(solution, rate, sigma, t, (0, sigma0), limits))


@pytest.mark.parametrize(("layers", "time_map"), [(3, LAYERS_3), (4, LAYERS_4)])
def test_three_and_four_layers_have_implicit_solutions(layers, time_map):
    assert_proved(inverts_ode(time_map, saturating_rate(layers), sigma))


def test_the_hypergeometric_time_map_is_never_refuted():
    n = 3
    time_map = (
        u ** (2 - n) / ((2 - n) * target) * sp.hyper((1, R(2 - n, n)), (R(2, n),), u**n / target)
    )
    rate = u ** (n - 1) * (target - u**n)
    answer = inverts_ode(time_map, rate, u, domain={u: (0, R(1, 2)), target: (1, 2)})
    assert answer.outcome is not Outcome.NONZERO, str(answer)


def test_the_logistic_rate_is_twice_the_target():
    assert_refuted(solves_ode(logistic(target), saturating_rate(2), sigma, t)["equation"])


def test_a_wrong_limit_is_refuted():
    answers = solves_ode(
        logistic(2 * target), saturating_rate(2), sigma, t, limits=[(t, sp.oo, 2 * target)]
    )
    assert_refuted(answers["limit t -> oo"])


def test_the_four_layer_law_is_refuted_for_three_layers():
    assert_refuted(inverts_ode(LAYERS_4, saturating_rate(3), sigma))


# Two unbalanced factors --------------------------------------------------------------------------

SPEED = sp.sqrt(gap**2 + 4 * sigma**2)
K = sp.sqrt(gap**2 + 4 * target**2)


def unbalanced_time(sign_of_logarithm=1, sign_of_root=1):
    inside = (gap**2 + 4 * target * sigma + sign_of_root * K * SPEED) / (target - sigma)
    return sign_of_logarithm * sp.log(inside) / K


def test_the_product_of_two_unbalanced_factors_is_a_hyperbolic_sine():
    solution = gap / 2 * sp.sinh(2 * alignment * t + sp.asinh(2 * sigma0 / gap))
    assert_proved(solves_ode(solution, alignment * SPEED, sigma, t, (0, sigma0)))


def test_the_rate_of_two_unbalanced_factors_follows_from_their_flow():
    p, q = sp.symbols("p q", positive=True)
    law = along_flow(p * q, {p: alignment * q, q: alignment * p})
    unbalanced = SPEED.subs({gap: p**2 - q**2, sigma: p * q})
    assert_proved(is_zero(law - alignment * unbalanced))


def test_two_unbalanced_factors_saturate_in_closed_form():
    assert_proved(inverts_ode(unbalanced_time(), (target - sigma) * SPEED, sigma))


@pytest.mark.parametrize("signs", [(-1, 1), (1, -1)])
def test_a_wrong_sign_in_the_saturating_form_is_refuted(signs):
    assert_refuted(inverts_ode(unbalanced_time(*signs), (target - sigma) * SPEED, sigma))


# Rate laws derived from the flow ------------------------------------------------------------------


def scalar_network_rate(layers):
    """d sigma / dt for sigma = w_L ... w_1, balanced, under a loss of slope -alignment."""
    w = sp.symbols(f"w1:{layers + 1}", positive=True)
    product = sp.prod(w)
    law = along_flow(product, {factor: alignment * product / factor for factor in w})
    return law.subs({factor: sigma ** R(1, layers) for factor in w})


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_a_balanced_scalar_network_grows_at_the_singular_value_rate(layers):
    rate = layers * alignment * sigma ** (2 - R(2, layers))
    assert_proved(is_zero(scalar_network_rate(layers) - rate))


@pytest.mark.parametrize(
    "wrong",
    [
        alignment * sigma ** R(4, 3),
        3 * alignment * sigma ** R(5, 3),
        -3 * alignment * sigma ** R(4, 3),
    ],
    ids=["factor L dropped", "exponent 2 - 1/L", "sign"],
)
def test_false_singular_value_rates_are_refuted(wrong):
    assert_refuted(is_zero(scalar_network_rate(3) - wrong))


def determinant_residual(exponent):
    values, slopes = sp.symbols("s1:4", positive=True), sp.symbols("g1:4", real=True)
    pairs = list(zip(values, slopes, strict=True))
    det = sp.prod(values)
    law = along_flow(det, {s: -depth * s ** (2 - 2 / depth) * g for s, g in pairs})
    return law + depth * det * sum(s**exponent * g for s, g in pairs)


def test_the_determinant_law_follows_from_the_singular_value_rates_at_any_depth():
    assert_proved(is_zero(determinant_residual(1 - 2 / depth)))


def test_the_determinant_law_with_exponent_two_is_refuted():
    assert_refuted(is_zero(determinant_residual(2 - 2 / depth)))


# The three answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "identity",
    [
        sp.atan(u) + sp.atan(1 / u) - sp.pi / 2,
        sp.polylog(2, u / 9)
        + sp.polylog(2, 1 - u / 9)
        + sp.log(u / 9) * sp.log(1 - u / 9)
        - sp.pi**2 / 6,
    ],
    ids=["arctangent", "dilogarithm"],
)
def test_a_true_identity_that_resists_rewriting_is_undecided(identity):
    answer = is_zero(identity)
    assert answer.outcome is Outcome.UNDECIDED
    assert "60 digits" in str(answer)


@pytest.mark.parametrize(
    "expr",
    [
        sp.cosh(x) ** 2 - sp.sinh(x) ** 2 - 1,
        sp.tanh(x) - (sp.exp(2 * x) - 1) / (sp.exp(2 * x) + 1),
        sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1,
        sp.log(u**2) - 2 * sp.log(u),
        sp.sqrt(5 + 2 * sp.sqrt(6)) - sp.sqrt(2) - sp.sqrt(3),
        1 / (sp.sqrt(1 + u) - 1) - (sp.sqrt(1 + u) + 1) / u,
        sp.exp(sp.asinh(x)) - x - sp.sqrt(1 + x**2),
    ],
    ids=str,
)
def test_elementary_identities_reduce_to_zero(expr):
    assert_proved(is_zero(expr))


@pytest.mark.parametrize(
    "expr",
    [
        sp.sqrt(x**2) - x,
        sp.asin(sp.sin(x)) - x,
        sp.Integer(1),
        sp.exp(-1000 * u),
        u + R(1, 10**30) - u * (1 + 0),
        sp.sqrt(u**2 + 1) - u,
    ],
    ids=str,
)
def test_what_is_not_zero_has_an_exact_witness(expr):
    answer = is_zero(expr)
    assert answer.outcome is Outcome.NONZERO
    exact = expr.subs(answer.point).evalf(30)
    assert abs(exact - answer.residual) <= 1e-25 * abs(exact)


def test_points_respect_assumptions_and_domain():
    n = sp.Symbol("n", integer=True, positive=True)
    assert is_zero(sp.sin(sp.pi * n)).outcome is Outcome.ZERO
    witness = is_zero(n * u - 7, domain={n: (3, 5), u: (R(1, 4), R(1, 2))}).point
    assert witness[n] in {3, 4, 5}
    assert R(1, 4) < witness[u] < R(1, 2)
    witness = is_zero(x - 1, domain=lambda point: point[x] < -2).point
    assert witness[x] < -2


def test_nothing_is_claimed_where_the_expression_is_undefined():
    answer = is_zero(sp.sqrt(x) - 1 - x, domain=lambda point: point[x] < 0)
    assert answer.outcome is Outcome.UNDECIDED
    assert "no usable point" in str(answer)
    assert is_zero(sp.sqrt(x - 3) - 1).point[x] > 3


def test_an_unknown_function_is_undecided():
    assert is_zero(sp.Function("f")(x) - 1).outcome is Outcome.UNDECIDED


def test_answers_do_not_depend_on_chance_beyond_the_seed():
    assert is_zero(x**2 - u, seed=3) == is_zero(x**2 - u, seed=3)


def test_a_limit_that_sympy_cannot_find_is_undecided():
    answers = solves_ode(sp.Function("f")(t), 0 * sigma, sigma, t, limits=[(t, sp.oo, target)])
    assert answers["limit t -> oo"].outcome is Outcome.UNDECIDED


def test_answers_read_as_sentences():
    assert str(is_zero(2 * u - u)).startswith("NONZERO: ")
    assert "at u = " in str(is_zero(2 * u - u))
    assert str(is_zero(u - u)) == "ZERO: given as 0"


def test_text_and_latex_show_the_formula():
    assert "√" in as_text(sp.sqrt(x))
    assert as_latex(sp.sqrt(x)) == r"\sqrt{x}"


# Compiled functions -------------------------------------------------------------------------------

FORMULAS = [
    logistic(2 * target).subs(sigma0, R(1, 100)),
    t * LAYERS_3.subs(sigma, sigma / 100),
    t * LAYERS_4.subs(sigma, sigma / 100),
    sigma ** R(7, 5) * target ** R(-2, 3) + t,
    sp.Piecewise((sigma**2, t < target), (sp.sqrt(sigma), True)),
    sp.Abs(t - target) + sp.sign(t - target) * sp.Max(sigma, target, 1) - sp.Min(sigma, 2 * t),
    sp.sinh(t / 4) + sp.asinh(2 * sigma / target) + sp.exp(-t) + 10**25 * R(1, 10**24 + 1),
]


@pytest.mark.parametrize(
    "formula",
    FORMULAS,
    ids=["logistic", "3 layers", "4 layers", "powers", "piecewise", "signs", "hyperbolic"],
)
def test_compiled_formulas_agree_with_high_precision(formula):
    symbols = [t, sigma, target]
    compiled = compile_function(formula, symbols, name="agreement")
    reference = sp.lambdify(symbols, formula, "mpmath")
    assert compiled.source_path is not None
    rng = np.random.default_rng(0)
    points = rng.uniform([0.1, 0.1, 1.5], [2.0, 1.4, 3.0], size=(20, 3))
    with mpmath.workdps(40):
        exact = np.array([float(reference(*map(mpmath.mpf, map(float, p)))) for p in points])
    np.testing.assert_allclose(compiled(*points.T), exact, rtol=1e-14)


def test_the_hypergeometric_function_falls_back_to_scipy():
    compiled = compile_function(sp.hyper((1, R(-1, 3)), (R(2, 3),), u), [u])
    assert compiled.source_path is None
    values = np.array([0.1, 0.5, 0.9])
    exact = [float(mpmath.hyp2f1(1, mpmath.mpf(-1) / 3, mpmath.mpf(2) / 3, v)) for v in values]
    np.testing.assert_allclose(compiled(values), exact, rtol=1e-13)
    assert type(compiled(0.1)) is float
    assert pickle.loads(pickle.dumps(compiled))(0.1) == compiled(0.1)


def test_compiled_functions_broadcast_and_keep_scalars_scalar():
    compiled = compile_function([x + u, x * u, sp.Integer(3)], [x, u], name="several")
    assert compiled(2.0, 3.0) == (5.0, 6.0, 3.0)
    assert {type(value) for value in compiled(2, 3)} == {float}
    total, product, constant = compiled(np.arange(3), [[1.0], [2.0]])
    assert total.shape == product.shape == constant.shape == (2, 3)
    assert total.dtype == np.float64
    np.testing.assert_array_equal(product, [[0, 1, 2], [0, 2, 4]])


def test_undefined_values_are_nan_or_infinite():
    compiled = compile_function([1 / x, sp.log(x), sp.sqrt(x)], [x], name="undefined")
    reciprocal, logarithm, root = compiled(np.array([0.0, -1.0]))
    assert np.isinf(reciprocal[0])
    assert np.isnan([logarithm[1], root[1]]).all()
    assert np.isnan(compile_function(sp.Piecewise((x, x > 0)), [x], name="undefined")(-1.0))


def test_argument_names_may_be_anything_and_may_coincide():
    odd = [
        sp.Symbol("lambda"),
        sp.Symbol(r"\sigma^*"),
        sp.Symbol("x"),
        sp.Symbol("x", positive=True),
    ]
    assert compile_function(sp.Add(*odd), odd, name="odd")(1.0, 2.0, 3.0, 4.0) == 10.0


def test_a_symbol_missing_from_the_arguments_is_an_error():
    with pytest.raises(ValueError, match=r"'u'.*not in `arguments`"):
        compile_function(x + u, [x])


def test_a_second_process_does_not_compile_a_formula_again(tmp_path):
    script = (
        "import sympy as sp\n"
        "from dynlens.symbolic import compile_function\n"
        "x = sp.Symbol('x')\n"
        "f = compile_function(sp.exp(-x) + x, [x], name='formula')\n"
        "assert f(0.0) == 1.0\n"
        "stats = f.scalar.stats\n"
        "print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))"
    )
    environment = {**os.environ, "DYNLENS_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    counts = [
        subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert counts == [["0", "1"], ["1", "0"]]
