"""Sums of stages in an explicit method: as tables, or with every sum written out.

A loop for all problems reads the coefficients from tables: it is the shorter text by far, and
compiles in a second. A loop for a tiny problem, or for lanes, has every sum written out in one
line, which the compiler unrolls; that takes ten times as long. What is written out is all that is
generated here; it defines what `loops.tabled` and `loops.lanes_sums` define.
"""

from __future__ import annotations

from typing import Any

from dynlens.stepping.tableaus import Row, Tableau

FIRST = 3  # block of the first stage; before it the state, the new state, a trial state


def constants(tableau: Tableau) -> dict[str, Any]:
    """What `loops.tableau` has to know of a method."""
    return {
        "STAGES": tableau.count,
        "EXTRA": len(tableau.extra),
        "ERRORS": len(tableau.errors),
        "POWER": int(tableau.power * 128),
        "DAMPING": int(tableau.damping * 128),
        "LEAST": 1e-4**tableau.damping,
        "ROOT": 1 / tableau.estimate_order,
    }


def tables(tableau: Tableau) -> tuple[list[float], list[int], list[int], list[list[float]]]:
    """Coefficients, the blocks they belong to, where each row begins, the interpolant's shape.

    The rows are those of the stages, of the new state, of the interpolant's own stages, of the
    errors, and one of zeros that is reckoned for each time inside a step.
    """
    coefficients: list[float] = []
    blocks: list[int] = []
    begins = [0]
    dense = [{j: 0.0 for row in tableau.dense for j in row}]
    for row in (*tableau.stages[1:], tableau.weights, *tableau.extra, *tableau.errors, *dense):
        stages = sorted(row)
        short = -len(stages) % 4  # four at a time
        coefficients += [row[j] for j in stages] + [0.0] * short
        blocks += [FIRST + j for j in (*stages, *stages[:1] * short)]
        begins.append(len(blocks))
    stages = sorted(dense[0])
    shape = [[row.get(j, 0.0) for j in stages] for row in tableau.dense]
    return coefficients, blocks, begins, shape


def unrolled_sums(tableau: Tableau) -> str:
    """Text with every sum in one line, for a loop of its own."""
    count = tableau.count
    step, extend, differences = [], [], []
    for j in range(1, count):
        step += [*_state(tableau.stages[j], 2), _call(2, j)]
    step += [*_state(tableau.weights, 1), f"return {_call(1, count)}"]
    for j, row in enumerate(tableau.extra, start=count + 1):
        extend += [*_state(row, 2), _call(2, j)]
    spare = FIRST + count + 1 + len(tableau.extra)
    for m, row in enumerate(tableau.errors):
        differences += _total(spare + m, _terms(row, "N"))
    stages = sorted({j for row in tableau.dense for j in row})
    between = ["r = 1.0 - x"]
    between += [f"c{j} = h * x * ({nested(tableau.dense, j)})" for j in stages]
    value = " + ".join(f"c{j} * w[{FIRST + j} * N + i]" for j in stages)
    between += _total(spare, f"w[i] + ({value})")
    imports = (
        "from dynlens.stepping.loops.basics import block, part",
        "from dynlens.stepping.loops.field import N, call",
    )
    return "\n\n\n".join(
        (
            "\n".join(imports),
            _function("part", "step(w, h, field)", step),
            _function("part", "extend(w, h, field)", extend or ["pass"]),
            _function("part", "differences(w, h, field)", differences),
            _function("part", "between(w, h, x, field)", between),
        )
    )


def lane_sums(tableau: Tableau, n: int) -> str:
    """Text with every sum in one line, for lanes of n entries each."""
    count = tableau.count
    spare = FIRST + count + 1 + len(tableau.extra)

    def stage(row: Row, to: int, j: int) -> list[str]:
        value = f"w[i] + w[STEPS_BLOCK * M + i] * ({_terms(row, 'M')})"
        called = f"call(field, block(w, {to}, M), block(w, {FIRST + j}, M))"
        return ["for i in range(M):", f"    w[{to} * M + i] = {value}", called]

    stages = [line for j in range(1, count) for line in stage(tableau.stages[j], 2, j)]
    stages += stage(tableau.weights, 1, count)
    extend = [line for j, row in enumerate(tableau.extra, count + 1) for line in stage(row, 2, j)]
    squares = ["for i in range(M):", "    a, b = abs(w[i]), abs(w[M + i])"]
    squares += ["    scale = w[STEPS_BLOCK * M + i] / (atol + rtol * (a if a > b else b))"]
    for k, row in enumerate(tableau.errors):
        squares += [f"    error = scale * ({_terms(row, 'M')})"]
        squares += [f"    w[{spare + k} * M + i] = error * error"]
    entries = " + ".join(f"w[at * M + {i} * LANES + l]" for i in range(n))
    between = ["for i in range(M):", "    w[2 * M + i] = w[i]", "for l in range(LANES):"]
    between += ["    x, r = rows[LANE_PLACE + l], 1.0 - rows[LANE_PLACE + l]"]
    for j in sorted({j for row in tableau.dense for j in row}):
        between += [f"    c = x * rows[LANE_STEP_DONE + l] * ({nested(tableau.dense, j)})"]
        between += ["    for i in range(N):"]
        between += [f"        w[2 * M + LANES * i + l] += c * w[{FIRST + j} * M + LANES * i + l]"]
    imports = (
        "from dynlens.stepping.lane_layout import LANE_PLACE, LANE_STEP_DONE, LANES",
        "from dynlens.stepping.loops.basics import block, part",
        "from dynlens.stepping.loops.field import call",
        "from dynlens.stepping.loops.lanes_shape import STEPS_BLOCK, M, N",
        "from dynlens.stepping.loops.wide import wide",
    )
    return "\n\n\n".join(
        (
            "\n".join(imports),
            _function("part", "stages(w, field)", ["wide()", *stages]),
            _function("part", "extend(w, field)", ["wide()", *extend]),
            _function("part", "squares(w, rtol, atol)", ["wide()", *squares]),
            _function(
                "part",
                "total(w, at, r, row)",
                ["wide()", "for l in range(LANES):", f"    r[row + l] = {entries}"],
            ),
            _function("part", "between(w, rows)", ["wide()", *between]),
        )
    )


def nested(dense: tuple[Row, ...], j: int) -> str:
    """The factor of stage j between the ends of a step, from the innermost bracket out."""
    text = repr(dense[-1].get(j, 0.0))
    for q in range(len(dense) - 2, -1, -1):
        text = f"{dense[q].get(j, 0.0)!r} + {'x' if q % 2 else 'r'} * ({text})"
    return text


def _function(decorator: str, head: str, body: list[str]) -> str:
    return "\n    ".join((f"@{decorator}\ndef {head}:", *body)) + "\n"


def _terms(row: Row, size: str) -> str:
    """Text of a sum of stages at place i of blocks of this size."""
    return " + ".join(f"{a!r} * w[{FIRST + j} * {size} + i]" for j, a in sorted(row.items()))


def _total(to: int, terms: str) -> list[str]:
    return ["for i in range(N):", f"    w[{to} * N + i] = {terms}"]


def _state(row: Row, to: int) -> list[str]:
    return _total(to, f"w[i] + h * ({_terms(row, 'N')})")


def _call(at: int, j: int) -> str:
    return f"call(field, block(w, {at}, N), block(w, {FIRST + j}, N))"
