"""Adam, RMSprop and AdaGrad are those of torch.optim, in every engine."""

import numpy as np
import pytest

import dynlens as dl

torch = pytest.importorskip("torch", reason='needs torch: pip install "dynlens[torch]"')
pytest.importorskip("array_api_compat", reason='needs array-api-compat: "dynlens[torch]"')

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}
TREE = dl.HierarchicalTensor((3, 2, 3, 2), ((0, 1), (2, 3)), widths=3)
ETA = {"completion": 1e-3, "tree": 1e-4}  # where rounding is not amplified by turning signs
PROBLEMS = {
    "completion": dl.completion_problem(2),
    "tree": dl.Problem(
        TREE,
        dl.HuberLoss(0.5),
        dl.Full(np.random.default_rng(0).standard_normal(TREE.shape)),
    ),
}


def by_torch(problem, start, optimizer, eta, steps):
    """The states of torch's own optimizer, fed with our gradients."""
    theta = torch.tensor(start, requires_grad=True)
    stepper, states = optimizer([theta], lr=eta), [start]
    for _ in range(steps):
        theta.grad = torch.from_numpy(problem.gradient(theta.detach().numpy()))
        stepper.step()
        states.append(theta.detach().numpy().copy())
    return np.array(states)


@pytest.mark.parametrize("backend", ["numba", "numpy", "torch"])
@pytest.mark.parametrize("method", OPTIMIZERS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_thousand_steps_are_those_of_torch_optim(name, method, backend):
    problem = PROBLEMS[name]
    start, eta = problem.init(0.5, seed=1), ETA[name]
    wanted = by_torch(problem, start, OPTIMIZERS[method], eta, 1000)
    found = dl.gradient_descent(
        problem, start, eta=eta, steps=1000, saves=1001, method=method, backend=backend
    )
    gap = np.abs(found.theta - wanted).max() / np.abs(wanted).max()
    assert gap < 1e-12, f"{method} in {backend} is off by {gap:.1e}"


@pytest.mark.parametrize("method", OPTIMIZERS)
def test_another_rate_is_told_apart(method):
    problem = PROBLEMS["completion"]
    start = problem.init(0.5, seed=1)
    wanted = by_torch(problem, start, OPTIMIZERS[method], 1e-3, 50)
    found = dl.gradient_descent(problem, start, eta=1.001e-3, steps=50, saves=51, method=method)
    assert np.abs(found.theta - wanted).max() > 1e-7
