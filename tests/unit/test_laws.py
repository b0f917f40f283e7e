"""Conservation laws found: counts, laws and statuses with known answers, and nothing unverified."""

import json
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

import dynlens as dl
from dynlens.discovery import conservation_laws, laws, relu_cell, searching
from dynlens.discovery.fields import Gradients
from dynlens.discovery.modular import PRIME
from dynlens.discovery.orbits import orbit
from dynlens.discovery.subjects import subject


def count_and_found(**ask):
    """Dimension, upper and lower bound, and how many laws of the highest degree were found."""
    found = conservation_laws(**ask)
    if found.laws and found.dimension < 13:
        assert found.laws[0].proof.check().status == dl.Status.PROVED
    degrees = [max(map(len, law.numerator)) for law in found.found]
    return found.dimension, found.most, found.least, degrees.count(max(degrees, default=0))


def deep(*widths):
    return {"of": dl.DeepLinear(widths)}


def cp(shape, components):
    return {"of": dl.CPFactorization(shape, components)}


def tree(sizes, branches, widths):
    return {"of": dl.HierarchicalTensor(sizes, branches, widths)}


def symmetric(d, order, m, coefficients=1.0, **options):
    return {"of": dl.SymmetricTensor(d, order, m, coefficients=coefficients), **options}


def diagonal(n, depth):
    names = [f"w{k}" for k in range(depth)]
    return {"of": lambda *w: np.prod(np.stack(w), axis=0), "shapes": dict.fromkeys(names, (n,))}


def difference_of_powers(n, power, degree):
    return {
        "of": lambda u, v: u**power - v**power,
        "shapes": {"u": (n,), "v": (n,)},
        "degree": degree,
    }


def attention(d, h):
    def products(Q, K, V, O):
        return Q.T @ K, O @ V

    return {"of": products, "shapes": {"Q": (h, d), "K": (h, d), "V": (h, d), "O": (d, h)}}


def normalized(d):
    return {"of": lambda w: w / np.sqrt((w * w).sum()), "shapes": {"w": (d,)}}


def seen(widths, places):
    model = dl.DeepLinear(widths)
    return {"of": dl.Problem(model, dl.SquaredLoss(), observed(model, places))}


def observed(model, places):
    target = np.ones(model.tensor_shape)
    return dl.Entries.of(target, np.argwhere(target)[list(places)])


FOUR = (2, 2, 2, 2)
BINARY = ((0, 1), (2, 3))
ROWS = {
    # Two linear layers: at most, at least, and how many were found.
    "2-1-2": (deep(2, 1, 2), 4, 1, 1, 1),
    "2-2-2": (deep(2, 2, 2), 8, 3, 3, 3),
    "2-2-3": (deep(2, 2, 3), 10, 3, 3, 3),
    "1-3-1": (deep(1, 3, 1), 6, 5, 5, 9),
    "2-3-1": (deep(2, 3, 1), 9, 6, 6, 6),
    "2-5-2": (deep(2, 5, 2), 20, 14, 14, 15),
    "3-3-3": (deep(3, 3, 3), 18, 6, 6, 6),
    "3-7-2": (deep(3, 7, 2), 35, 25, 25, 28),
    # Deep linear networks.
    "2-2-2-2": (deep(2, 2, 2, 2), 12, 6, 6, 6),
    "2-2-2-2-2": (deep(2, 2, 2, 2, 2), 16, 9, 9, 9),
    "3-3-3-3": (deep(3, 3, 3, 3), 27, 12, 12, 12),
    "3-3-3-3-3": (deep(3, 3, 3, 3, 3), 36, 18, 18, 18),
    "2-3-2-2": (deep(2, 3, 2, 2), 16, 9, 9, 9),
    "2-1-2-2": (deep(2, 1, 2, 2), 8, 4, 4, 4),
    "3-1-3-1": (deep(3, 1, 3, 1), 9, 6, 6, None),
    "1-3-1-3-1": (deep(1, 3, 1, 3, 1), 12, 11, 11, None),
    "1-2-3-1, the tenth is no such polynomial": (deep(1, 2, 3, 1), 11, 10, 9, None),
    "1-5-2-1": (deep(1, 5, 2, 1), 17, 16, 15, None),
    # CP factorizations: a matrix has a law that differences of norms are not.
    "CP (2,2), 2": (cp((2, 2), 2), 8, 3, 3, 3),
    "CP (2,2,2), 1": (cp((2, 2, 2), 1), 6, 2, 2, 2),
    "CP (2,2,2), 2": (cp((2, 2, 2), 2), 12, 4, 4, 4),
    "CP (2,2,2), 4": (cp((2, 2, 2), 4), 24, 8, 8, 8),
    "CP (2,2,1), 3": (cp((2, 2, 1), 3), 15, 6, 6, 6),
    "CP (2,1,1), 3": (cp((2, 1, 1), 3), 12, 6, 6, 6),
    "CP (1,1,1), 3, elliptic integrals": (cp((1, 1, 1), 3), 9, 8, 6, 6),
    "CP (3,3,3), 3": (cp((3, 3, 3), 3), 27, 6, 6, 6),
    "CP (2,3,4), 3": (cp((2, 3, 4), 3), 27, 6, 6, 6),
    "CP (3,3,3), 6": (cp((3, 3, 3), 6), 54, 12, 12, 12),
    "CP (2,2,2,2), 2": (cp(FOUR, 2), 16, 6, 6, 6),
    # Trees.
    "((1,2),3), (2,2)": (tree((2, 2, 2), ((0, 1), 2), (2, 2)), 18, 8, 8, 8),
    "((1,2),3), (5,2)": (tree((2, 2, 2), ((0, 1), 2), (5, 2)), 36, 14, 14, 14),
    "one level of 3, (3)": (tree((2, 2, 2), (0, 1, 2), (3,)), 21, 9, 9, 9),
    "binary of 4, (2,2,2)": (tree(FOUR, BINARY, (2, 2, 2)), 26, 12, 12, 12),
    "comb of 4, (2,2,2)": (tree(FOUR, (((0, 1), 2), 3), (2, 2, 2)), 26, 12, 12, 12),
    "binary of 4, (3,2,2)": (tree(FOUR, BINARY, (3, 2, 2)), 32, 14, 14, 14),
    "binary of 4, (1,1,2), one is transcendental": (tree(FOUR, BINARY, (1, 1, 2)), 14, 9, 8, 8),
    # Symmetric tensors: none, but for matrices, one dimension, signs and trained coefficients.
    **{
        f"symmetric {d, l, m}": (symmetric(d, l, m), d * m, 0, 0, 0)
        for d, l, m in [(2, 3, 2), (2, 3, 4), (2, 3, 7), (2, 4, 3), (3, 3, 3), (3, 4, 3)]
    },
    "symmetric (2,2,3)": (symmetric(2, 2, 3, rational=True), 6, 2, 2, None),
    "symmetric (2,2,4)": (symmetric(2, 2, 4, rational=True), 8, 4, 4, None),
    "symmetric (3,2,4)": (symmetric(3, 2, 4, rational=True, degree=3), 12, 3, 3, None),
    "symmetric (3,2,5)": (symmetric(3, 2, 5, rational=True, degree=3), 15, 6, 6, None),
    "symmetric (2,2,3), no polynomial": (symmetric(2, 2, 3), 6, 2, 0, 0),
    "symmetric (1,2,3)": (symmetric(1, 2, 3), 3, 2, 0, 0),
    "symmetric (1,3,3)": (symmetric(1, 3, 3), 3, 2, 0, 0),
    "symmetric, signs +-": (symmetric(2, 2, 2, (1.0, -1.0)), 4, 1, 1, 1),
    "symmetric, signs +-+": (symmetric(2, 2, 3, (1.0, -1.0, 1.0)), 6, 2, 2, 2),
    "trained (2,3,2)": (symmetric(2, 3, 2, None), 6, 2, 2, 2),
    "trained (2,4,3)": (symmetric(2, 4, 3, None), 9, 3, 3, 3),
    "trained (3,3,2)": (symmetric(3, 3, 2, None), 8, 2, 2, 2),
    "trained (2,2,2)": (symmetric(2, 2, 2, None), 6, 2, 2, 2),
    # Diagonal networks.
    "diagonal 3, 2": (diagonal(3, 2), 6, 3, 3, 3),
    "diagonal 3, 3": (diagonal(3, 3), 9, 6, 6, 6),
    "diagonal 2, 5": (diagonal(2, 5), 10, 8, 8, 8),
    "u*u - v*v": (difference_of_powers(3, 2, 2), 6, 3, 3, 3),
    "u^3 - v^3": (difference_of_powers(3, 3, 4), 6, 3, 0, 0),
    "u^4 - v^4": (difference_of_powers(2, 4, 4), 4, 2, 0, 0),
    # ReLU networks in a cell.
    "ReLU 2-3-1": (relu_cell((2, 3, 1)), 9, 3, 3, 3),
    "ReLU 3-2-2": (relu_cell((3, 2, 2)), 10, 2, 2, 2),
    "ReLU 2-3-2 with bias": (relu_cell((2, 3, 2)) | relu_cell((2, 3, 2), bias=True), 15, 3, 3, 3),
    "ReLU 1-4-1": (relu_cell((1, 4, 1)), 8, 4, 4, 4),
    "ReLU 2-2-2-1": (relu_cell((2, 2, 2, 1)), 10, 4, 4, 4),
    "ReLU 2-3-2-2": (relu_cell((2, 3, 2, 2)), 16, 5, 5, 5),
    "ReLU 2-2-2-2-2": (relu_cell((2, 2, 2, 2, 2)), 16, 6, 6, 6),
    # Attention, one head.
    "attention (2,1)": (attention(2, 1), 8, 2, 2, 2),
    "attention (2,2)": (attention(2, 2), 16, 6, 6, 6),
    "attention (3,2)": (attention(3, 2), 24, 6, 6, 6),
    "attention (1,3)": (attention(1, 3), 12, 10, 10, 18),
    # Normalized vectors.
    **{f"w/|w|, {d}": (normalized(d), d, 1, 1, 1) for d in (2, 3, 5)},
    # Momentum.
    "momentum 1-1-1": (deep(1, 1, 1) | {"momentum": 1}, 5, 0, 0, 0),
    "momentum 2-2-2": (deep(2, 2, 2) | {"momentum": 1}, 17, 1, 1, 1),
    "momentum 2-3-2": (deep(2, 3, 2) | {"momentum": 1}, 25, 3, 3, 3),
    "momentum 2-2-2-2": (deep(2, 2, 2, 2) | {"momentum": 1}, 25, 2, 2, 2),
    "momentum 1-3-1": (deep(1, 3, 1) | {"momentum": 1}, 13, 6, 6, 6),
    "momentum 1-5-1, more than without": (deep(1, 5, 1) | {"momentum": 1}, 21, 14, 14, 20),
    "momentum 1-6-1": (deep(1, 6, 1) | {"momentum": 1}, 25, 18, 18, 30),
    "momentum CP (2,2,2), 2": (cp((2, 2, 2), 2) | {"momentum": 1}, 25, 0, 0, 0),
    "momentum ReLU 2-2-1": (relu_cell((2, 2, 1)) | {"momentum": 1}, 13, 0, 0, 0),
    "momentum u*u - v*v": (difference_of_powers(2, 2, 3) | {"momentum": 1}, 9, 0, 0, 0),
    "momentum diagonal": (diagonal(2, 2) | {"momentum": 1}, 9, 0, 0, 0),
    # Problems, of which some entries are seen.
    "P1": ({"of": dl.completion_problem(2)}, 8, 3, 3, 3),
    "P1, depth 3": ({"of": dl.completion_problem(3)}, 12, 6, 6, 6),
    "diagonal seen": (seen((2, 2, 2), (0, 3)), 8, 6, 6, 8),
    "one row seen": (seen((2, 2, 2), (0, 1)), 8, 5, 5, None),
    "one entry seen": (seen((2, 2, 2), (0,)), 8, 7, 7, 14),
    "five entries seen": (seen((3, 3, 3), (0, 1, 4, 5, 8)), 18, 6, 6, 6),
    "five entries seen, depth 3": (seen((3, 3, 3, 3), (0, 1, 4, 5, 8)), 27, 12, 12, 12),
}
CUBE = dl.CPFactorization((3, 3, 3), 2)
ROWS |= {
    "six of 27 seen": (
        {"of": dl.Problem(CUBE, dl.SquaredLoss(), observed(CUBE, range(0, 27, 5)))},
        *(18, 6, 6, None),
    ),
    "three of 27 seen": (
        {"of": dl.Problem(CUBE, dl.SquaredLoss(), observed(CUBE, (0, 13, 26)))},
        *(18, 15, 12, None),
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_counts_and_laws_are_the_known_ones(name):
    ask, dimension, most, least, found = ROWS[name]
    got = count_and_found(**ask)
    assert got[:3] == (dimension, most, least), got
    assert found is None or got[3] == found, got


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "known"),
    [
        (cp((4, 4, 4), 8), 16),
        (deep(4, 4, 4, 4, 4), 30),
        (tree((2,) * 8, dl.models.binary_tree(8), 2), 28),
    ],
    ids=["CP (4,4,4), 8", "4-4-4-4-4", "binary of 8"],
)
def test_large_models_are_finished(ask, known):
    found = conservation_laws(**ask)
    assert found.proved
    assert found.count == found.stated == known


def test_elliptic_laws_are_no_polynomials_of_higher_degree():
    got = conservation_laws(dl.CPFactorization((1, 1, 1), 2), degree=6)
    assert got.count == (4, 5)
    assert got.degrees == (1, 2, 3, 4, 5, 6)


def test_the_formula_for_two_layers_holds():
    for n, r, m in [(1, 1, 1), (2, 3, 1), (1, 4, 2), (3, 2, 2), (2, 6, 1)]:
        k = min(r, n + m)
        found = conservation_laws(dl.DeepLinear((n, r, m)))
        assert found.proved
        assert found.count == k * (2 * r + 1 - k) // 2


# -- at given points ------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [(2, 5, 2), (2, 3, 2), (3, 3, 3)])
def test_degenerate_points_have_the_orbits_of_their_rank(widths):
    n, r, m = widths
    rng = np.random.default_rng(0)
    for k in range(min(r, n + m) + 1):
        low = rng.integers(1, 9, (n + m, k)) @ rng.integers(1, 9, (k, r))
        factors = (low[:n].T, low[n:])
        at = conservation_laws(dl.DeepLinear(widths), at=factors).at
        assert at.orbit == (n + m) * k - k * (k + 1) // 2
        assert at.gradients == k * (2 * r + 1 - k) // 2
        assert at.missing == (n + m - k) * (r - k)


def test_equal_coordinates_are_no_generic_point():
    found = conservation_laws(dl.DeepLinear((2, 2, 2, 2)), at=np.ones(12))
    assert found.count == 6
    assert found.at.missing > 0


def test_multiples_of_the_identity_are_generic_for_three_layers():
    found = conservation_laws(dl.DeepLinear((2, 2, 2, 2)), at=[0.5 * np.eye(2)] * 3)
    assert (found.at.orbit, found.at.gradients, found.at.missing) == (6, 6, 0)


# -- what must not happen -------------------------------------------------------------------------


def test_a_guess_that_expansion_refuses_is_never_returned(monkeypatch):
    honest = searching.candidates

    def with_a_lie(fields, degrees, *, seed=0):
        guesses, unknowns = honest(fields, degrees, seed=seed)
        return [*guesses, {(0, 0): 1, (1, 1): -1}], unknowns

    monkeypatch.setattr(searching, "candidates", with_a_lie)
    fields = Gradients(subject(dl.DeepLinear((2, 2, 2))).program)
    found = searching.polynomial_laws(fields, [2])
    assert found.refused == 1
    assert len(found.laws) == 3


def test_a_search_that_is_too_large_says_what_would_fit():
    fields = Gradients(subject(dl.DeepLinear((5, 5, 5, 5))).program)
    with pytest.raises(ValueError, match="pass `degree=5`"):
        searching.polynomial_laws(fields, [6])


def test_brackets_of_first_order_are_not_enough():
    problem = seen((3, 3, 3, 3), (0, 1, 4, 5, 8))["of"]
    ranks = orbit(Gradients(subject(problem).program)).ranks
    assert ranks[:4] == (5, 14, 15, 15), "a stop after two orders would claim a thirteenth law"


def test_false_laws_are_refuted_by_expansion():
    model = dl.DeepLinear((2, 2, 2))
    law = conservation_laws(model).laws[0]
    wrong = laws.Law({**law.numerator, (0, 0): 2}, law.denominator, law.space, law.fields)
    assert wrong.proof.check().status == dl.Status.REFUTED
    path = dl.Path(dl.completion_problem(2), dl.Start(0.5, seed=3), 2.0)
    assert wrong.check(path).status == dl.Status.REFUTED
    assert law.check(path).status == dl.Status.SUPPORTED


def test_the_momentum_law_without_its_factor_is_refuted():
    law = conservation_laws(dl.DeepLinear((2, 2, 2)), momentum=1).laws[0]
    bare = {m[:-1]: c for m, c in law.numerator.items()}
    wrong = laws.Law(bare, law.denominator, law.space, law.fields)
    assert wrong.proof.check().status == dl.Status.REFUTED


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ({"of": 3}, "a model, a problem"),
        ({"of": lambda w: w}, "`shapes` is needed"),
        ({"of": lambda w: 1.0, "shapes": {"w": 2}}, "does not depend"),
        ({"of": lambda w: np.where(w > 0, w, 0), "shapes": {"w": 2}}, "which of two values"),
        ({"of": lambda w: w**0.3, "shapes": {"w": 2}}, "exponent"),
        ({"of": lambda w: np.tanh(w), "shapes": {"w": 2}}, "is not made of arithmetic"),
        ({"of": dl.FormulaModel("relu(w)", {"w": 2})}, "ask `relu_cell`"),
        ({"of": dl.DeepLinear((1, 1, 1)), "at": [1, 2, 3]}, "`at` has 3 numbers"),
        ({"of": dl.DeepLinear((1, 1, 1)), "momentum": -1}, "momentum"),
    ],
)
def test_bad_input_is_told_in_a_sentence(ask, words):
    with pytest.raises((ValueError, TypeError), match=words):
        conservation_laws(**ask)


# -- texts ----------------------------------------------------------------------------------------


def test_the_result_reads_as_mathematics_and_pastes():
    found = conservation_laws(dl.completion_problem(2))
    text = str(found)
    assert text.startswith("PROVED  3 independent laws of completion_problem(2), and no other")
    assert "|W1[0, :]|^2 - |W2[:, 0]|^2" in text
    assert "`imbalances`, 3 of them" in text
    assert r"\langle W_{1}[0, :], W_{1}[1, :]\rangle" in found._repr_latex_()
    case = dl.Path(dl.completion_problem(2), dl.Start(0.3, seed=1), 1.0)
    line = found.laws[1].paste(case)
    told = []
    exec(line, {"print": lambda verdict: told.append(verdict)})
    assert told[0].status == dl.Status.SUPPORTED
    assert json.loads(json.dumps(found.certificate()))["prime"] == PRIME


def test_a_law_that_is_not_known_is_told_from_the_known_ones():
    text = str(conservation_laws(dl.CPFactorization((2, 2), 2)))
    assert "the model's `imbalances` are 2 of them; 1 more were found" in text
    assert "<W1[:, 0], W1[:, 1]> - <W2[:, 0], W2[:, 1]>" in text


def test_the_penalty_leaves_quotients_alone():
    problem = dl.completion_problem(2)
    ridge = dl.Problem(problem.model, problem.loss, problem.observations, dl.Ridge(0.1))
    found = conservation_laws(ridge)
    assert found.count == (0, 2), "balancedness decays"
    ratios = conservation_laws(ridge, rational=True)
    assert ratios.proved, "its ratios are kept"
    path = dl.Path(ridge, dl.Start(0.5, seed=4), 2.0)
    assert ratios.laws[0].check(path).status == dl.Status.SUPPORTED


# -- formulas -------------------------------------------------------------------------------------

DATA = {"X": np.array([[1.0, 2.0], [2.0, -1.0], [0.5, 1.0]])}
LABELS = [1.0, -1.0, 2.0]


@pytest.mark.parametrize(
    ("formula", "parameters", "laws"),
    [
        ("X @ (u * u - v * v)", {"u": 2, "v": 2}, ["u[0] v[0]", "u[1] v[1]"]),
        ("a * (X @ w)", {"w": 2, "a": ()}, ["|w|^2 - a^2"]),
        ("X @ w / norm(w)", {"w": 2}, ["|w|^2"]),
        ("(X @ W)**2 @ a", {"W": (2, 1), "a": 1}, ["|W|^2 - 2 a[0]^2"]),
    ],
)
def test_problems_of_formulas_have_laws_in_their_own_names(formula, parameters, laws):
    problem = dl.network(formula, parameters=parameters, data=DATA, labels=LABELS)
    found = conservation_laws(problem)
    assert found.proved
    assert [str(law) for law in found.laws] == laws
    claim = found.laws[0].claim
    assert not claim.readings
    verdict = claim.check(dl.Path(problem, dl.Start(0.5, seed=1), 1.0))
    assert verdict.status == dl.Status.SUPPORTED


# -- any model at all -----------------------------------------------------------------------------


def random_map(seed):
    """A few random polynomials in a few variables, by the pair of their text and their number."""
    rng = np.random.default_rng([seed, 99])
    size, outputs = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    texts = []
    for _ in range(outputs):
        degree = int(rng.integers(1, 4))
        terms = []
        for k in range(rng.integers(1, 4)):
            chosen = rng.integers(0, size, degree)
            number = (1, -2, 5)[k]  # no sum of these is 0
            terms.append(f"{number}*" + "*".join(f"x[{i}]" for i in chosen))
        texts.append(" + ".join(terms))
    return texts, size


def check_a_random_model(seed):
    """Check every law again, by sympy and along the flow of a random loss."""
    texts, size = random_map(seed)
    code = [compile(text, "map", "eval") for text in texts]

    def outputs(x):
        return [eval(one, {"x": x}) for one in code]

    found = conservation_laws(outputs, shapes={"x": (size,)}, degree=3, seed=seed)
    assert found.least <= found.most
    symbols = sp.symbols(f"x:{size}")
    phi = [sp.expand(one) for one in outputs(symbols)]
    made = []
    for law in found.found:
        parts = [c * sp.prod(symbols[i] for i in m) for m, c in law.numerator.items()]
        made.append(sp.Add(*parts))
        for one in phi:
            rate = sum(sp.diff(made[-1], s) * sp.diff(one, s) for s in symbols)
            assert sp.expand(rate) == 0, (seed, law)
    rng = np.random.default_rng([seed, 100])
    goals, weights = rng.standard_normal(len(phi)), rng.uniform(0.5, 2, len(phi))
    loss = sum(w * sp.cos(p - g) for w, p, g in zip(weights, phi, goals, strict=True))
    slope = sp.lambdify([symbols], [-sp.diff(loss, s) for s in symbols])
    start = 0.5 * rng.standard_normal(size)
    run = solve_ivp(lambda t, x: slope(x), (0, 1), start, rtol=1e-10, atol=1e-12)
    values = sp.lambdify([symbols], made)
    drift = np.abs(np.array(values(run.y[:, -1])) - np.array(values(start)))
    assert drift.max(initial=0) < 1e-7, (seed, drift)
    return len(found.found)


def test_laws_of_random_models_are_laws():
    assert sum(check_a_random_model(seed) for seed in range(12)) > 10


@pytest.mark.slow
def test_laws_of_two_hundred_random_models_are_laws():
    assert sum(check_a_random_model(seed) for seed in range(200)) > 200


def test_coefficients_that_are_no_integers_are_found():
    found = conservation_laws(
        lambda x: [x[0] * x[1] + Fraction(1, 3) * x[1] * x[0], 0.5 * x[2] * x[0]],
        shapes={"x": 3},
    )
    assert found.proved
    assert str(found.laws[0]) == "x[0]^2 - x[1]^2 - x[2]^2"
