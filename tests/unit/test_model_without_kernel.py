"""Four members make a model: by the reference it flows, descends and carries claims."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest

import dynlens as dl
from dynlens.models.base import Model, Number
from dynlens.testing import check_model

START = np.array([[0.3, -0.1, 0.2], [0.4, 0.1, 0.1]]).ravel()


@dataclass(frozen=True)
class Gram(Model):
    """W = U^T U; its fields are called as those of nobody else's model are."""

    size: int
    width: int
    numbers = (Number("width", "number of rows", "k"),)

    @property
    def factor_shapes(self):
        return ((self.width, self.size),)

    @property
    def tensor_shape(self):
        return (self.size, self.size)

    @property
    def degrees(self):
        return (2,)

    def end_to_end(self, factors):
        return factors[0].mT @ factors[0]

    def pullback(self, factors, cotangent):
        return (factors[0] @ (cotangent + cotangent.mT),)


class WithKernel(Gram):
    """The same by the kernel of a `QuadraticNetwork`, whose signs are all one."""

    def kernel(self):
        return dl.QuadraticNetwork(self.size, self.width, (1,) * self.width).kernel()


class Wrong(Gram):
    """Its kernel subtracts the rows."""

    def kernel(self):
        return dl.QuadraticNetwork(self.size, self.width, (-1,) * self.width).kernel()


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def problem():
    return dl.Problem(Gram(3, 2), dl.SquaredLoss(), dl.Full(np.diag([2.0, 1.0, 0.0])))


def by_reference(run):
    return run.attrs["reference"] == (
        "Gram(size=3, width=2) states no kernel: computed by the numpy reference."
    )


def test_it_passes_the_suite_of_all_models():
    check_model(Gram(3, 2))
    check_model(WithKernel(3, 2))
    with pytest.raises(dl.KernelError, match="off by"):
        check_model(Wrong(3, 2))


def test_a_field_may_be_called_size():
    assert (Gram(3, 2).size, Gram(3, 2).parameters) == (3, 6)
    with pytest.warns(DeprecationWarning, match="`Model.size` is called `parameters` now"):
        assert dl.DeepLinear((2, 3)).size == 6
    assert not hasattr(dl.DeepLinear((2, 3)), "sizes")


def test_other_fields_that_every_model_has_are_refused():
    with pytest.raises(TypeError, match=r"`Bad\.parameters` cannot be a field.*another name"):
        type("Bad", (Gram,), {"__annotations__": {"parameters": "int"}})


def test_a_flow_is_that_of_the_kernel(problem):
    flow = dl.gradient_flow(problem, START, 5.0)
    assert flow.complete
    assert flow.attrs["method"] == "DOP853"
    assert by_reference(flow)
    same = dl.gradient_flow(replace(problem, model=WithKernel(3, 2)), START, 5.0)
    assert "reference" not in same.attrs
    np.testing.assert_allclose(flow.theta, same.theta, atol=1e-7)
    assert 0 < flow.error("end_to_end").max() < 1e-6
    asked_for = dl.gradient_flow(problem, START, 5.0, compiled=False)
    assert "reference" not in asked_for.attrs
    np.testing.assert_array_equal(flow.theta, asked_for.theta)


@pytest.mark.parametrize("method", ["plain", "momentum", "grouprmsprop"])
def test_descent_is_that_of_numpy(problem, method):
    run = dl.gradient_descent(problem, START, eta=0.05, steps=40, method=method)
    same = dl.gradient_descent(problem, START, eta=0.05, steps=40, method=method, backend="numpy")
    np.testing.assert_array_equal(run.theta, same.theta)
    assert by_reference(run)
    assert "reference" not in same.attrs


def test_batches_are_single_runs_side_by_side(problem):
    starts = [START, 2 * START]
    flows = dl.gradient_flow_batch(problem, starts, 5.0, observables=["loss"])
    single = dl.gradient_flow(problem, starts[1], 5.0)
    np.testing.assert_array_equal(flows[1].final, single.final)
    descents = dl.gradient_descent_batch(problem, starts, eta=[0.05, 0.1], steps=20)
    run = dl.gradient_descent(problem, starts[1], eta=0.1, steps=20)
    np.testing.assert_array_equal(descents.sel(start=1, eta=0.1).theta, run.theta)
    assert all(map(by_reference, [*flows, *descents]))


@pytest.mark.parametrize("method", ["Tsit5", "Radau9", "ROCK4"])
def test_a_compiled_loop_that_is_named_is_refused_in_a_sentence(problem, method):
    words = f"`method` '{method}' is a compiled loop, but Gram.* states no kernel.*Use 'auto'"
    with pytest.raises(dl.KernelError, match=words):
        dl.gradient_flow(problem, START, 1.0, method=method)
    with pytest.raises(dl.KernelError, match=words):
        dl.gradient_flow_batch(problem, [START], 1.0, method=method)


def test_descent_is_compared_with_the_flow(problem):
    flow = dl.gradient_flow(problem, START, 2.0)
    descent = dl.gradient_descent(problem, START, eta=0.01, steps=200)
    compared = dl.compare(flow, descent)
    assert 0 < compared.data["end_to_end_distance"].max() < 0.1


@pytest.mark.parametrize(
    "case",
    [
        dl.RandomStates(Gram(3, 2), "gaussian"),
        lambda problem: dl.States(problem, (tuple(START),)),
        lambda problem: dl.Path(problem, tuple(START), 3.0),
    ],
    ids=["random states", "states", "path"],
)
def test_claims_are_judged_and_may_use_its_numbers(problem, case):
    case = case(problem) if callable(case) else case
    law = dl.RateLaw("loss", "-gradient_norm**2 * width / 2")
    assert law.check(case).status == "SUPPORTED"
    assert dl.falsify(dl.RateLaw("loss", "-gradient_norm**2 * width"), case).status == "REFUTED"
