"""Compiled loops of tensor models, of many widths and trees, against the reference."""

import subprocess
import sys

import numpy as np
import pytest

import dynlens as dl
from dynlens.kernels import products
from dynlens.kernels.sources import source_of
from dynlens.kernels.vectors import VECTOR_WIDTH, padded
from dynlens.problems.observations import RankOneSensing
from dynlens.testing import relative

WIDTHS = (1, 7, 8, 17, 20, 24)
MORE = (9, 16, 33)  # each with a module of its own, which takes a while to compile


def problem_of(model, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.standard_normal(model.tensor_shape)
    seen = dl.Entries.sample(target, fraction=rng.uniform(0.1, 0.9), seed=seed)
    return dl.Problem(model, dl.SquaredLoss(), seen)


def tree(width, seed):
    rng = np.random.default_rng(seed)
    order = int(rng.integers(3, 6))
    shape = tuple(int(size) for size in rng.integers(1, 6, order))
    return dl.HierarchicalTensor(shape, dl.models.binary_tree(order), widths=width)


def cp(width, seed):
    rng = np.random.default_rng(seed)
    return dl.CPFactorization(tuple(int(n) for n in rng.integers(1, 7, rng.integers(2, 6))), width)


def gradient_of(problem, theta):
    out = np.full_like(theta, np.nan)
    return problem.machine.module.gradient(theta, *problem.machine.data, out), out


@pytest.mark.parametrize("make", [cp, tree])
@pytest.mark.parametrize(
    "width", [*WIDTHS, *(pytest.param(width, marks=pytest.mark.slow) for width in MORE)]
)
def test_rows_of_every_width_equal_the_reference(make, width):
    for seed in range(4):
        problem = problem_of(make(width, seed), seed)
        theta = 0.5 * np.random.default_rng(seed).standard_normal(problem.model.parameters)
        value, out = gradient_of(problem, theta)
        off = max(
            relative(out, problem.gradient(theta)),
            relative(np.array(value), problem.objective(theta)),
        )
        assert off < 1e-13, f"{problem.model!r} is off by {off:.1e}"


def test_a_row_is_padded_to_whole_vectors():
    assert [padded(width) for width in WIDTHS + MORE] == [8, 8, 8, 24, 24, 24, 16, 16, 40]
    assert VECTOR_WIDTH == 8


def test_padding_stays_zero_after_a_state_that_overflows():
    problem = problem_of(tree(5, 1))
    theta = problem.init(0.5, seed=0)
    before = gradient_of(problem, theta)
    value, _ = gradient_of(problem, 1e200 * theta)
    assert not np.isfinite(value)
    after = gradient_of(problem, theta)
    assert after[0] == before[0]
    np.testing.assert_array_equal(after[1], before[1])


def test_work_space_begins_with_a_cache_line():
    for array in problem_of(cp(20, 0)).machine.data[4:]:
        assert array.ctypes.data % 64 == 0


def test_rank_one_sensing_has_the_same_loops():
    model = dl.CPFactorization((4, 3, 5), 20)
    target = np.random.default_rng(0).standard_normal(model.tensor_shape)
    seen = RankOneSensing.gaussian(target, count=11, seed=1)
    problem = dl.Problem(model, dl.SquaredLoss(), seen)
    theta = problem.init(0.5, seed=0)
    off = relative(gradient_of(problem, theta)[1], problem.gradient(theta))
    assert off < 1e-13, f"off by {off:.1e}"
    assert problem.machine.source == problem_of(model).machine.source


def test_a_wrongly_compiled_product_is_found_before_it_is_used(monkeypatch):
    def miscompiled(*module, **constants):
        return source_of(*module, **constants).replace("load(work, j + c))", "load(work, j))")

    monkeypatch.setattr(products, "source_of", miscompiled)
    problem = problem_of(cp(20, 3))
    with pytest.raises(RuntimeError, match=r"off by \d\.\de"):
        _ = problem.machine.module
    theta = problem.init(0.5, seed=0)
    assert dl.gradient_flow(problem, theta, 0.1, compiled=False).complete


SAME = """
import dynlens as dl, numpy as np
from numba.core import event

target = np.random.default_rng(0).standard_normal((3, 4, 2))
seen = dl.Entries.sample(target, fraction=0.5, seed=0)
problem = dl.Problem(dl.CPFactorization((3, 4, 2), 20), dl.SquaredLoss(), seen)
theta, out = problem.init(0.5, seed=0), np.empty(180)
with event.install_recorder("numba:compile") as compiled:
    value = problem.machine.module.gradient(theta, *problem.machine.data, out)
print(len(compiled.buffer), float(value).hex(), out.tobytes().hex())
"""


def test_a_second_process_compiles_nothing_and_finds_the_same_bits():
    def run():
        done = subprocess.run([sys.executable, "-c", SAME], capture_output=True, text=True)
        assert not done.returncode, done.stderr
        return done.stdout.split()

    first, second = run(), run()
    assert second[0] == "0", "compiled again"
    assert first[1:] == second[1:]
