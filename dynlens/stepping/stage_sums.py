"""Source of the sums of stages in an explicit method, in two forms that take the same arguments.

A loop for all problems reads the coefficients from tables: it is the shorter text by far, and
compiles in a second. A loop for a tiny problem has every sum written out in one line, which the
compiler unrolls; that takes ten times as long.

Both define ``step``, ``extend`` (stages that the interpolant alone needs), ``differences`` (of
which the error is made) and ``between`` (the state inside a step). Results that are no stage go to
the blocks past the last one.
"""

from __future__ import annotations

from dynlens.stepping.fields import Field
from dynlens.stepping.tableaus import Row, Tableau

FIRST = 3  # block of the first stage; before it the state, the new state, a trial state


def tabled_sums(tableau: Tableau, field: Field) -> str:
    """Source that reads tables."""
    coefficients: list[float] = []
    blocks: list[int] = []
    begins = [0]
    dense = [{j: 0.0 for row in tableau.dense for j in row}]  # reckoned for each time
    for row in (*tableau.stages[1:], tableau.weights, *tableau.extra, *tableau.errors, *dense):
        stages = sorted(row)
        short = -len(stages) % 4  # four at a time
        coefficients += [row[j] for j in stages] + [0.0] * short
        blocks += [FIRST + j for j in (*stages, *stages[:1] * short)]
        begins.append(len(blocks))
    stages = sorted(dense[0])
    shape = [[row.get(j, 0.0) for j in stages] for row in tableau.dense]
    s, extra = tableau.count, len(tableau.extra)
    values = {
        "COEFFICIENTS": coefficients,
        "BLOCKS": blocks,
        "BEGINS": begins,
        "SHAPE": shape,
        "S": s,
        "EXTRA_ROW": s,
        "ERROR_ROW": s + extra,
        "ERRORS": len(tableau.errors),
        "BLOCKS_IN_ALL": 6 + s + extra,
        "DENSE_ROW": s + extra + len(tableau.errors),
        "CALL": field.call("to", "stage"),
        "LAST_CALL": field.call(1, FIRST + s),
    }
    text = _TABLED
    for key, value in values.items():
        text = text.replace(f"<{key}>", str(value))
    return text


_TABLED = """COEFFICIENTS = np.array(<COEFFICIENTS>)
BLOCKS = np.array(<BLOCKS>)
BEGINS = np.array(<BEGINS>)
SHAPE = np.array(<SHAPE>)
FACTORS = types.Array(types.float64, 1, "C", readonly=True)


@njit(
    (types.float64[::1], types.intp, types.intp, types.float64, types.float64, FACTORS, types.intp,
     types.intp),
    **hidden,
)
def combine(w, n, to, keep, h, factors, first, row):  # keep * state + h * sum of a row
    out, x = block(w, to, n), block(w, 0, n)
    for j in range(BEGINS[row], BEGINS[row + 1], 4):
        p, q = block(w, BLOCKS[j], n), block(w, BLOCKS[j + 1], n)
        r, s = block(w, BLOCKS[j + 2], n), block(w, BLOCKS[j + 3], n)
        a, b = h * factors[j - first], h * factors[j + 1 - first]
        c, d = h * factors[j + 2 - first], h * factors[j + 3 - first]
        if j == BEGINS[row]:
            for i in range(n):
                out[i] = keep * x[i] + (a * p[i] + b * q[i] + c * r[i] + d * s[i])
        else:
            for i in range(n):
                out[i] += a * p[i] + b * q[i] + c * r[i] + d * s[i]


@inner
def step(w, h, <ARGUMENTS>):
    loss = 0.0
    for j in range(1, <S> + 1):
        to = 2 if j < <S> else 1
        stage = <FIRST> + j
        combine(w, n, to, 1.0, h, COEFFICIENTS, 0, j - 1)
        loss = <CALL>
    return loss


@inner
def extend(w, h, <ARGUMENTS>):
    to = 2
    for j in range(<EXTRA>):
        stage = <NEW> + 1 + j
        combine(w, n, to, 1.0, h, COEFFICIENTS, 0, <EXTRA_ROW> + j)
        <CALL>


@inner
def differences(w, h, <ARGUMENTS>):
    for m in range(<ERRORS>):
        combine(w, n, <SPARE> + m, 0.0, 1.0, COEFFICIENTS, 0, <ERROR_ROW> + m)


@inner
def between(w, h, x, <ARGUMENTS>):
    first, stages = BEGINS[<DENSE_ROW>], SHAPE.shape[1]
    factors = stretch(w, <BLOCKS_IN_ALL> * n, BEGINS[<DENSE_ROW> + 1] - first)
    for j in range(factors.size):
        factors[j] = 0.0
    for j in range(stages):
        for q in range(SHAPE.shape[0] - 1, -1, -1):
            factors[j] = SHAPE[q, j] + (x if q % 2 else 1.0 - x) * factors[j]
    combine(w, n, <SPARE>, 1.0, h * x, factors, first, <DENSE_ROW>)


"""


def unrolled_sums(tableau: Tableau, field: Field) -> str:
    """Source with every sum in one line."""
    n, s = int(field.n), tableau.count

    def function(name: str, arguments: str, body: list[str]) -> str:
        head = f"@part\ndef {name}({arguments}, {field.arguments}):"
        return "\n    ".join((head, *body)) + "\n\n\n"

    def total(to: int, terms: str) -> list[str]:
        return [f"for i in range({n}):", f"    w[{to * n} + i] = {terms}"]

    def terms(row: Row) -> str:
        return " + ".join(f"{a!r} * w[{(FIRST + j) * n} + i]" for j, a in sorted(row.items()))

    def state(row: Row, to: int) -> list[str]:
        return total(to, f"w[i] + h * ({terms(row)})")

    step, extend, differences = [], [], []
    for j in range(1, s):
        step += [*state(tableau.stages[j], 2), field.call(2, FIRST + j)]
    step += [*state(tableau.weights, 1), f"return {field.call(1, FIRST + s)}"]
    for j, row in enumerate(tableau.extra, start=s + 1):
        extend += [*state(row, 2), field.call(2, FIRST + j)]
    spare = FIRST + s + 1 + len(tableau.extra)
    for m, row in enumerate(tableau.errors):
        differences += total(spare + m, terms(row))

    stages = sorted({j for row in tableau.dense for j in row})
    between = ["r = 1.0 - x"]
    between += [f"c{j} = h * x * ({nested(tableau.dense, j)})" for j in stages]
    value = " + ".join(f"c{j} * w[{(FIRST + j) * n} + i]" for j in stages)
    between += total(spare, f"w[i] + ({value})")
    return "".join(
        (
            function("step", "w, h", step),
            function("extend", "w, h", extend or ["pass"]),
            function("differences", "w, h", differences),
            function("between", "w, h, x", between),
        )
    )


def nested(dense: tuple[Row, ...], j: int) -> str:
    """The factor of stage j between the ends of a step, from the innermost bracket out."""
    text = repr(dense[-1].get(j, 0.0))
    for q in range(len(dense) - 2, -1, -1):
        text = f"{dense[q].get(j, 0.0)!r} + {'x' if q % 2 else 'r'} * ({text})"
    return text
