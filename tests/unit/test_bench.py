"""The benchmark's problems and its table; no time is judged."""

import numpy as np
import pytest
from typer.testing import CliRunner

from dynlens.bench import PROBLEMS, benchmark
from dynlens.bench.peers import PEERS
from dynlens.cli.app import app

SIZES = {"B1s": 12, "B1m": 12, "B1": 12, "B2": 300, "B3": 640, "B5": 1460, "B4": 12288}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_has_its_size_and_a_start_of_finite_loss(name):
    problem, theta0 = PROBLEMS[name].make()
    assert theta0.shape == (problem.model.size,) == (SIZES[name],)
    assert np.isfinite(problem.objective(theta0))


def test_every_integrator_reaches_the_reference():
    peers = [peer for peer in PEERS if peer.package == "scipy"]
    rows = benchmark(PROBLEMS["B1s"], rtol=1e-8, rounds=1, peers=peers)
    assert [row.name for row in rows] == [peer.name for peer in peers]
    for row in rows:
        assert row.error < 1e-6, f"{row.name} is off by {row.error:.1e}"
        assert row.milliseconds > 0
        assert row.overhead > 0


def test_explicit_methods_are_spared_the_stiff_problems():
    assert PROBLEMS["B1m"].stiff
    rows = benchmark(PROBLEMS["B1m"], rounds=1, peers=PEERS[:2])
    assert [row.name for row in rows] == ["dynlens auto"]


def test_the_command_refuses_a_problem_that_it_does_not_know():
    result = CliRunner().invoke(app, ["bench", "B9"])
    assert result.exit_code == 2
    assert "no problem 'B9'; known: B1s" in result.output
