"""The regularizer against locality: formulas by hand, derivatives, its place in a problem."""

from dataclasses import replace

import numpy as np
import pytest

import dynlens as dl
from dynlens.problems import Locality, TensorPenalty
from dynlens.theory.locality import flat_cosine, least_separation_rank, two_value_cosine

SHAPE, REGIONS = (3, 2, 3, 2), ((0, 2), (1,))
R = Locality(SHAPE, *REGIONS, inputs=7, strength=0.7)
MODEL = dl.HierarchicalTensor(SHAPE, ((0, 1), (2, 3)), widths=3)
TARGET = np.random.default_rng(5).standard_normal(SHAPE)
SEEN = dl.Entries.sample(TARGET, fraction=0.6, seed=0)
PLAIN = dl.Problem(MODEL, dl.SquaredLoss(), SEEN)
PROBLEM = replace(PLAIN, tensor_penalty=R)
THETA = PROBLEM.init(0.7, seed=3)
POWERS = pytest.mark.parametrize("power", [1, 2])


def by_hand(tensor, power=1):
    """Gradients in modes 0 and 2 by contraction, input by input."""
    a, b, c, d = R.vectors
    total = 0.0
    for i in range(7):
        pair = []
        for q in (b[i], b[(i + 1) % 7]):
            first = np.einsum("ijkl,j,k,l->i", tensor, q, c[i], d[i])
            third = np.einsum("ijkl,i,j,l->k", tensor, a[i], q, d[i])
            g = np.append(first, third)
            pair.append(g / np.linalg.norm(g))
        total += abs(pair[0] @ pair[1]) ** power
    return 0.7 * total / 7


@POWERS
def test_its_value_is_that_of_its_definition(power):
    found = replace(R, power=power).value(TARGET)
    assert found == pytest.approx(by_hand(TARGET, power), rel=1e-14)
    both = replace(R, power=power).value(np.stack([TARGET, -3 * TARGET]))
    np.testing.assert_allclose(both, found, rtol=1e-14)


@POWERS
def test_its_gradient_and_hessian_are_those_of_differences(power):
    problem, h = replace(PLAIN, tensor_penalty=replace(R, power=power)), 1e-5
    v = np.random.default_rng(0).standard_normal(THETA.size)

    def difference(of):
        """Along v, of order four."""
        near, far = (of(THETA + k * h * v) - of(THETA - k * h * v) for k in (1, 2))
        return (8 * near - far) / (12 * h)

    slope, turn = difference(problem.objective), difference(problem.gradient)
    assert problem.gradient(THETA) @ v == pytest.approx(slope, rel=1e-8)
    np.testing.assert_allclose(problem.hessian_vector_product(THETA, v), turn, rtol=1e-6, atol=1e-6)
    value, gradient = problem.value_and_gradient(THETA)
    assert value == problem.objective(THETA)
    np.testing.assert_array_equal(gradient, problem.gradient(THETA))


def test_a_problem_adds_it_to_its_loss():
    tensor = PLAIN.end_to_end(THETA)
    assert PROBLEM.objective(THETA) == PLAIN.objective(THETA) + R.value(tensor)
    assert PROBLEM.tensor_loss(tensor) == pytest.approx(PROBLEM.objective(THETA), rel=1e-14)
    pulled = MODEL.ravel(MODEL.pullback(MODEL.unravel(THETA), PROBLEM.tensor_gradient(tensor)))
    np.testing.assert_allclose(pulled, PROBLEM.gradient(THETA), rtol=1e-12, atol=1e-14)


def test_both_descents_say_that_the_reference_computes():
    run = dl.gradient_descent(PROBLEM, THETA, eta=1e-2, steps=50)
    slow = dl.gradient_descent(PROBLEM, THETA, eta=1e-2, steps=50, backend="numpy")
    assert run.attrs["reference"].startswith("Locality(")
    np.testing.assert_array_equal(run.theta, slow.theta)


def test_with_strength_zero_runs_are_those_without_it():
    without = dl.gradient_descent(PLAIN, THETA, eta=1e-2, steps=50, backend="numpy")
    nothing = replace(PLAIN, tensor_penalty=replace(R, strength=0.0))
    found = dl.gradient_descent(nothing, THETA, eta=1e-2, steps=50, backend="numpy")
    np.testing.assert_array_equal(found.theta, without.theta)


def test_claims_and_comparisons_see_the_sum():
    law = "L * gamma * s**(2 - 2 / L)"
    names = {
        "L": dl.Reading("local_component_orders"),
        "s": dl.Reading("local_component_norms"),
        "gamma": dl.Reading("local_alignments"),
    }
    theta = PROBLEM.init(0.9, kind="balanced", seed=1)
    claim = dl.RateLaw("local_component_norms", law, readings=names, assumptions=(dl.BALANCED,))
    case = dl.States(PROBLEM, (tuple(theta.tolist()),))
    assert claim.check(case).status == "SUPPORTED"
    smooth = replace(PROBLEM, tensor_penalty=replace(R, power=2))
    flow = dl.gradient_flow(smooth, THETA, 0.04)
    found = dl.compare(flow, dl.gradient_descent(smooth, THETA, eta=5e-5, steps=800))
    order, _ = found.orders.orders["parameters"]
    assert abs(order - 1) < 0.05, f"descent nears the flow with order {order:.3f}"


def test_a_penalty_of_ones_own_is_enough_with_two_formulas():
    class Size(TensorPenalty):
        def value(self, tensor):
            return 0.5 * (tensor * tensor).sum(axis=(-4, -3, -2, -1))

        def gradient(self, tensor):
            return tensor

    problem = replace(PLAIN, tensor_penalty=Size())
    full = dl.Problem(MODEL, dl.SquaredLoss(), dl.Full(np.zeros(SHAPE)))
    wanted = PLAIN.gradient(THETA) + full.gradient(THETA)
    np.testing.assert_allclose(problem.gradient(THETA), wanted, rtol=1e-12)


def test_closed_forms_and_the_certificate_where_they_are_known():
    assert flat_cosine(2) == pytest.approx(2 / np.pi, rel=1e-15)
    assert two_value_cosine(3.0, 3.0) == pytest.approx(flat_cosine(2), rel=1e-15)
    assert two_value_cosine(3.0, 0.0) == pytest.approx(1.0, rel=1e-15)
    assert two_value_cosine(1.0, 0.9999) == pytest.approx(2 / np.pi, rel=1e-8)
    assert least_separation_rank(np.repeat(np.eye(5), 3, axis=0)) == pytest.approx(5, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Locality((2, 2), (0,), (0,)), "keep them apart"),
        (lambda: Locality((2, 2), (0,), (2,)), "modes 0 to 1"),
        (lambda: Locality((2, 2), (), (1,)), "one or more"),
        (lambda: Locality((2, 2), (0,), (1,), power=3), "1 or 2"),
        (lambda: Locality((2, 2), (0,), (1,), inputs=[np.ones((3, 2))]), "one of shape"),
        (lambda: Locality((2, 2), (0,), (1,), inputs=[np.ones((1, 2))] * 2), "two or more"),
        (
            lambda: replace(PLAIN, tensor_penalty=Locality((2, 2), (0,), (1,))),
            "of tensors of shape",
        ),
        (lambda: least_separation_rank(np.zeros((2, 2))), "row that is zero"),
    ],
)
def test_what_has_no_meaning_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_its_repr_makes_it_again():
    given = Locality((2, 2), (0,), (1,), inputs=[np.eye(2), np.ones((2, 2))])
    for penalty in (R, given):
        again = eval(repr(penalty), {"Locality": Locality})
        assert again == penalty
        assert hash(again) == hash(penalty)
