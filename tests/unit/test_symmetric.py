"""Symmetric tensor decomposition: by inner products as by entries, in every parameterization."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.objectives import ByGram, ByTensor
from dynlens.testing import compiled, derivatives, relative

MODELS = [
    SymmetricTensor(3, 3, 4),
    SymmetricTensor(2, 4, 3, degree=2, coefficients=(1.0, -1.0, 0.5)),
    SymmetricTensor(3, 3, 3, degree=(2, 3, 3), coefficients=None),
    SymmetricTensor(2, 5, 2, coefficients=None),
    SymmetricTensor(3, 2, 2, degree=2),
]
LOSSES = [dl.SquaredLoss(), dl.SquaredLoss("mean", half=False)]
PENALTIES = [None, dl.Ridge(0.3), dl.Ridge(0.3, half=False)]

every_model = pytest.mark.parametrize("model", MODELS, ids=repr)
every_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=repr)


def target_of(model, r=3, seed=1):
    coefficients = np.linspace(1.0, -0.5, r)
    return dl.RankOneSum.random(
        coefficients, dimension=model.dimension, order=model.order, seed=seed
    )


def problem_of(model, loss=LOSSES[0], penalty=None):
    return dl.Problem(model, loss, target_of(model), penalty)


@every_model
@every_penalty
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_inner_products_say_what_the_entries_say(model, loss, penalty):
    problem = problem_of(model, loss, penalty)
    seen = dl.Full(problem.observations.data.reshape(model.tensor_shape))
    dense = dl.Problem(model, loss, seen, penalty)
    assert isinstance(problem.of_factors, ByGram)
    assert isinstance(dense.of_factors, ByTensor)
    theta = problem.init(0.7, seed=3)
    for name in ("objective", "gradient", "hessian"):
        off = relative(getattr(problem, name)(theta), getattr(dense, name)(theta))
        assert off < 1e-12, f"{name} off by {off:.1e}"


@every_model
@every_penalty
def test_the_gram_route_has_its_derivatives_and_its_kernel(model, penalty):
    problem = problem_of(model, penalty=penalty)
    derivatives(problem)
    compiled(problem)


def test_a_penalty_works_for_other_models_and_kernels():
    for model in (dl.DeepLinear((2, 2, 2)), dl.CPFactorization((2, 3, 2), 2)):
        seen = dl.Entries.sample(np.ones(model.tensor_shape), fraction=0.6, seed=0)
        problem = dl.Problem(model, dl.SquaredLoss(), seen, dl.Ridge(0.2))
        derivatives(problem)
        compiled(problem)
        theta = problem.init(0.5, seed=0)
        own = dl.Problem(model, dl.SquaredLoss(), seen).objective(theta)
        np.testing.assert_allclose(problem.objective(theta), own + 0.1 * theta @ theta)
        flow = dl.gradient_flow(problem, theta, 2.0, method="Tsit5")
        other = dl.gradient_flow(problem, theta, 2.0, method="DOP853", compiled=False)
        np.testing.assert_allclose(flow.final, other.final, rtol=1e-6)


def test_both_conventions_have_one_flow_at_two_speeds():
    model = MODELS[1]
    half = dl.Problem(model, LOSSES[0], target_of(model), dl.Ridge(0.1))
    whole = dl.Problem(
        model, dl.SquaredLoss(half=False), target_of(model), dl.Ridge(0.1, half=False)
    )
    theta = half.init(0.5, seed=0)
    np.testing.assert_allclose(2 * half.gradient(theta), whole.gradient(theta), rtol=1e-14)


def test_zero_is_stationary_and_finite():
    for model in MODELS:
        problem = problem_of(model)
        theta = np.zeros(model.parameters)
        assert not problem.gradient(theta).any()
        out = np.full(model.parameters, np.nan)
        value = problem.machine.module.gradient(theta, *problem.machine.data, out)
        assert not out.any()
        np.testing.assert_allclose(value, problem.observations.squared_norm / 2, rtol=1e-14)


def test_the_tensor_is_never_formed(monkeypatch):
    def formed(*_):
        raise AssertionError("a tensor was formed")

    target = dl.RankOneSum.orthogonal([1.0, 0.5], dimension=60, order=5)
    problem = dl.Problem(SymmetricTensor(60, 5, 7, degree=2), dl.SquaredLoss(), target)
    theta = problem.init(0.5, kind="sphere", seed=0)
    for name in ("end_to_end", "pullback"):
        monkeypatch.setattr(SymmetricTensor, name, formed)
    problem.objective(theta)
    problem.compiled_field(0.0, theta)
    problem.hessian_vector_product(theta, theta)
    with pytest.raises(ValueError, match="too many to write out"):
        _ = target.data


def test_directions_turn_and_lengths_grow_as_in_polar_coordinates():
    """Ge et al. (2021): d log |u| / dt = 2 (a D(u^l) - penalty / 2) for degree 2."""
    model = MODELS[1]
    problem = problem_of(model, penalty=dl.Ridge(0.3))
    theta = problem.init(0.6, seed=2)
    entry = dl.observables.registry.find
    along = problem.vector_field(0.0, theta)
    rates = entry("vector_norms").derivative(problem, theta, along)
    norms = entry("vector_norms")(problem, theta)
    wanted = entry("residual_correlations")(problem, theta) * np.array(model.coefficients)
    np.testing.assert_allclose(rates / norms, 2 * (wanted - 0.15), rtol=1e-12)


def test_the_frozen_scalar_field_only_changes_the_radial_speed():
    model = SymmetricTensor(3, 4, 3, degree=2)
    problem = problem_of(model, penalty=dl.Ridge(0.2))
    theta = problem.init(0.6, seed=2)
    plain = problem.vector_field(0.0, theta)
    np.testing.assert_allclose(
        dl.dynamics.frozen_scalar_field(problem, 2)(0.0, theta), plain, rtol=1e-13
    )
    # From its definition: the scalars are constants of a vanilla problem with another penalty.
    (u,) = problem.factors(theta)
    norms = np.linalg.norm(u, axis=1)
    scalars = norms ** (2.0 - model.order)
    frozen = SymmetricTensor(3, 4, 3, coefficients=tuple(scalars))
    held = dl.Problem(frozen, dl.SquaredLoss(), problem.observations)
    wanted = held.vector_field(0.0, theta) - 0.5 * model.order * 0.2 * theta
    got = dl.dynamics.frozen_scalar_field(problem, model.order)(0.0, theta)
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)


def test_descent_along_a_field_is_eulers_method():
    model = SymmetricTensor(3, 3, 2, degree=2)
    problem = problem_of(model)
    theta = problem.init(0.3, seed=0)
    own = dl.gradient_descent(problem, theta, eta=0.01, steps=50)
    same = dl.gradient_descent(problem, theta, eta=0.01, steps=50, field=problem.vector_field)
    np.testing.assert_allclose(own.theta, same.theta, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_rotating_the_target_rotates_the_flow(seed):
    rng = np.random.default_rng(seed)
    model = SymmetricTensor(4, 3, 5, degree=2, coefficients=(1.0, 1.0, -1.0, 1.0, -1.0))
    target = target_of(model, seed=seed)
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    turned = dl.RankOneSum(target.coefficients, target.v @ Q.T, 3)
    theta = model.init(0.3, kind="sphere", seed=seed)
    here = dl.Problem(model, dl.SquaredLoss(), target, dl.Ridge(0.1))
    there = dl.Problem(model, dl.SquaredLoss(), turned, dl.Ridge(0.1))
    moved = model.ravel((model.unravel(theta)[0] @ Q.T,))
    one, other = (dl.gradient_flow(p, x, 3.0) for p, x in ((here, theta), (there, moved)))
    (u,), (w,) = here.factors(one.final), there.factors(other.final)
    np.testing.assert_allclose(u @ Q.T, w, atol=1e-7)
    np.testing.assert_allclose(one.values("loss"), other.values("loss"), atol=1e-8)


def test_a_run_is_saved_with_its_target_and_its_penalty(tmp_path):
    problem = problem_of(MODELS[1], penalty=dl.Ridge(0.1))
    flow = dl.gradient_flow(problem, problem.init(0.3, seed=0), 1.0)
    again = dl.load(flow.save(tmp_path / "run"))
    assert again.problem == problem
    assert eval(repr(problem), vars(dl) | {n: getattr(dl, n) for n in dl.__all__}) == problem


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`directions` must be unit vectors"):
        dl.RankOneSum((1.0,), ((2.0, 0.0),), 3)
    with pytest.raises(ValueError, match="one unit vector each"):
        dl.RankOneSum((1.0, 2.0), ((1.0, 0.0),), 3)
    with pytest.raises(ValueError, match="`dimension` is 1, too small"):
        dl.RankOneSum.orthogonal([1.0, 2.0], dimension=1, order=3)
    with pytest.raises(ValueError, match="`degree` has 2 entries"):
        SymmetricTensor(2, 3, 3, degree=(2, 3))
    with pytest.raises(ValueError, match="`degree` must be at least 2"):
        SymmetricTensor(2, 3, 3, degree=1)
    with pytest.raises(ValueError, match="`coefficients` has 1 entries"):
        SymmetricTensor(2, 3, 3, coefficients=(1.0,))
    with pytest.raises(TypeError, match="`penalty` must be a Ridge"):
        dl.Problem(MODELS[0], dl.SquaredLoss(), target_of(MODELS[0]), 0.1)
    with pytest.raises(ValueError, match="`strength` must be zero or positive"):
        dl.Ridge(-1.0)
    with pytest.raises(ValueError, match="2-homogeneous SymmetricTensor"):
        dl.dynamics.frozen_scalar_field(problem_of(MODELS[0]), 3)
    problem = problem_of(MODELS[0])
    with pytest.raises(ValueError, match="`field` is followed by plain steps"):
        dl.gradient_descent(
            problem,
            problem.init(0.1, seed=0),
            eta=0.1,
            steps=1,
            method="momentum",
            field=problem.vector_field,
        )
