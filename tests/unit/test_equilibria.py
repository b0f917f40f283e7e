"""Equilibria and their stability: eigenvalues that decide, and those that cannot."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.claims.equilibria import linearized

SCALAR = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
ORIGIN = dl.States(SCALAR, ((0.0, 0.0),))
MINIMUM = dl.States(SCALAR, ((2.0, 0.5),))


def system(t_end=1.0, start=0.0, **fields):
    return dl.SystemPath(fields, dict.fromkeys(fields, start), t_end)


def test_the_origin_of_two_layers_is_a_saddle_with_one_negative_direction():
    for claim in (
        dl.Equilibrium(),
        dl.Equilibrium("unstable"),
        dl.Equilibrium("saddle"),
        dl.Equilibrium("saddle", directions=1),
        dl.Equilibrium(directions=1),
    ):
        found = claim.check(ORIGIN)
        assert found.status == "SUPPORTED", str(found)
    assert "growth rates 1, -1" in found.note
    for claim in (dl.Equilibrium("stable"), dl.Equilibrium(directions=2)):
        assert claim.check(ORIGIN).status == "REFUTED"


def test_of_three_layers_nothing_is_decided_by_the_hessian():
    problem = dl.Problem(dl.DeepLinear((1, 1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
    origin = dl.States(problem, ((0.0, 0.0, 0.0),))
    assert dl.Equilibrium().check(origin).status == "SUPPORTED"
    for kind in ("stable", "unstable", "saddle"):
        assert dl.Equilibrium(kind).check(origin).status == "UNDECIDED"


def test_a_curve_of_minima_is_stable_but_for_its_own_direction():
    assert dl.Equilibrium("stable").check(MINIMUM).status == "UNDECIDED"
    assert dl.Equilibrium("stable", neutral=1).check(MINIMUM).status == "SUPPORTED"
    assert dl.Equilibrium("unstable", neutral=1).check(MINIMUM).status == "REFUTED"
    assert dl.Equilibrium("stable", neutral=2).check(MINIMUM).status == "REFUTED"


def test_a_state_that_moves_is_none():
    assert dl.Equilibrium().check(dl.States(SCALAR, ((1.0, 0.5),))).status == "REFUTED"
    found = dl.Equilibrium("stable", neutral=1).check(dl.States(SCALAR, ((2.0, 0.51),)))
    assert found.status == "REFUTED"
    assert found.worst["part"] == "distance"


def test_a_path_is_looked_at_where_it_ends_or_at_a_time():
    path = dl.Path(SCALAR, (0.5, 1.5), 60.0)
    assert dl.Equilibrium("stable", neutral=1).check(path).status == "SUPPORTED"
    assert dl.Equilibrium("stable", neutral=1, at=0.1).check(path).status == "REFUTED"


def test_steps_above_two_over_the_sharpness_are_unstable():
    sharpness = 2.0**2 + 0.5**2
    for factor, kind, other in ((0.99, "stable", "unstable"), (1.01, "unstable", "stable")):
        claim = dl.Equilibrium(kind, neutral=1, eta=factor * 2 / sharpness)
        assert claim.check(MINIMUM).status == "SUPPORTED"
        false = dl.Equilibrium(other, neutral=1, eta=factor * 2 / sharpness)
        assert false.check(MINIMUM).status == "REFUTED"
    at_the_edge = dl.Equilibrium("stable", neutral=1, eta=2 / sharpness)
    assert at_the_edge.check(MINIMUM).status != "REFUTED"


@pytest.mark.parametrize("mu", [1e-3, 1e-9])
def test_a_threshold_that_no_simulation_sees(mu):
    grows, falls = (system(x=f"{sign * mu} * x - x**3", y="-y") for sign in (1, -1))
    assert dl.Equilibrium("saddle", directions=1).check(grows).status == "SUPPORTED"
    assert dl.Equilibrium("stable").check(grows).status == "REFUTED"
    assert dl.Equilibrium("stable").check(falls).status == "SUPPORTED"
    assert dl.Equilibrium("unstable").check(falls).status == "REFUTED"


def test_a_neutral_system_is_undecided():
    assert dl.Equilibrium("stable").check(system(x="-x**3", y="-y")).status == "UNDECIDED"
    centre = system(x="-y", y="x")
    assert dl.Equilibrium("stable").check(centre).status == "UNDECIDED"
    assert dl.Equilibrium("stable").check(system(x="y - x", y="-x - y")).status == "SUPPORTED"
    assert dl.Equilibrium("unstable").check(system(x="y + x", y="-x + y")).status == "SUPPORTED"


def test_a_nearly_defective_matrix_has_a_larger_error():
    plain, sheared = system(x="-x", y="-2 * y"), system(x="-x + 1e12 * y", y="-1.001 * y")
    errors = [linearized(s.samples().dynamics(), np.zeros(2)).error for s in (plain, sheared)]
    assert errors[1] > 1e9 * errors[0]


def test_malformed_claims_and_cases_are_named():
    with pytest.raises(KeyError, match="stable"):
        dl.Equilibrium("steady")
    with pytest.raises(ValueError, match="contradicts"):
        dl.Equilibrium("stable", directions=1)
    with pytest.raises(ValueError, match="there are 2"):
        dl.Equilibrium(directions=3).check(ORIGIN)
    with pytest.raises(ValueError, match="depends on `t`"):
        dl.Equilibrium().check(system(x="t - x"))
    with pytest.raises(TypeError, match="no field of motion"):
        dl.Equilibrium().check(
            dl.Family(dl.Path(SCALAR, (0.5, 1.5), 1.0), over="t_end", values=(1.0, 2.0))
        )


def test_its_statement_and_line():
    claim = dl.Equilibrium("saddle", directions=2, neutral=1)
    assert claim.statement == (
        "the state is a saddle with 2 unstable directions and 1 neutral direction"
    )
    assert dl.Equilibrium("unstable").statement == "the state is an unstable equilibrium"
    seen = []
    exec(dl.Equilibrium("saddle").check(ORIGIN).reproduce, {"print": seen.append})
    assert seen[0].status == "SUPPORTED"
