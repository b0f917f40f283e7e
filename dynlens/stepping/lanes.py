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
from dynlens.problems.problem import Problem
from dynlens.stepping.fields import SHARED
from dynlens.stepping.lanes_loop import LANES, LOOP, ROWS
from dynlens.stepping.stage_sums import FIRST, nested
from dynlens.stepping.tableaus import TABLEAUS, Row, Tableau, product, roots
from dynlens.support.typing import Array

__all__ = ["LANES", "Lanes", "in_lanes"]

_LOOPS: dict[str, ModuleType] = {}

WIDE = '''
from numba import types
from numba.extending import intrinsic


@intrinsic
def wide(typing_context):
    """Let the loops of the function that calls this take all of the vector unit.

    Where vectors of eight numbers once slowed the clock down, LLVM still takes half of it. The set
    of attributes knows only those without a value, hence the detour.
    """

    def generate(context, builder, signature, arguments):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


'''


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
        self.w, self.rows = np.zeros(blocks * n * LANES), np.zeros(len(ROWS) * LANES)
        field = problem.machine.loop("lanes", lambda: _field_source(problem)).field
        self.data = (address_of(field), problem.machine.pointers(self.arrays))
        if "lanes" not in problem.machine.checked:
            self._check(problem)
            problem.machine.checked.add("lanes")

    def _check(self, problem: Problem) -> None:
        """Compare the field in each lane with the reference."""
        n, w = problem.model.parameters, np.zeros_like(self.w)
        w[: n * LANES] = np.repeat(problem.probe, LANES)
        self.module.slopes(w, 0, 1, *self.data)
        value = float(problem.objective(problem.probe))
        for lane in range(LANES):
            found: Array = w[n * LANES + lane : 2 * n * LANES : LANES]
            problem.machine.check(-found, value)


def _field_source(problem: Problem) -> str:
    """Source of the field for sixteen states, with the arguments of the single one."""
    n, lines, count = problem.model.parameters, problem.machine.lines, problem.observations.count
    assert lines is not None
    x, y = [f"x{i}" for i in range(n)], [f"y{i}" for i in range(n)]
    body = [f"{name} = theta[{LANES * i} + l]" for i, name in enumerate(x)]
    body += lines(x, y, "-")
    body += [f"out[{LANES * i} + l] = {name}" for i, name in enumerate(y)]
    text = "\n        ".join(body)
    return f"""{KERNEL_HEAD}
{WIDE}
{problem.machine.loss_source}


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
    values = ({", ".join(f"held[{i}]" for i in range(count))},)
    weight = (scale[0],)
    wide()
    for l in range({LANES}):
        {text}
    return 0.0
"""


def _loop_source(tableau: Tableau, n: int) -> str:
    """Source of the loop of one method."""
    s, extra = tableau.count, len(tableau.extra)
    square = f"r[SUM0 + l] / {n}"
    if len(tableau.errors) == 2:  # where both sums vanish, so does the error
        both = f"({n} * (r[SUM0 + l] + 0.01 * r[SUM1 + l]) + 1e-300)"
        square = f"r[SUM0 + l] * (r[SUM0 + l] / {both})"
    spare = FIRST + s + 1 + extra
    steps = spare + len(tableau.errors)
    squares, totals = [], []
    for k, row in enumerate(tableau.errors):
        squares += [f"error = scale * ({_terms(row, LANES * n)})"]
        squares += [f"w[{(spare + k) * LANES * n} + i] = error * error"]
        totals += [f"total(w, {spare + k}, r, SUM{k})"]
    values = {
        "SUMS": _sums(tableau, n, steps),
        "SQUARES": "\n        ".join(squares),
        "TOTALS": "\n    ".join(totals),
        "TOTAL": " + ".join(f"w[at * {LANES * n} + {LANES * i} + l]" for i in range(n)),
        "ROWS": "\n".join(f"{name} = {LANES * k}" for k, name in enumerate(ROWS)),
        "N": n,
        "M": LANES * n,
        "S": s,
        "FIRST": FIRST,
        "LAST": FIRST + s - 1,
        "NEW": FIRST + s,
        "SPARE": spare,
        "STEPS_BLOCK": steps,
        "EXTRA": extra,
        "ROOT": repr(1 / tableau.estimate_order),
        "ERROR": f"math.sqrt({square})",
        "ROOTS": "\n        ".join(roots("error")),
        "POWER": product(tableau.power),
        "TREND": product(tableau.damping),
        "LEAST": repr(1e-4**tableau.damping),
    }
    text = LOOP
    for key, value in values.items():
        text = text.replace(f"<{key}>", str(value))
    return SHARED.head + WIDE + text


def _terms(row: Row, m: int) -> str:
    """Source of a sum of stages at place i."""
    return " + ".join(f"{a!r} * w[{(FIRST + j) * m} + i]" for j, a in sorted(row.items()))


def _sums(tableau: Tableau, n: int, steps: int) -> str:
    """Source of the sums of stages, each a loop over one line."""
    m, s = LANES * n, tableau.count

    def function(head: str, body: list[str]) -> str:
        return "\n    ".join((f"@inner\ndef {head}:", "wide()", *body))

    def stage(row: Row, to: int, j: int) -> list[str]:
        value = f"w[i] + w[{steps * m} + i] * ({_terms(row, m)})"
        called = f"call(address, block(w, {to}, {m}), pointers, block(w, {FIRST + j}, {m}))"
        return [f"for i in range({m}):", f"    w[{to * m} + i] = {value}", called]

    stages = [line for j in range(1, s) for line in stage(tableau.stages[j], 2, j)]
    stages += stage(tableau.weights, 1, s)
    extend = [line for j, row in enumerate(tableau.extra, s + 1) for line in stage(row, 2, j)]
    between = [f"for i in range({m}):", f"    w[{2 * m} + i] = w[i]", f"for l in range({LANES}):"]
    between += ["    x, r = rows[PLACE + l], 1.0 - rows[PLACE + l]"]
    for j in sorted({j for row in tableau.dense for j in row}):
        between += [f"    c = x * rows[STEP_DONE + l] * ({nested(tableau.dense, j)})"]
        between += [f"    for i in range({n}):"]
        place = f"w[{2 * m} + {LANES} * i + l]"
        between += [f"        {place} += c * w[{(FIRST + j) * m} + {LANES} * i + l]"]
    parts = (
        function("stages(w, address, pointers)", stages),
        function("extend(w, address, pointers)", extend),
        function("between(w, rows)", between),
    )
    return "\n\n\n".join(parts)
