"""Rate laws found from exact rates alone, and none where there is none."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import dynlens as dl
from dynlens.discovery import forms
from dynlens.discovery.conjecturing import read_off
from dynlens.discovery.constants import closed_form
from dynlens.discovery.fitting import Product
from dynlens.discovery.tables import table

SCALES = (0.5, 1.0, 1.7)
FIVE = ["singular_values", "alignment", "loss", "frobenius_norm", "parameter_norm"]


def square(depths=(2, 3, 4, 5), scales=SCALES, start="balanced", width=3):
    return [
        dl.RandomStates((width,) * (depth + 1), start, scale=scale)
        for depth in depths
        for scale in scales
    ]


def sums_of_components(start="balanced"):
    return [
        dl.RandomStates(dl.CPFactorization((3,) * n, 4), start, scale=scale, fraction=0.6)
        for n in (2, 3, 4, 5)
        for scale in SCALES
    ]


def one_level(scales=SCALES):
    return [
        dl.RandomStates(
            dl.HierarchicalTensor((3,) * n, dl.models.one_level_tree(n), 3), scale=scale
        )
        for n in (2, 3, 4)
        for scale in scales
    ]


def aligned(orders=((4, 5), (3, 5), (5, 1), (6, 2)), seed=0, goals=(1.3, 0.7)):
    """States whose components all lie along the first direction of the target."""
    rng = np.random.default_rng(seed)
    found = []
    for order, count in orders:
        for goal in goals:
            target = dl.RankOneSum.orthogonal([goal, 0.5], dimension=3, order=order)
            model = dl.SymmetricTensor(3, order, count, degree=2)
            theta = np.zeros((30, count, 3))
            theta[:, :, 0] = rng.uniform(0.1, 0.9, (30, count))
            states = tuple(map(tuple, theta.reshape(30, -1).tolist()))
            found.append(dl.States(dl.Problem(model, dl.SquaredLoss(), target), states))
    return found


def pairs(etas=(0.05, 0.1, 0.02)):
    """Descents of two scalar layers, every step saved."""
    problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
    starts = [(0.4, 2.0), (0.9, 2.5), (0.3, 1.4)]
    return [
        dl.Path(problem, start, 40 * eta, eta=eta, saves=41)
        for start, eta in zip(starts, etas, strict=True)
    ]


# -- laws that are known --------------------------------------------------------------------------


def test_singular_values_from_all_observables():
    found = dl.conjecture("singular_values", states=square())
    assert found.law == "depth*singular_values**(2 - 2/depth)*alignment"
    assert found.status == "SUPPORTED"
    assert found.needs.startswith("balanced: REFUTED")
    assert found.assumptions == (dl.BALANCED,)
    assert found.residual < 1e-9


def test_components_of_a_sum_from_all_observables():
    found = dl.conjecture("component_norms", states=sums_of_components())
    assert found.law == "order*component_norms**(2 - 2/order)*component_alignments"
    assert found.status == "SUPPORTED"
    assert any("at order 6" in tried.words for tried in found.tried)


def test_local_components_of_a_tree_from_all_observables():
    found = dl.conjecture("local_component_norms", states=one_level())
    number = "local_component_orders"
    assert found.law == f"{number}*local_component_norms**(2 - 2/{number})*local_alignments"
    assert found.status == "SUPPORTED"
    assert any("widths (3, 2, 4)" in tried.words for tried in found.tried)


def test_the_determinant_with_sums():
    found = dl.conjecture("determinant", states=square(), sums=True)
    assert found.law == "depth*determinant*sum(singular_values**(1 - 2/depth) * alignment)"
    assert found.status == "SUPPORTED"


def test_the_loss_whatever_the_start():
    found = dl.conjecture("loss", states=square((1, 2, 3, 4), start="gaussian"))
    assert found.law == "-gradient_norm**2"
    assert found.status == "SUPPORTED"
    assert not found.assumptions


def test_a_hypothesis_that_is_not_needed_is_dropped():
    found = dl.conjecture("loss", of=["loss", "gradient_norm", "parameter_norm"], states=square())
    assert found.law == "-gradient_norm**2"
    assert found.assumptions == ()
    assert "balanced is not needed" in found.notes
    assert "in a search of 2000 states" in [tried.words for tried in found.tried]


def test_what_a_step_of_descent_adds():
    names = ["imbalances", "eta", "loss", "parameter_norm", "gradient_norm"]
    fresh = dl.Path(pairs()[0].problem, (0.7, 1.9), 2.1, eta=0.07, saves=31)
    found = dl.conjecture("imbalances", of=names, states=pairs(), steps=True, attack=[fresh])
    assert found.claim == dl.Recursion("imbalances", factor="1 - 2*eta**2*loss")
    assert found.status == "SUPPORTED"


def test_the_logistic_rate_of_one_direction():
    names = ["fitted_coefficients", "residual_coefficients", "loss", "residual_norm"]
    fresh = aligned(((7, 3),), seed=5)
    found = dl.conjecture("fitted_coefficients", of=names, states=aligned(), attack=fresh)
    assert found.law == "4*fitted_coefficients*residual_coefficients"
    assert found.status == "SUPPORTED"


def test_laws_that_are_in_no_catalogue():
    found = dl.conjecture("sum(parameters**2)", states=square(start="gaussian"), sums=True)
    assert found.law == "2*depth*sum(singular_values * alignment)"
    assert found.status == "SUPPORTED"
    nuclear = dl.conjecture("sum(singular_values)", states=square(), sums=True)
    assert nuclear.law == "depth*sum(singular_values**(2 - 2/depth) * alignment)"
    assert nuclear.needs.startswith("balanced")


def test_a_sign_that_never_changes_is_no_absolute_value():
    # Large states all shrink: the rate is negative, and so is what it is made of.
    states = square(scales=(3.0, 4.0), depths=(2, 3, 4))
    found = dl.conjecture("determinant", of=["determinant"], states=states, sums=False)
    assert "abs" not in found.law
    nuclear = dl.conjecture(
        "sum(singular_values)", of=["singular_values", "alignment"], states=states, sums=True
    )
    assert nuclear.law == "depth*sum(singular_values**(2 - 2/depth) * alignment)"


def test_a_model_is_varied_by_itself():
    found = dl.conjecture("singular_values", of=FIVE, states=dl.DeepLinear((2, 2, 2)))
    assert found.law == "depth*singular_values**(2 - 2/depth)*alignment"


# -- none where there is none ---------------------------------------------------------------------

LOOSE = square(start="gaussian")
WITHOUT = {
    "singular values, unbalanced": ("singular_values", LOOSE),
    "largest singular value, unbalanced": ("singular_values[0]", LOOSE),
    "determinant, unbalanced": ("determinant", LOOSE),
    "nuclear norm": ("sum(singular_values)", square()),
    "nuclear norm, unbalanced": ("sum(singular_values)", LOOSE),
    "frobenius norm": ("frobenius_norm", square()),
    "determinant without sums": ("determinant", square()),
    "components, unbalanced": ("component_norms", sums_of_components("gaussian")),
    "aligned in part": (
        "component_masses",
        [
            dl.RandomStates(dl.SymmetricTensor(2, n, 3), "gaussian", scale=scale)
            for n in (3, 4, 5)
            for scale in SCALES
        ],
    ),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_no_law_where_there_is_none(name):
    target, states = WITHOUT[name]
    found = dl.conjecture(target, states=states)
    assert not found, found
    assert found.status == "NONE"
    assert found.residual > 1e-6 or "not vary" in found.reason


def test_what_follows_from_the_definition_of_a_cosine_is_found():
    found = dl.conjecture("sum(parameters**2)", states=LOOSE)
    assert found.law == "2*gradient_norm*radial_cosine*parameter_norm"
    assert found.status == "SUPPORTED"


def test_one_scale_hides_an_observable_and_no_law_is_given():
    names = ["local_component_norms", "local_alignments", "loss"]
    found = dl.conjecture("local_component_norms", of=names, states=one_level((1.0,)))
    assert not found
    assert "local_component_norms does not vary on these states; vary `scale`" in found.reason


def test_functions_of_one_another_are_attacked_apart():
    # Widths of one: norms are functions of the singular value, and only wider networks tell.
    found = dl.conjecture("singular_values", of=FIVE, states=square(width=1))
    assert found.law == "depth*singular_values**(2 - 2/depth)*alignment"
    assert found.also == ()
    bare = dl.conjecture("singular_values", of=FIVE, states=square(width=1), attack=False)
    assert len(bare.also) >= 1
    assert bare.status == "CONJECTURED"


def test_candidates_that_cannot_be_told_apart_are_named():
    names = ["loss", "2 * loss"]
    found = dl.conjecture("singular_values", of=names, states=square(width=1))
    assert not found
    assert "not identifiable" in found.reason


def test_a_rate_is_no_candidate():
    with pytest.raises(ValueError, match="'d_loss' is no candidate"):
        dl.conjecture("loss", of=["d_loss"], states=square())


def test_two_depths_decide_one_coefficient():
    found = dl.conjecture("singular_values", of=FIVE[:2], states=square((2, 3)))
    assert not found
    assert "two values of depth decide at most one coefficient" in found.reason


def test_a_false_law_put_in_by_hand_is_refuted_by_the_same_attacks():
    found = dl.conjecture("singular_values", of=FIVE[:2], states=square())
    for law in (
        "depth*singular_values**(2 - 1/depth)*alignment",
        "singular_values**(2 - 2/depth)*alignment",
        "-depth*singular_values**(2 - 2/depth)*alignment",
    ):
        claim = dl.RateLaw("singular_values", law, assumptions=(dl.BALANCED,))
        statuses = {claim.check(tried.case).status for tried in found.tried}
        assert statuses == {dl.Status.REFUTED}, law


def test_a_law_of_equal_widths_only_is_refuted_and_the_fit_repeated():
    # On square layers of one width, widths are as good as depth's own factor.
    states = [dl.RandomStates((3, 3, 3), scale=scale) for scale in SCALES]
    wrong = dl.RandomStates((3, 3, 3, 3), scale=0.7)
    found = dl.conjecture(
        "singular_values", of=["singular_values", "alignment"], states=states, attack=[wrong]
    )
    # Depth 2 alone gives 2 s gamma, which depth 3 refutes; with it two depths are too few.
    assert not found
    assert "2*singular_values*alignment was refuted" in found.reason
    assert "two values of depth" in found.reason


def test_a_law_that_a_search_refutes_is_none(monkeypatch):
    from dynlens.discovery import conjecturing

    honest = conjecturing.falsify

    def searching(claim, case, *, states, **options):
        verdict = honest(claim, case, states=states, **options)
        return replace(verdict, status=dl.Status.REFUTED) if states else verdict

    monkeypatch.setattr(conjecturing, "falsify", searching)
    found = dl.conjecture("loss", of=["loss", "gradient_norm"], states=square((1, 2, 3)))
    assert not found
    assert "-gradient_norm**2 was refuted in a search" in found.reason


def test_a_law_of_one_number_only_is_attacked_at_others():
    tree = dl.HierarchicalTensor((3, 3), (0, 1), 2)  # three vectors in each component
    states = [dl.RandomStates(tree, scale=scale) for scale in SCALES]
    names = ["local_component_norms", "local_alignments"]
    found = dl.conjecture("local_component_norms", of=names, states=states)
    assert not found
    assert "3*local_component_norms**(4/3)*local_alignments was refuted on a tree" in found.reason


# -- roundings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1, 4 / 3, 3 / 2], "2 - 2/L"),
        ([2, 3, 4], "L"),
        ([1, 1, 1], "1"),
        ([0.25, 0.25, 0.25], "(1/4)"),
        ([3, 5, 7], "-1 + 2*L"),
        ([1, 1 / 2, 1 / 3], "1/(L - 1)"),
        ([1.0, 1.2, 1.7], None),
    ],
)
def test_simple_functions_of_the_number(values, text):
    form = forms.simplest([2, 3, 4], values, [0, 0, 0])
    assert (form and form.text("L")) == text


def test_an_exponent_of_two_parts_is_in_parentheses():
    form = forms.Form(4, (Fraction(1, 2), Fraction(2)))
    law = Product(forms.Form(0, (Fraction(1),)), (("x", form),), False, ())
    assert law.text("L") == "x**((1/2) + 2/L)"
    third = replace(law, powers=(("x", forms.Form(0, (Fraction(4, 3),))),))
    assert third.text("L") == "x**(4/3)"


def test_what_is_known_too_badly_is_not_rounded():
    assert forms.simplest([np.nan], [1.34], [0.0]) is None
    assert forms.simplest([np.nan], [1.34], [0.3]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(2**0.5, "sqrt(2)"), (1 - 1e-9, "1"), (-1.5, "-3/2"), (3 * 3**0.5 / 2, "3/2*sqrt(3)")],
)
def test_constants_have_closed_forms(value, text):
    assert closed_form(value) == text


def recovered(rows, noise, repetitions):
    """How often the right law is read off noisy rates, and how often a wrong one."""
    whole = table("singular_values", [*FIVE, "nuclear_norm"], square())
    right = wrong = 0
    for k in range(repetitions):
        found = read_off(whole.first(rows).perturbed(noise, k), most=2, noise=noise)
        right += found.law == "depth*singular_values**(2 - 2/depth)*alignment"
        wrong += bool(found.law) and found.law != "depth*singular_values**(2 - 2/depth)*alignment"
    return right, wrong


@pytest.mark.parametrize(("rows", "noise"), [(40, 0.0), (80, 1e-4), (160, 1e-2)])
def test_noise_hides_a_law_but_makes_none(rows, noise):
    right, wrong = recovered(rows, noise, 6)
    assert wrong == 0
    assert right >= 5


@pytest.mark.slow
def test_fifty_repetitions_of_every_noise():
    for rows in (20, 40, 80, 160):
        for noise in (0.0, 1e-6, 1e-4, 1e-2):
            right, wrong = recovered(rows, noise, 50)
            assert wrong == 0, (rows, noise, wrong)
            assert right >= (45 if rows == 20 else 49), (rows, noise, right)


# -- texts and files ------------------------------------------------------------------------------


def test_a_theorem_file_verifies_and_its_controls_are_refuted(tmp_path):
    found = dl.conjecture("singular_values", of=FIVE, states=square())
    text = found.theorem("X.1", tmp_path / "x1.py")
    assert len(text.splitlines()) <= 25
    (theorem,) = dl.from_file(tmp_path / "x1.py")
    verdict = theorem.verify()
    assert verdict.status == dl.Status.SUPPORTED
    assert len(verdict.controls) == 4
    assert verdict.passed


def test_the_result_prints_its_evidence():
    text = str(dl.conjecture("singular_values", of=FIVE, states=square()))
    assert text.startswith("SUPPORTED  d/dt singular_values = depth*singular_values**(2 - 2/depth)")
    for words in ("4 values of depth", "at depth 6", "needs", "1, 1.3333333, 1.5, 1.6", "RateLaw("):
        assert words in text
    with pytest.raises(ValueError, match="no law of determinant"):
        _ = dl.conjecture("determinant", of=["loss"], states=square()).claim


# -- best constants -------------------------------------------------------------------------------

MATRICES = dl.RandomMatrices(dl.completion_problem(1), 2000, 0, determinant=1)


@pytest.mark.parametrize(
    ("left", "guess"), [("rank_distance", "sqrt(2)"), ("effective_rank - 1", "1")]
)
def test_the_sharp_constants_of_rank_surrogates(left, guess):
    found = dl.best_constant(left, "sqrt(loss)", MATRICES)
    assert found.guess == guess
    assert found.status == "SUPPORTED"
    assert found.how == "approached"
    assert found.tighter.status == dl.Status.REFUTED


@pytest.mark.parametrize("order", [2, 3, 4])
def test_the_sharp_constants_of_component_norms(order):
    model = dl.CPFactorization((2,) * order, 1)
    states = dl.RandomStates(model, "gaussian", count=300, seed=order)
    own = "abs(component_alignments) * component_norms**(2 - 2/order)"
    low = dl.best_constant("abs(d_component_norms)", own, states, supremum=False)
    assert (low.guess, low.status) == (str(order), "SUPPORTED")
    wide = "abs(component_alignments) * (component_norms**(2/order) + unbalancedness)**(order - 1)"
    high = dl.best_constant("abs(d_component_norms)", wide, states)
    assert (high.guess, high.status) == (str(order), "SUPPORTED")


def test_an_unbounded_ratio_is_told():
    found = dl.best_constant(
        "frobenius_norm", "abs(determinant)", dl.RandomStates((2, 2), "gaussian")
    )
    assert found.how == "unbounded"
    assert found.status == "NONE"


def test_many_parameters_give_a_bound_and_no_guess():
    states = dl.RandomStates((6, 6), "gaussian", count=50)
    found = dl.best_constant("frobenius_norm", "spectral_norm", states)
    assert found.guess == ""
    assert "at least 1." in str(found)


# -- any model, any observable ---------------------------------------------------------------------

TRUE = {
    "-gradient_norm**2",
    "depth*singular_values**(2 - 2/depth)*alignment",
    "order*component_norms**(2 - 2/order)*component_alignments",
    "2*order*sum(component_norms * component_alignments)",
    "2*depth*sum(singular_values * alignment)",
    "depth*sum(singular_values**(2 - 2/depth) * alignment)",
    "6*sum(singular_values * alignment)",  # of a quadratic network, which is homogeneous of order 3
}
TARGETS = {
    dl.DeepLinear: ("loss", "singular_values", "sum(parameters**2)", "sum(singular_values)"),
    dl.CPFactorization: ("loss", "component_norms", "sum(parameters**2)"),
    dl.QuadraticNetwork: ("loss", "sum(parameters**2)"),
}


def drawn(seed):
    """States of a few models of one kind, of random sizes, starts, losses and share observed."""
    rng = np.random.default_rng([seed, 77])
    kind = list(TARGETS)[int(rng.integers(len(TARGETS)))]
    if kind is dl.DeepLinear:
        depths = rng.choice([2, 3, 4, 5], int(rng.integers(3, 5)), replace=False)
        models = [dl.DeepLinear(tuple(rng.integers(2, 4, depth + 1).tolist())) for depth in depths]
    elif kind is dl.CPFactorization:
        models = [kind((int(rng.integers(2, 4)),) * n, int(rng.integers(1, 4))) for n in (2, 3, 4)]
    else:
        models = [kind(int(rng.integers(2, 4)), int(rng.integers(1, 4)))]
    start = str(rng.choice(sorted(set(models[0].kinds) - {"identity"})))
    loss = [dl.SquaredLoss(), dl.SquaredLoss("mean"), dl.HuberLoss(0.7)][int(rng.integers(3))]
    share = float(rng.choice([1.0, 0.6]))
    states = [
        dl.RandomStates(model, start, scale, int(rng.integers(1000)), loss=loss, fraction=share)
        for model in models
        for scale in (0.5, 1.2)
    ]
    return str(rng.choice(TARGETS[kind])), states


@pytest.mark.slow
def test_no_false_law_is_supported_of_random_models():
    found = [
        dl.conjecture(*drawn(seed)[:1], states=drawn(seed)[1], sums=True) for seed in range(60)
    ]
    laws = {one.law for one in found if one.status == "SUPPORTED"}
    assert laws <= TRUE, laws - TRUE
    assert len(laws) >= 4
