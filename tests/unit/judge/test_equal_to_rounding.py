"""At states, the numerical error says what is equal, not a constant; a tolerance given is kept."""

from dataclasses import replace

import numpy as np
import pytest

import dynlens as dl
from dynlens.observables.registry import REGISTRY

STATES = dl.RandomStates((3, 3, 3))
CP = dl.RandomStates(dl.CPFactorization((2, 3, 2), 2), start="balanced")
LAW = "depth * alignment * singular_values**(2 - 2 / depth)"
NORMS = "order * component_alignments * component_norms**(2 - 2 / order)"

TRUE = {
    "loss": (dl.RateLaw("loss", "-gradient_norm**2"), STATES),
    "singular values": (dl.RateLaw("singular_values", LAW, assumptions=(dl.BALANCED,)), STATES),
    "end to end": (dl.Equal("frobenius_norm**2", "sum(end_to_end**2)"), STATES),
    "trace norm": (dl.Equal("nuclear_norm", "sum(singular_values)"), STATES),
    "determinant": (dl.Equal("determinant**2", "prod(singular_values)**2"), STATES),
    "parameters": (dl.Equal("parameter_norm**2", "sum(factor_norms**2)"), STATES),
    "components": (dl.RateLaw("component_norms", NORMS, assumptions=(dl.BALANCED,)), CP),
    "a formula's rate": (dl.RateLaw("log(loss)", "-gradient_norm**2 / loss"), STATES),
}


def off(claim, share):
    """The same claim with its right side off by a share."""
    name = "right" if isinstance(claim, dl.Equal) else "rate"
    return replace(claim, **{name: f"({getattr(claim, name)}) * (1 + {share})"})


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("share", ["0", "5e-10", "-1e-10", "1e-10"])
def test_a_law_off_by_half_a_billionth_is_refuted(name, share):
    claim, case = TRUE[name]
    verdict = off(claim, share).check(case)
    assert verdict.status == ("SUPPORTED" if share == "0" else "REFUTED"), str(verdict)


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_true_law_is_supported_at_other_states(name, seed):
    claim, case = TRUE[name]
    for scale in (1e-3, 1.0, 1e2):
        verdict = claim.check(replace(case, seed=seed, scale=scale))
        assert verdict.status == "SUPPORTED", str(verdict)


@pytest.mark.parametrize("tolerance", [1e-9, 1e-6])
def test_a_tolerance_that_is_given_means_what_it_says(tolerance):
    claim, case = TRUE["loss"]
    given = replace(claim, tolerance=tolerance)
    assert given.check(case).tolerance == tolerance
    assert off(given, "5e-10").check(case).status == "SUPPORTED"
    assert off(given, f"{2 * tolerance}").check(case).status == "REFUTED"


def test_the_tolerance_that_was_used_is_told_and_reproduced():
    verdict = TRUE["loss"][0].check(STATES)
    assert 1e-13 <= verdict.tolerance < 1e-11
    assert "tolerance=" not in verdict.reproduce


def test_states_that_are_balanced_only_nearly_are_allowed_for():
    problem = STATES.problem
    theta = problem.init(1.0, kind="balanced", seed=3)
    bent = theta.copy()
    bent[0] += 1e-10  # unbalanced by a relative 3e-11
    claim = dl.RateLaw("singular_values", LAW, assumptions=(dl.BALANCED,))
    assert claim.check(dl.States(problem, bent[None])).status == "SUPPORTED"
    assert off(claim, "1e-8").check(dl.States(problem, bent[None])).status == "REFUTED"
    # Without the assumption nothing says that this difference is none.
    bare = replace(claim, assumptions=())
    assert bare.check(dl.States(problem, bent[None])).status == "REFUTED"
    assert bare.check(dl.States(problem, theta[None])).status == "SUPPORTED"


def test_along_a_path_the_constant_stays():
    problem = dl.completion_problem(2)
    path = dl.Path(problem, dl.Start(0.3, "identity"), 1.0)
    assert dl.RateLaw("loss", "-gradient_norm**2").check(path).tolerance == 1e-9


def test_functions_and_own_observables_keep_the_constant():
    @dl.observable()
    def twice_the_loss(problem, factors):
        return 2 * problem.objective(problem.model.ravel(factors))

    try:
        assert dl.Equal("twice_the_loss", "2 * loss").check(STATES).tolerance == 1e-9
        assert dl.Equal("sum(twice_the_loss)", "2 * loss").check(STATES).tolerance == 1e-9
        reading = {"q": dl.Reading("twice_the_loss")}
        assert dl.Equal("q", "2 * loss", readings=reading).check(STATES).tolerance == 1e-9
        assert dl.Equal("2 * loss", "2.0 * loss").check(STATES).tolerance < 1e-9
    finally:
        del REGISTRY["twice_the_loss"]
    function = dl.Equal(lambda samples: samples.read("loss"), "loss")
    assert function.check(STATES).tolerance == 1e-9


def test_ill_conditioned_states_keep_it_too():
    # A determinant that cancels from 1e8 to 1e-8 is known to a few digits.
    problem = dl.Problem(dl.DeepLinear((2, 2)), dl.SquaredLoss(), dl.Full(np.eye(2)))
    states = dl.States(problem, ((1e4, 1e4, 1e4, 1e4 + 1e-8),))
    found = dl.Equal(
        "determinant", "end_to_end[0,0]*end_to_end[1,1] - end_to_end[0,1]*end_to_end[1,0]"
    )
    verdict = found.check(states)
    assert verdict.status != "REFUTED", str(verdict)
