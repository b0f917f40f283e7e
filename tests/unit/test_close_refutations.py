"""What is nothing but rounding refutes no true claim, however the twins fall out."""

from dataclasses import dataclass

import numpy as np
import pytest

import dynlens as dl

ONE = dl.DeepLinear((1, 1))


@dataclass(frozen=True)
class Condition(dl.Measurement):
    """The condition of a matrix, from the matrix and from its eigenvalues."""

    seed: int

    def measure(self, numerics):
        rng = np.random.default_rng(self.seed)
        basis = np.linalg.qr(rng.standard_normal((4, 4)))[0]
        matrix = numerics.start((basis * np.logspace(0, -8, 4)) @ basis.T)
        values = np.linalg.eigvalsh(matrix)
        return {"kappa": np.linalg.cond(matrix), "ratio": values[-1] / np.abs(values[0])}


def test_two_ways_to_measure_an_ill_conditioned_matrix_never_disagree_surely():
    claim = dl.Equal("kappa", "ratio", tolerance=1e-13)
    found = [claim.check(Condition(seed)) for seed in range(60)]
    assert [v.status for v in found].count("REFUTED") == 0
    # The residual is far above the tolerance, and a single twin would have refuted some.
    assert np.median([v.residual for v in found]) > 1e-11


def test_a_factor_that_is_off_is_refuted_all_the_same():
    claim = dl.Equal("kappa", "1.001 * ratio", tolerance=1e-13)
    assert claim.check(Condition(0)).status == "REFUTED"


@pytest.mark.parametrize("method", ["LSODA", "Radau"])
@pytest.mark.parametrize("rtol", [1e-6, 1e-8, 1e-10])
def test_first_integrals_below_the_integrators_error_are_not_refuted(rtol, method):
    claim = dl.Conserved("a**2 + b**2", tolerance=1e-14)
    for k in range(5):
        start = {"a": 1.0 + 0.1 * k, "b": 1.5}
        path = dl.SystemPath({"a": "-b", "b": "a"}, start, 2.0 + k, rtol=rtol, method=method)
        verdict = claim.check(path)
        assert verdict.status != "REFUTED", str(verdict)
        assert verdict.residual > 1e-14


def test_a_loss_that_has_settled_at_zero_in_every_run_is_known_to_rounding_only():
    problem = dl.Problem(ONE, dl.SquaredLoss(), dl.Full([[0.696]]))
    path = dl.Path(problem, (1.22,), 370.0, saves="log")
    assert path.samples().read("loss")[-1] == 0.0
    law = "0.137288 * exp(-2.0 * t)"
    assert dl.ClosedForm("loss", law, tolerance=1e-6).check(path).status != "REFUTED"
    late = dl.AtLeast(f"{law} / 2", "loss", after=300.0).check(path)
    assert late.status == "UNDECIDED", str(late)
