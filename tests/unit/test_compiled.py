"""Generated source is written once, imported once, and compiled once per machine."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from dynlens.kernels.cache import CompiledFunction, cache_directory, load_source

ROOT = Path(__file__).parents[2]
KERNEL = """
from numba import njit


@njit("float64(float64)", cache=True)
def scalar(x):
    return 2.0 * x


@njit("void(float64[::1], float64[:, ::1])", cache=True)
def fill(x, out):
    for i in range(out.shape[1]):
        out[0, i] = scalar(x[i])
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DYNLENS_CACHE", str(tmp_path))
    return tmp_path.resolve()


def run_elsewhere(script, cache):
    environment = {**os.environ, "DYNLENS_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_same_text_gives_the_same_module(cache):
    source = "answer = 42\n"
    assert load_source(source, name="same") is load_source(source, name="same")
    assert load_source(source, name="same").answer == 42
    assert len(list(cache.glob("same_*.py"))) == 1


def test_different_texts_live_in_different_files(cache):
    one, two = (load_source(f"answer = {n}\n", name="different") for n in (1, 2))
    assert (one.answer, two.answer) == (1, 2)
    assert one.__file__ != two.__file__


def test_a_module_can_be_found_by_its_name(cache):
    module = load_source("answer = 43\n", name="named")
    assert sys.modules[module.__name__] is module


def test_a_truncated_file_is_written_again(cache):
    first = load_source("answer = 44\n", name="torn")
    Path(first.__file__).write_text("answer =")
    assert run_elsewhere(
        "from dynlens.kernels.cache import load_source\n"
        "print(load_source('answer = 44\\n', name='torn').answer)",
        cache,
    ) == ["44"]


def test_a_source_that_fails_leaves_no_module_behind(cache):
    with pytest.raises(ZeroDivisionError):
        load_source("1 / 0\n", name="broken")
    assert not [name for name in sys.modules if "generated_broken" in name]


def test_nothing_temporary_is_left_in_the_cache(cache):
    load_source("answer = 45\n", name="tidy")
    assert {p.suffix for p in cache.iterdir() if p.is_file()} == {".py", ".lock"}


def test_a_name_may_hold_any_character(cache):
    module = load_source("answer = 46\n", name="../CP norms: N/2")
    assert Path(module.__file__).parent == cache


def test_threads_share_one_module(cache):
    with ThreadPoolExecutor(8) as pool:
        modules = set(pool.map(lambda _: load_source("answer = 47\n", name="race"), range(16)))
    assert len(modules) == 1


def test_processes_may_race_for_the_same_file(cache):
    script = (
        "from dynlens.kernels.cache import load_source\n"
        "print(load_source('answer = 48\\n' * 1000, name='race').answer)"
    )
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: run_elsewhere(script, cache), range(4)))
    assert answers == [["48"]] * 4
    assert len(list(cache.glob("race_*.py"))) == 1


def test_a_second_process_loads_what_the_first_compiled(cache):
    script = (
        "from dynlens.kernels.cache import load_source\n"
        f"module = load_source({KERNEL!r}, name='kernel')\n"
        "assert module.scalar(21.0) == 42.0\n"
        "for function in (module.scalar, module.fill):\n"
        "    stats = function.stats\n"
        "    print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))"
    )
    assert run_elsewhere(script, cache) == ["0", "1", "0", "1"]
    assert run_elsewhere(script, cache) == ["1", "0", "1", "0"]


SLOW = """
from numba import njit, types

@njit(cache=True, no_cpython_wrapper=True)
def inner(x):
    return LONG

@njit((types.float64,), cache=True)
def outer(x):
    return inner(x) + 1.0
""".replace("LONG", " + ".join(f"x ** {k}.5" for k in range(1, 120)))


def test_of_processes_that_start_together_one_compiles(cache):
    script = (
        "from dynlens.kernels.cache import load_source\n"
        f"module = load_source({SLOW!r}, name='slow')\n"
        "print(sum(module.outer.stats.cache_misses.values()))"
    )
    with ThreadPoolExecutor(3) as pool:
        missed = list(pool.map(lambda _: run_elsewhere(script, cache), range(3)))
    assert sorted(missed) == [["0"], ["0"], ["1"]]


def test_loading_plain_source_imports_neither_numba_nor_sympy(cache):
    script = (
        "import sys\n"
        "from dynlens.kernels.cache import load_source\n"
        "load_source('answer = 1\\n', name='light')\n"
        "print('numba' in sys.modules, 'sympy' in sys.modules)"
    )
    assert run_elsewhere(script, cache) == ["False", "False"]


def test_the_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("DYNLENS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == (tmp_path / "dynlens").resolve()
    monkeypatch.setenv("DYNLENS_CACHE", str(tmp_path / "mine"))
    assert cache_directory() == (tmp_path / "mine").resolve()


def test_an_unusable_cache_falls_back_to_a_temporary_one_and_says_so(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("DYNLENS_CACHE", str(blocked / "cache"))
    with pytest.warns(RuntimeWarning, match="DYNLENS_CACHE"):
        folder = cache_directory()
    assert folder.is_dir()


def test_a_compiled_function_broadcasts_and_pickles(cache):
    double = CompiledFunction("double", KERNEL, outputs=1, several=False)
    assert double(1.5) == 3.0
    assert type(double(2)) is float
    np.testing.assert_array_equal(double([[1, 2], [3, 4]]), [[2.0, 4.0], [6.0, 8.0]])
    assert double(np.empty((0, 3))).shape == (0, 3)
    assert pickle.loads(pickle.dumps(double))(4.0) == 8.0
    assert double.source_path.parent == cache
