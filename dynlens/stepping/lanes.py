"""Sixteen trajectories at once, one in each lane of the processor's vectors.

A gradient of a hundred operations leaves a vector unit idle: it has nothing to add up. Here entry
i of lane l lies at place ``16 i + l`` of one flat array, so that the loop over the lanes is a loop
over neighbouring numbers, which the compiler turns into vector instructions. Each lane has its own
time, step and error, and a lane that is done takes the next start.

What a lane computes depends on nothing but its start, since nothing is ever added up over lanes: a
start has the same bits in any company and in any lane.

One loop serves all problems of as many parameters: every place in the flat array is then a number,
and the compiler sees that nothing overlaps. The field for sixteen states is compiled for each
problem, and called by its address.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from dynlens.kernels.cache import load_source
from dynlens.kernels.gradient import KERNEL_HEAD, address_of
from dynlens.kernels.sources import linked, source_of
from dynlens.problems.problem import Problem
from dynlens.stepping.lane_layout import LANE_ROWS, LANES
from dynlens.stepping.stage_sums import FIRST, constants, lane_sums
from dynlens.stepping.tableaus import TABLEAUS, Tableau
from dynlens.support.typing import Array

_LOOPS: dict[str, ModuleType] = {}


def in_lanes(problem: Problem) -> bool:
    """Whether starts of this problem are integrated side by side."""
    return problem.machine.lines is not None


def lanes_loop(method: str, n: int) -> ModuleType:
    """Return the loop of one method for all problems of `n` parameters, made only once."""
    name = f"{method.lower()}_lanes_{n}"
    if name not in _LOOPS:
        _LOOPS[name] = load_source(_loop_source(TABLEAUS[method], n), name=name)
    return _LOOPS[name]


class Lanes:
    """Work space of one thread.

    Parameters
    ----------
    problem : Problem
    method : {"Tsit5", "DOP8"}
    """

    def __init__(self, problem: Problem, method: str) -> None:
        tableau, n = TABLEAUS[method], problem.model.parameters
        self.module, self.arrays = lanes_loop(method, n), problem.machine.private_data()
        # The state, the new and a trial one; stages; differences; the steps, for each entry.
        blocks = FIRST + tableau.count + 1 + len(tableau.extra) + len(tableau.errors) + 1
        self.w, self.rows = np.zeros(blocks * n * LANES), np.zeros(LANE_ROWS * LANES)
        field = problem.machine.loop("lanes", lambda: _field_source(problem)).field
        self.field = (n, address_of(field), problem.machine.pointers(self.arrays))
        if "lanes" not in problem.machine.checked:
            self._check(problem)
            problem.machine.checked.add("lanes")

    def _check(self, problem: Problem) -> None:
        """Compare the field in each lane with the reference."""
        n, w = problem.model.parameters, np.zeros_like(self.w)
        w[: n * LANES] = np.repeat(problem.probe, LANES)
        self.module.slopes(w, 0, 1, self.field)
        value = float(problem.objective(problem.probe))
        for lane in range(LANES):
            found: Array = w[n * LANES + lane : 2 * n * LANES : LANES]
            problem.machine.check(-found, value)


# Generated: straight lines that only the problem can write.
_FIELD = """{head}

{loss}

from dynlens.stepping.lane_layout import LANES
from dynlens.stepping.loops.wide import wide


# Products may be fused with sums; nothing else of the order of operations is left open.
@njit(
    KERNEL,
    cache=True,
    error_model="numpy",
    fastmath={{"contract", "nsz"}},
    no_cfunc_wrapper=True,
    no_cpython_wrapper=True,
)
def field(theta, held, index, rows, scale, work, tensor, cotangent, out):
    # Numbers rather than places of an array, of which one could be written to.
    values = ({values},)
    weight = (scale[0],)
    wide()
    for l in range(LANES):
        {lines}
    return 0.0
"""


def _field_source(problem: Problem) -> str:
    """Text of the field for sixteen states, with the arguments of the single one."""
    n, lines, count = problem.model.parameters, problem.machine.lines, problem.observations.count
    assert lines is not None
    x, y = [f"x{i}" for i in range(n)], [f"y{i}" for i in range(n)]
    body = [f"{name} = theta[{i} * LANES + l]" for i, name in enumerate(x)]
    body += lines(x, y, "-")
    body += [f"out[{i} * LANES + l] = {name}" for i, name in enumerate(y)]
    return linked(
        _FIELD.format(
            head=KERNEL_HEAD,
            loss=problem.machine.loss_source,
            values=", ".join(f"held[{i}]" for i in range(count)),
            lines="\n        ".join(body),
        )
    )


def _loop_source(tableau: Tableau, n: int) -> str:
    """Text of the loop of one method."""
    return linked(
        source_of("dynlens.stepping.loops.tableau", **constants(tableau)),
        source_of("dynlens.stepping.loops.lanes_shape", N=n),
        lane_sums(tableau, n),
        source_of("dynlens.stepping.loops.lanes"),
    )
