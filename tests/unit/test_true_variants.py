"""True statements that look like mutants: none of them may be refuted, and none is a control."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.cases.base import ModelSamples
from theory_checks.razin2020 import cases, two_layers
from theory_checks.razin2020.cases import positive

TRUE = {
    "|W11| >= 1/s - 2": positive("Abs(w11)", "1 / sqrt(2 * loss) - 2"),
    "|W11| >= 1/s - 1": positive("Abs(w11)", "1 / sqrt(2 * loss) - 1"),
    "D <= sqrt(2) sqrt(loss)": positive("sqrt(2) * sqrt(loss)", "rank_distance"),
    "D <= 2 sqrt(loss)": positive("2 * sqrt(loss)", "rank_distance"),
    "erank <= 1 + sqrt(loss)": positive("1 + sqrt(loss)", "effective_rank"),
    "erank <= 1 + 5 sqrt(loss)": positive("1 + 5 * sqrt(loss)", "effective_rank"),
}


@pytest.mark.parametrize("name", TRUE)
def test_a_sharper_constant_is_not_refuted(name):
    for case in (cases.random_matrices(), cases.FLOWS[0]):
        found = TRUE[name].check(case)
        assert found.status == "SUPPORTED", str(found)
    assert name not in dl.theorem("P1.T1").controls


def test_a_start_above_one_converges_too():
    found = dl.theorem("P1.P4").claim(0).check(two_layers.reduced(3.0, 1e8))
    assert found.status == "SUPPORTED", str(found)


def test_a_negative_start_mirrors_a_positive_one():
    # W -> -S W S with S = diag(1, -1) keeps the observations and changes the sign of the start.
    problem, eye = dl.completion_problem(2), np.eye(2)
    start = problem.model.ravel(problem.model.balanced_factors(-0.5 * eye))
    flow = dl.gradient_flow(problem, start, 20.0)
    mirror = dl.gradient_flow(problem, problem.init(0.5, kind="identity"), 20.0)
    np.testing.assert_allclose(flow.values("loss"), mirror.values("loss"), rtol=1e-6)
    entries, mirrored = flow.values("end_to_end"), mirror.values("end_to_end")
    np.testing.assert_allclose(entries[:, 0, 0], -mirrored[:, 0, 0], rtol=1e-6)


def test_entries_uniform_on_the_unit_interval_give_one_half_as_well():
    # By exchange of the rows, although no entry is symmetric about zero.
    draws = np.random.default_rng(0).uniform(0, 1, (100_000, 4))
    samples = ModelSamples(dl.completion_problem(1), draws)
    claim = dl.Frequency("determinant", 0.5)
    assert claim.measure(samples)[0] < claim.sigmas
    assert dl.Frequency("determinant", 0.49).measure(samples)[0] > claim.sigmas


def test_the_weaker_bound_under_perturbation_holds():
    # |W11| >= |z z'| / sqrt(|eps|), in the limit of small loss, follows from |z z'| / |eps|.
    z, z_prime, epsilon = 1.0, 1.0, 1e-2
    claim = dl.AtLeast(
        "Abs(w11)",
        f"({z} - s) * ({z_prime} - s) / (sqrt({epsilon}) + s)",
        readings={"w11": dl.Reading("end_to_end", where=(0, 0))},
        given={"s": 0.0},
        where="1e-8 - loss",
        assumptions=(dl.POSITIVE_DETERMINANT,),
    )
    problem = dl.completion_problem(1, observed=(z, z_prime, epsilon))
    fitted = dl.States(problem, tuple((w11, z, z_prime, epsilon) for w11 in (100.5, 150.0, 1e3)))
    assert claim.check(fitted).status == "SUPPORTED"
