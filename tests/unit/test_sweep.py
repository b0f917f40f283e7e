"""Sweeps: every case once, nothing finished is lost, the same bits after an interruption."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dynlens.support.sweep import Sweep

SLOW_CASE = """
import time

def case(seed, scale):
    time.sleep(0.02)
    rng = __import__("numpy").random.default_rng(seed)
    return {"value": scale * rng.standard_normal(), "path": rng.standard_normal(3).tolist()}
"""
RUNNER = """
import sys
sys.path.insert(0, {here!r})
from dynlens.support.sweep import Sweep
from slow_case import case
if __name__ == "__main__":
    Sweep(case, {{"seed": list(range(20)), "scale": [0.1, 1.0]}}).run({out!r}, processes=2)
"""


def product(a, b):
    return {"product": a * b, "both": [a, b]}


def test_the_grid_becomes_labelled_arrays(tmp_path):
    found = Sweep(product, {"a": [1, 2, 3], "b": [10, 20]}).run(tmp_path, processes=1)
    assert found["product"].dims == ("a", "b")
    assert found["product"].sel(a=3, b=20) == 60
    assert found["both"].sel(a=2, b=10).values.tolist() == [2, 10]


def test_what_is_finished_is_not_computed_again(tmp_path):
    calls = []

    def counting(a):
        calls.append(a)
        return {"twice": 2 * a}

    Sweep(counting, {"a": [1, 2]}).run(tmp_path, map=map)
    Sweep(counting, {"a": [1, 2, 3]}).run(tmp_path, map=map)
    assert calls == [1, 2, 3]
    Sweep(counting, {"a": [1]}, version="2").run(tmp_path, map=map)
    assert calls == [1, 2, 3, 1], "another version is another result"


def test_missing_cases_are_nan(tmp_path):
    sweep = Sweep(product, {"a": [1, 2], "b": [3]})
    sweep.run(tmp_path, map=map)
    (tmp_path / f"{sweep.key({'a': 2, 'b': 3})}.json").unlink()
    found = sweep.collect(tmp_path)
    assert np.isnan(found["product"].sel(a=2, b=3))
    assert found["product"].sel(a=1, b=3) == 3


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((3, {"a": [1]}), "`function`"),
        ((product, {}), "`grid`"),
        ((product, {"a": []}), "`grid['a']`"),
        ((product, {"a": "abc"}), "`grid['a']`"),
        ((product, {"a": [1, 1]}), "`grid['a']`"),
    ],
)
def test_a_malformed_sweep_names_the_argument(arguments, names):
    with pytest.raises((TypeError, ValueError), match=names.replace("[", r"\[")):
        Sweep(*arguments)


@pytest.mark.slow
def test_ten_kills_lose_no_finished_case_and_change_no_bit(tmp_path):
    (tmp_path / "slow_case.py").write_text(SLOW_CASE)
    sys.path.insert(0, str(tmp_path))
    try:
        from slow_case import case
    finally:
        sys.path.remove(str(tmp_path))
    sweep = Sweep(case, {"seed": list(range(20)), "scale": [0.1, 1.0]})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    expected = sweep.run(whole, map=map)
    script = tmp_path / "runner.py"
    script.write_text(RUNNER.format(here=str(tmp_path), out=str(broken)))
    rng, seen = np.random.default_rng(0), set()
    for _ in range(10):
        process = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
        time.sleep(rng.uniform(0.3, 1.4))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = {path.name for path in broken.glob("*.json")} if broken.exists() else set()
        assert seen <= now, f"lost {seen - now}"
        assert all(json.loads((broken / name).read_text()) for name in now)
        seen = now
    found = sweep.run(broken, map=map)
    assert found.identical(expected), "the final table differs"
