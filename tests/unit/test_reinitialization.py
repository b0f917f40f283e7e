"""Phases with fresh components, and the closed forms beside independent integration."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import dynlens as dl
from dynlens.dynamics.phases import modified_descent, modified_flow
from dynlens.theory.closed_forms import FrozenResidual, fitting_times, winner


def problem_of(components=4, order=3):
    target = dl.RankOneSum.orthogonal([1.0, 0.8], dimension=4, order=order)
    model = dl.SymmetricTensor(4, order, components, degree=2)
    return dl.Problem(model, dl.SquaredLoss(), target, dl.Ridge(0.05))


def test_small_components_and_only_they_start_anew():
    problem = problem_of()
    theta = problem.init(0.01, kind="sphere", seed=0)
    first, second = modified_flow(
        problem, theta, phases=[12.0, 1.0], threshold=0.1, scale=0.001, seed=1
    )
    before, after = first.values("vector_norms")[-1], second.values("vector_norms")[0]
    assert (before < 0.1).any()
    assert (before > 0.1).any()
    np.testing.assert_allclose(after[before < 0.1], 0.001)
    np.testing.assert_array_equal(after[before > 0.1], before[before > 0.1])


def test_a_fresh_component_is_vanilla_until_it_has_grown():
    runs = modified_descent(
        problem_of(), epochs=3, steps=500, eta=0.05, scale=0.05, seed=0, switch=0.06
    )
    mixed = [run for run in runs if isinstance(run.problem.model.degree, tuple)]
    assert mixed
    for run in mixed:
        new = run.problem.model.degree.index(3)
        lengths = run.values("vector_norms")[:, new]
        assert (lengths[:-1] <= 0.06).all()
        np.testing.assert_allclose(lengths[0], 0.05)
    assert sum(int(run.attrs["steps"]) for run in runs) == 1500
    for one, two in itertools.pairwise(runs):
        moved = np.abs(one.final - two.theta[0]).reshape(4, 4).max(axis=1) > 0
        assert moved.sum() <= 1, "more than the fresh component was moved"


def test_the_same_seed_gives_the_same_bits():
    one, two = (
        modified_descent(problem_of(), epochs=2, steps=50, eta=0.05, scale=0.05, seed=3, kappa=3)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one[-1].final, two[-1].final)


@pytest.mark.parametrize("order", [3, 4, 5, 6])
def test_the_closed_form_solves_the_equation_as_scipy_does(order):
    a, start, kappa, penalty = np.array([1.0, 0.7, 0.4, 0.0]), (0.3, 0.5, 0.4, 0.6), order, 0.1

    def field(t, u):
        n = np.linalg.norm(u)
        b = u / n
        D = a * b ** (order - 1)
        return n * ((kappa - order) * (D @ b) * b + order * D) - kappa / 2 * penalty * u

    times = [0.5, 2.0, 4.0]
    found = solve_ivp(field, (0, 4), start, method="DOP853", rtol=1e-12, atol=1e-30, t_eval=times)
    form = FrozenResidual(start, tuple(a), order, kappa, penalty).at(times)
    sizes = np.linalg.norm(form, axis=1)
    assert (np.abs(form - found.y.T).max(axis=1) / sizes).max() < 1e-9


def test_a_component_against_all_directions_has_no_winner():
    assert winner([-0.5, -0.5], [1.0, 0.5], 3) is None
    assert winner([-0.5, -0.5], [1.0, 0.5], 4) == 0
    with pytest.raises(ValueError, match="no winner"):
        FrozenResidual((-0.5, -0.5), (1.0, 0.5), 3)


def test_bad_input_is_named():
    problem = problem_of()
    vanilla = dl.Problem(dl.SymmetricTensor(4, 3, 4), problem.loss, problem.observations)
    with pytest.raises(ValueError, match="2-homogeneous SymmetricTensor"):
        modified_descent(vanilla, epochs=1, steps=1, eta=0.1, scale=0.1, seed=0)
    with pytest.raises(ValueError, match=r"`switch` = 0\.1 is not above"):
        modified_descent(problem, epochs=1, steps=1, eta=0.1, scale=0.1, seed=0, switch=0.1)
    with pytest.raises(ValueError, match="`coefficients` must not be negative"):
        winner([1.0, 0.0], [-1.0, 1.0], 3)
    with pytest.raises(ValueError, match="`start` is zero"):
        winner([0.0, 0.0], [1.0, 1.0], 3)


def test_directions_without_a_component_or_that_the_penalty_lets_die_are_never_fitted():
    starts = [[0.9, 0.3, 0.3], [0.1, 0.7, 0.7]]  # the winners are 0 and 1
    times = fitting_times(starts, [1.0, 0.2, 0.1], 4, scale=1e-6)
    assert np.isfinite(times).tolist() == [True, True, False]
    dying = fitting_times(starts, [1.0, 0.2, 0.1], 4, scale=1e-6, penalty=0.4, eta=0.01)
    assert np.isfinite(dying).tolist() == [True, False, False]
