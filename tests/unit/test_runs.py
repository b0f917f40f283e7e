"""Finished runs are read from disk, to the bit, and only while nothing has changed."""

import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from llvmlite import binding
from llvmlite.binding import FeatureMap

import dynlens as dl
from dynlens.cases import paths, systems
from dynlens.support import run_cache as runs

PATH = dl.Path(dl.completion_problem(2), dl.Start(0.5, "balanced", seed=0), 2.0, saves=5)
SYSTEM = dl.SystemPath({"s": "-s"}, {"s": 1.0}, 2.0, saves=5)


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """An empty cache folder, and a process that remembers nothing."""
    monkeypatch.setenv("DYNLENS_CACHE", str(tmp_path))
    monkeypatch.delenv("DYNLENS_FRESH", raising=False)
    forget()
    yield tmp_path / "runs"
    forget()


def forget():
    runs.fingerprint.cache_clear()
    paths._trajectory.cache_clear()
    systems._integrated.cache_clear()


def computed(monkeypatch):
    """Count how often something is integrated."""
    calls = []
    for module in (paths, systems):
        original = module._computed
        monkeypatch.setattr(
            module, "_computed", lambda path, f=original: (calls.append(path), f(path))[1]
        )
    return calls


def test_a_second_process_reads_what_the_first_integrated(disk, monkeypatch):
    calls = computed(monkeypatch)
    claim = dl.AtLeast("frobenius_norm", "0")
    first = claim.check(PATH), dl.Equal("s", "exp(-t)", tolerance=1e-6).check(SYSTEM)
    integrated = len(calls)
    theta = paths._trajectory(PATH).theta
    assert integrated >= 2
    assert len(list(disk.glob("*.npz"))) == 4, "a path and its two twins; a system with its own"
    forget()
    assert (claim.check(PATH), dl.Equal("s", "exp(-t)", tolerance=1e-6).check(SYSTEM)) == first
    assert len(calls) == integrated, "nothing was integrated again"
    np.testing.assert_array_equal(paths._trajectory(PATH).theta, theta)


def test_a_changed_package_reads_nothing_old(disk, monkeypatch):
    calls = computed(monkeypatch)
    paths._trajectory(PATH)
    forget()
    monkeypatch.setattr(runs, "fingerprint", cache(lambda: "another source"))
    paths._trajectory(PATH)
    assert len(calls) == 2


@pytest.mark.parametrize("name", runs.PROCESSOR_CHOICES)
def test_another_processor_chosen_reads_nothing_old(name, monkeypatch):
    monkeypatch.delenv(name, raising=False)
    before = runs.fingerprint.__wrapped__()
    assert runs.fingerprint.__wrapped__() == before
    monkeypatch.setenv(name, "haswell")
    assert runs.fingerprint.__wrapped__() != before


@pytest.mark.parametrize("asked", ["get_host_cpu_name", "get_host_cpu_features"])
def test_a_machine_reads_nothing_of_another_with_which_it_shares_the_folder(
    disk, monkeypatch, asked
):
    calls = computed(monkeypatch)
    paths._trajectory(PATH)
    other = {"get_host_cpu_name": "elsewhere", "get_host_cpu_features": FeatureMap(avx=True)}
    monkeypatch.setattr(binding, asked, lambda: other[asked])
    forget()
    paths._trajectory(PATH)
    assert len(calls) == 2


def test_asking_for_the_processor_imports_no_compiler():
    script = (
        "import sys; from dynlens.support import run_cache; run_cache.fingerprint(); "
        "print('numba' in sys.modules, 'scipy' in sys.modules)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_everything_is_computed_anew_when_asked(disk, monkeypatch):
    calls = computed(monkeypatch)
    paths._trajectory(PATH)
    forget()
    monkeypatch.setenv("DYNLENS_FRESH", "1")
    paths._trajectory(PATH)
    assert len(calls) == 2


def test_a_torn_file_is_made_again(disk, monkeypatch):
    calls = computed(monkeypatch)
    paths._trajectory(PATH)
    (kept,) = disk.glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:100])
    forget()
    assert paths._trajectory(PATH).complete
    assert len(calls) == 2


def test_runs_of_a_model_of_ones_own_are_not_kept(disk):
    class Mine(dl.DeepLinear):
        """A model whose source the fingerprint does not cover."""

    problem = dl.Problem(Mine((1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
    paths._trajectory(dl.Path(problem, (0.5,), 1.0, saves=3))
    assert not disk.exists() or not list(disk.glob("*.npz"))


def test_a_kept_flow_can_still_be_evaluated_at_other_times(disk):
    paths._trajectory(PATH)
    forget()
    again = paths._trajectory(PATH).at([0.5, 1.0])
    assert again.t.tolist() == [0.5, 1.0]


@pytest.mark.parametrize("saves", [7, "log"])
def test_a_trajectory_from_a_file_is_judged_with_twins_and_its_line_repeats_the_verdict(
    disk, tmp_path, saves
):
    flow = dl.gradient_flow(dl.completion_problem(2), PATH.theta0, 2.0, saves=saves)
    claim = dl.AtLeast("frobenius_norm", "0")
    read = dl.load(flow.save(tmp_path / "flow"))
    assert not read.twins
    # From a file it is what was saved; from this process it can be looked into.
    for run in (read, flow):
        found = claim.check(run)
        assert 0 < found.numerical_error < 1e-8
        again: dict = {}
        line = found.reproduce.replace("print(", "verdict = (")
        exec(line, again)
        assert again["verdict"] == found
