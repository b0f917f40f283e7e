"""The regularizer of torch networks: double backward against differences, and against circuits."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.problems import Locality

torch = pytest.importorskip("torch", reason='needs torch: pip install "dynlens[torch]"')

from dynlens.dynamics.on_torch.locality import locality  # noqa: E402

POWERS = pytest.mark.parametrize("power", [1, 2])
FIRST, SECOND = (..., slice(0, 3)), (..., slice(4, 7))


def network(norm=False):
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(2, 5, 3, padding=1), torch.nn.Tanh(), torch.nn.Flatten()]
    if norm:
        layers.insert(1, torch.nn.BatchNorm2d(5))
    return torch.nn.Sequential(*layers, torch.nn.Linear(5 * 4 * 7, 3)).double()


def images(count=6):
    return torch.from_numpy(np.random.default_rng(1).standard_normal((count, 2, 4, 7)))


@POWERS
@pytest.mark.parametrize("norm", [False, True], ids=["plain", "batch norm"])
def test_its_gradient_is_that_of_differences(power, norm):
    net, x, labels = network(norm), images(), torch.tensor([0, 1, 2, 0, 1, 2])
    weights = list(net.parameters())

    def value():
        return locality(net, x, FIRST, SECOND, labels=labels, power=power)

    gradients = torch.autograd.grad(value(), weights, allow_unused=True)
    rng, h = np.random.default_rng(2), 1e-5
    for weight, gradient in zip(weights, gradients, strict=True):
        way = torch.from_numpy(rng.standard_normal(tuple(weight.shape)))
        ends = []
        for sign in (1, -2, 1):
            with torch.no_grad():
                weight += sign * h * way
            ends.append(float(value().detach()))
        slope = (ends[0] - ends[1]) / (2 * h)
        found = 0.0 if gradient is None else float((gradient * way).sum())  # a bias of the output
        assert found == pytest.approx(slope, rel=1e-6, abs=1e-9), (tuple(weight.shape), norm)


@POWERS
def test_of_a_circuit_it_is_the_penalty_on_its_tensor(power):
    shape, regions = (3, 3, 3), ((0, 1), (2,))
    penalty = Locality(shape, *regions, inputs=8, power=power)
    x = torch.from_numpy(np.stack(penalty.vectors, axis=1))  # (n, modes, size)
    tensor = np.random.default_rng(3).standard_normal(shape)
    W = torch.tensor(tensor, requires_grad=True)

    def circuit(x):
        return torch.einsum("ijk,bi,bj,bk->b", W, x[:, 0], x[:, 1], x[:, 2])

    value = locality(circuit, x, (slice(0, 2),), (slice(2, 3),), power=power)
    value.backward()
    assert float(value.detach()) == pytest.approx(float(penalty.value(tensor)), rel=1e-13)
    np.testing.assert_allclose(W.grad.numpy(), penalty.gradient(tensor), rtol=1e-10, atol=1e-13)


def test_masks_and_slices_name_the_same_patch():
    net, x = network(), images()
    first, second = (torch.zeros(2, 4, 7, dtype=torch.bool) for _ in range(2))
    first[FIRST], second[SECOND] = True, True
    labels = torch.zeros(6, dtype=torch.int64)
    by_mask = locality(net, x, first, second, labels=labels)
    by_slice = locality(net, x, FIRST, SECOND, labels=labels)
    assert float(by_mask.detach()) == pytest.approx(float(by_slice.detach()), rel=1e-14)


def test_what_has_no_meaning_is_refused():
    net, x = network(), images()
    with pytest.raises(ValueError, match="pass `labels`"):
        locality(net, x, FIRST, SECOND)
    with pytest.raises(ValueError, match="two or more"):
        locality(net, x[:1], FIRST, SECOND)


def test_descent_on_torch_takes_a_problem_with_it():
    pytest.importorskip("array_api_compat")
    model = dl.HierarchicalTensor((3, 3, 3), ((0, 1), 2), widths=3)
    seen = dl.Full(np.random.default_rng(0).standard_normal((3, 3, 3)))
    penalty = Locality((3, 3, 3), (0,), (2,), strength=0.3, power=2)
    problem = dl.Problem(model, dl.SquaredLoss(), seen, tensor_penalty=penalty)
    theta = problem.init(0.6, seed=0)
    there, here = (
        dl.gradient_descent(problem, theta, eta=1e-3, steps=100, backend=backend)
        for backend in ("torch", "numpy")
    )
    np.testing.assert_allclose(there.theta, here.theta, rtol=1e-11, atol=1e-13)
