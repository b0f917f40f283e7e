"""The table of integrators, and loops that are read as plain Python."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dynlens as dl
from dynlens.kernels.sources import source_of
from dynlens.stepping.integrators import INTEGRATORS, integrator
from dynlens.stepping.methods.explicit import enter
from dynlens.stepping.stepper import CompiledStepper, framed
from dynlens.stepping.tableaus import TABLEAUS, Tableau

ROOT = Path(__file__).parents[2]
SCALAR = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))


def exact(t):
    """The scalar flow ``x' = 2 - x`` from 0.3."""
    return 2 - 1.7 * np.exp(-t)


@pytest.fixture
def table():
    """The table, as it was once the test is over."""
    integrators, tableaus = dict(INTEGRATORS), dict(TABLEAUS)
    yield
    for known, before in ((INTEGRATORS, integrators), (TABLEAUS, tableaus)):
        known.clear()
        known.update(before)


# -- the table ------------------------------------------------------------------------------------


def test_docstrings_list_what_the_table_holds():
    for function in (dl.gradient_flow, dl.gradient_flow_batch):
        assert all(f'"{name}"' in function.__doc__ for name in INTEGRATORS)
        assert "{integrators}" not in function.__doc__


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="'DOP8' already; choose another name"):
        integrator("DOP8", order=8, kind="explicit")


# Bogacki & Shampine (1989), of order 3(2), with the cubic of both ends' slopes.
BS3 = Tableau(
    name="BS3",
    order=3,
    stages=({}, {0: 1 / 2}, {1: 3 / 4}),
    weights={0: 2 / 9, 1: 1 / 3, 2: 4 / 9},
    errors=({0: -5 / 72, 1: 1 / 12, 2: 1 / 9, 3: -1 / 8},),
    estimate_order=3,
    dense=(
        {0: 2 / 9, 1: 1 / 3, 2: 4 / 9},
        {0: 1 - 2 / 9, 1: -1 / 3, 2: -4 / 9},
        {0: 4 / 9 - 1, 1: 2 / 3, 2: 8 / 9, 3: -1.0},
    ),
    power=40 / 128,
    damping=8 / 128,
    stable=2.5,
)


def test_a_new_explicit_pair_is_one_entry(table):
    enter(BS3)
    problem = dl.Problem(SCALAR.model, SCALAR.loss, SCALAR.observations)
    errors = []
    for rtol in (1e-4, 1e-7):
        options = {"method": "BS3", "rtol": rtol, "atol": rtol, "saves": 11}
        flow = dl.gradient_flow(problem, [0.3], 4.0, **options)
        errors.append(np.abs(flow.theta[:, 0] - exact(flow.t)).max())
        batch = dl.gradient_flow_batch(problem, [[0.3], [0.7]], 4.0, **options)
        assert np.abs(batch[0].theta - flow.theta).max() < 1e-12, "lanes take other steps"
        assert flow.attrs["evaluations"] % 3 == 2, "not three a step, after two for the start"
    assert errors[0] < 1e-3
    assert errors[1] < 1e-6
    assert errors[1] < errors[0] / 100, f"does not follow its tolerance: {errors}"


def test_a_wrong_coefficient_of_a_new_pair_shows(table):
    enter(Tableau(**{**vars(BS3), "name": "Wrong3", "weights": {0: 2 / 9, 1: 1 / 3, 2: 0.5}}))
    flow = dl.gradient_flow(SCALAR, [0.3], 4.0, method="Wrong3", rtol=1e-4, saves=11)
    assert not flow.complete or np.abs(flow.theta[:, 0] - exact(flow.t)).max() > 1e-3


# Backward Euler by fixed-point iteration, its error that of one step against the trapezoidal rule.
BACKWARD = f'''"""Steps by backward Euler."""

import math

from dynlens.stepping.layout import EVALUATIONS, FINISHED, H_DONE, MILD, T_OLD
from dynlens.stepping.loops.basics import block, hook, inner
from dynlens.stepping.loops.field import call, size

ROUNDS = 60
{source_of("dynlens.stepping.layout").splitlines()[2]}
TURNED = MILD


@hook
def begin_step(w, clock, counts, t_end, field):
    n = size(field)
    if counts[FINISHED]:
        for i in range(2 * n):  # the state and, further on, its slope
            w[i if i < n else n + i] = w[n + i if i < n else 2 * n + i]
        counts[FINISHED] = 0


@hook
def longest(clock):
    return 0.5


@inner
def attempt(w, clock, counts, h, rtol, atol, field):
    n = size(field)
    y, new, f, f_new = block(w, 0, n), block(w, 1, n), block(w, 2, n), block(w, 3, n)
    for i in range(n):
        new[i], f_new[i] = y[i], f[i]
    loss = 0.0
    for _ in range(ROUNDS):
        for i in range(n):
            new[i] = y[i] + h * f_new[i]
        loss = call(field, new, f_new)
    counts[EVALUATIONS] += ROUNDS
    total = 0.0
    for i in range(n):
        total += (0.5 * h * (f[i] - f_new[i]) / (atol + rtol * abs(new[i]))) ** 2
    error = math.sqrt(total / n)
    factor = min(2.0, max(0.2, 0.9 / math.sqrt(error + 1e-10)))
    return error < 1.0, loss, factor


@hook
def finish_step(w, clock, counts, h, last, bound, field):
    pass


@hook
def turned(counts):
    return False


@inner
def interpolate(w, clock, counts, t, out, field):
    n, x = size(field), (t - clock[T_OLD]) / clock[H_DONE]
    for i in range(n):
        out[i] = (1.0 - x) * w[i] + x * w[n + i]
'''


def enter_backward(path, text):
    path.write_text(text)

    @integrator("BackwardEuler", order=1, kind="implicit")
    class BackwardEuler(CompiledStepper):
        root = 1 / 2

        def __init__(self, problem, theta0, t_end, *, rtol, atol, t=0.0, step=None):
            source = lambda: framed(source_of(path))  # noqa: E731
            limits = (rtol, atol, 0.0)
            super().__init__(problem, path.stem, source, theta0, 4, t, t_end, limits)
            self.begin(step)


def gap_of_backward_euler(rtol):
    problem = dl.Problem(SCALAR.model, SCALAR.loss, SCALAR.observations)
    options = {"method": "BackwardEuler", "rtol": rtol, "atol": rtol, "saves": 11}
    flow = dl.gradient_flow(problem, [0.3], 4.0, **options, events=[dl.loss_below(1e-9)])
    assert flow.status == "finished"
    return np.abs(flow.theta[:, 0] - exact(flow.t)).max(), flow


def test_a_new_kind_of_method_is_one_file(table, tmp_path):
    enter_backward(tmp_path / "backward.py", BACKWARD)
    coarse, _ = gap_of_backward_euler(1e-4)
    fine, flow = gap_of_backward_euler(1e-6)
    assert coarse < 0.05
    assert fine < coarse / 5, f"{fine:.1e} after {coarse:.1e}"
    tighter, across = flow.twins
    assert (tighter.attrs["method"], across.attrs["method"]) == ("BackwardEuler", "LSODA")


def test_a_wrong_step_of_a_new_kind_shows(table, tmp_path):
    wrong = BACKWARD.replace("new[i] = y[i] + h * f_new[i]", "new[i] = y[i] + 0.9 * h * f_new[i]")
    enter_backward(tmp_path / "backward_wrong.py", wrong)
    assert gap_of_backward_euler(1e-6)[0] > 0.05


# -- plain Python ---------------------------------------------------------------------------------

PLAIN = """
import numba
import numpy as np
import dynlens as dl
from dynlens.stepping.methods import INTEGRATORS
from dynlens.stepping.stepper import Saves

seen = dl.Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [1, 1, 0])
problem = dl.Problem(dl.DeepLinear((2, 2, 2)), dl.SquaredLoss(), seen)
start = np.tile(0.3 * np.eye(2).ravel(), 2)


def by_reference(theta, out):
    out[:] = -problem.gradient(theta)
    return float(problem.objective(theta))


if numba.config.DISABLE_JIT:  # an address is then the function itself
    vars(problem.machine)["address"] = by_reference
for name in ("Tsit5", "DOP8", "Radau9", "RKC2", "ROCK4"):
    shared = INTEGRATORS[name].kind == "explicit"  # what watches has no loop of its own
    options = {"rtol": 1e-4, "atol": 1e-6, "watchful": shared}
    stepper = INTEGRATORS[name].make(problem, start, 3.0, **options)
    saves = Saves(np.array([0.7, 3.0]), np.empty((2, start.size)))
    assert stepper.advance(saves, -np.inf, 10**6, 10**6) == ""
    print(name, stepper.evaluations, *saves.states.ravel())
"""


def ends(plain, cache):
    """What the script prints: evaluations and states of each method, by its name."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": plain, "PYTHONPATH": str(ROOT)}
    environment |= {"DYNLENS_CACHE": str(cache)} if plain == "1" else {}
    command = [sys.executable, "-c", PLAIN]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: (int(count), np.array(x, dtype=float)) for name, count, *x in lines}


def test_the_loops_run_as_plain_python_and_agree_with_the_compiled_ones(tmp_path):
    compiled, plain = ends("0", tmp_path), ends("1", tmp_path)
    assert len(plain) == 5
    for name, (evaluations, states) in plain.items():
        assert compiled[name][0] == evaluations, name
        gap = np.abs(compiled[name][1] - states).max()
        assert 0 < gap < 1e-11, f"{name} is off by {gap:.1e}"
        print(name, gap)


MODULES = """
import importlib, pkgutil
import dynlens.dynamics.loops, dynlens.stepping.loops
count = 0
for room in (dynlens.stepping.loops, dynlens.dynamics.loops):
    for module in pkgutil.iter_modules(room.__path__):
        importlib.import_module(f"{room.__name__}.{module.name}")
        count += 1
import numpy as np
from dynlens.stepping.loops.tableau import powers
from dynlens.stepping.loops.lanes_shape import M
print(count, abs(powers(0.3)[0] / 0.3 ** (22 / 128) - 1) < 1e-15, M)
"""


def test_every_loop_module_imports_as_plain_python():
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", MODULES],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    count, close, size = done.stdout.split()
    assert int(count) >= 20
    assert (close, int(size)) == ("True", 12 * 16)
