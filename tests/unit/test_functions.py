"""Problems of the user's own functions: gradients checked, derivatives by whatever way there is."""

import importlib.util

import numpy as np
import pytest

import dynlens as dl

START = (0.3, -0.2)


def banana(x):
    return (1 - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2


def banana_slope(x):
    gap = x[1] - x[0] ** 2
    return np.array([2 * (x[0] - 1) - 40 * x[0] * gap, 20 * gap])


FORMULA = dl.objective("(1 - x[0])^2 + 10*(x[1] - x[0]^2)^2", parameters={"x": 2})


@pytest.mark.parametrize(
    "problem",
    [dl.from_function(banana, size=2), dl.from_function(banana, banana_slope, size=2)],
    ids=["complex step", "gradient"],
)
def test_it_is_a_problem(problem):
    theta, v = np.array([START, (1.0, 2.0)]), np.array([[1.0, 2.0], [0.3, -1.0]])
    np.testing.assert_allclose(problem.objective(theta), FORMULA.objective(theta), rtol=1e-14)
    np.testing.assert_allclose(problem.gradient(theta), FORMULA.gradient(theta), rtol=1e-13)
    turned = problem.hessian_vector_product(theta, v)
    np.testing.assert_allclose(turned, FORMULA.hessian_vector_product(theta, v), rtol=1e-9)
    path = dl.Path(problem, START, 1.0)
    assert dl.RateLaw("loss", "-gradient_norm^2").check(path).status == "SUPPORTED"
    verdict = dl.Conserved("x[0] * 1").check(path)
    assert verdict.status == "REFUTED"
    assert verdict.reproduce.startswith("# no line")
    assert "no kernel" in path.trajectory.attrs["reference"]


def test_runs_of_functions_are_not_kept_on_disk(monkeypatch, tmp_path):
    monkeypatch.setenv("DYNLENS_CACHE", str(tmp_path))
    dl.Path(dl.from_function(lambda x: (x**2).sum(), size=2), START, 1.0).samples()
    assert not list(tmp_path.rglob("runs/*.npz"))


def test_several_parameters():
    problem = dl.from_function(
        lambda u, V: (u @ V).sum() ** 2,
        lambda u, V: (2 * (u @ V).sum() * V.sum(1), 2 * (u @ V).sum() * np.outer(u, [1, 1, 1])),
        parameters={"u": (2,), "V": (2, 3)},
    )
    assert problem.model.factor_shapes == ((2,), (2, 3))
    assert dl.Path(problem, (0.1,) * 8, 0.1).trajectory.observe("V").shape[1:] == (2, 3)


REFUSED = [
    (lambda: dl.from_function(banana, lambda x: 2 * banana_slope(x), size=2), "by differences"),
    (lambda: dl.from_function(banana, lambda x: 1.0, size=2), "must return shape"),
    (lambda: dl.from_function(lambda x: abs(x[0]), size=1), "imaginary"),
    (lambda: dl.from_function(lambda x: float(x[0]), size=1), "complex"),
    (lambda: dl.from_function(lambda x: x, size=2), "real number"),
    (lambda: dl.from_function(lambda x: np.log(x[0]) * np.nan, size=1), "at a random state"),
    (lambda: dl.from_function(banana), "either `size`"),
    (lambda: dl.from_function(banana, size=2, parameters={"x": 2}), "either `size`"),
    (lambda: dl.from_function(banana, size=0), "at least 1"),
    (lambda: dl.from_function(banana, size=2, at=[1.0]), "`at` must have shape"),
    (lambda: dl.from_function(lambda x: "no", banana_slope, size=2), "real number"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("call", "sentence"), REFUSED)
def test_refused(call, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence) as error:
        call()
    assert "\n" not in str(error.value)


needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")


@needs_torch
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's, of its own functions
class TestTorch:
    def test_a_function(self):
        problem = dl.from_torch(banana, size=2)
        theta, v = np.array(START), np.array([1.0, 2.0])
        np.testing.assert_allclose(problem.gradient(theta), FORMULA.gradient(theta), rtol=1e-13)
        turned = problem.hessian_vector_product(theta, v)
        np.testing.assert_allclose(turned, FORMULA.hessian_vector_product(theta, v), rtol=1e-13)

    def test_a_module(self):
        import torch

        X = np.random.default_rng(0).standard_normal((5, 3))
        y = np.arange(5.0)
        module = torch.nn.Sequential(
            torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
        ).double()
        inputs, labels = torch.as_tensor(X), torch.as_tensor(y)
        problem = dl.from_torch(
            lambda net: ((net(inputs)[:, 0] - labels) ** 2).sum() / 2, module=module
        )
        same = dl.network(
            "tanh(X @ W.T + b) @ V.T + c",
            parameters={"W": (4, 3), "b": 4, "V": (1, 4), "c": 1},
            data={"X": X},
            labels=y[:, None],
        )
        theta = same.probe
        assert problem.model.names == (
            *("layer0_weight", "layer0_bias"),
            *("layer2_weight", "layer2_bias"),
        )
        np.testing.assert_allclose(problem.gradient(theta), same.gradient(theta), rtol=1e-12)

    def test_single_precision_is_refused(self):
        import torch

        with pytest.raises(TypeError, match=r"module\.double"):
            dl.from_torch(lambda net: net(torch.ones(3)).sum(), module=torch.nn.Linear(3, 1))
        with pytest.raises(TypeError, match=r"torch\.float32"):
            dl.from_torch(lambda x: x.float().sum(), size=2)


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is there")
def test_without_torch():
    with pytest.raises(ImportError, match="dynlens\\[torch\\]"):
        dl.from_torch(banana, size=2)
