"""Source text of matrix products on flat arrays, at places that are known when it is written."""

from __future__ import annotations

from dynlens.kernels.vectors import VECTOR_WIDTH

ROW = 64  # longest row that is kept in registers
LARGE = 16**3  # multiplications of one product, beyond which BLAS is faster than loops
HEAD = "from dynlens.kernels.loops.head import reordered"
VECTORS = "from dynlens.kernels.loops.vectors import load, plus, spread, store, times"

Place = tuple[str, int | str]  # an array, and where in it


def matrix_product(
    left: Place,
    right: Place,
    out: Place,
    sizes: tuple[int, int, int],
    transposed: str,
    free: int = 0,
) -> list[str]:
    """Source lines of ``out = left @ right`` on flat arrays at constant offsets.

    `sizes` is (m, k, n) with the sum over k; ``"T"`` marks an operand stored transposed. From
    `free` on the work space may be used.
    """
    m, k, n = sizes
    (a, oa), (b, ob), (c, oc) = left, right, out
    if m * k * n >= LARGE:
        first = _matrix(left, (m, k), transposed[0] == "T")
        second = _matrix(right, (k, n), transposed[1] == "T")
        return [f"    np.dot({first}, {second}, {_matrix(out, (m, n), False)})"]
    if VECTOR_WIDTH <= n <= ROW:
        return _by_lanes(left, right, out, sizes, transposed, free)
    first = f"{a}[{oa} + i * {k} + l]" if transposed[0] == "N" else f"{a}[{oa} + l * {m} + i]"
    if transposed[1] == "N":
        entries = [f"{b}[{ob} + {j} + l * {n}]" for j in range(min(n, VECTOR_WIDTH))]
    else:
        entries = [f"{b}[{ob} + {j * k} + l]" for j in range(min(n, VECTOR_WIDTH))]
    if n < VECTOR_WIDTH:  # a row of the product stays in registers
        return [
            f"    for i in range({m}):",
            *(f"        t{j} = 0.0" for j in range(n)),
            f"        for l in range({k}):",
            f"            x = {first}",
            *(f"            t{j} += x * {entries[j]}" for j in range(n)),
            *(f"        {c}[{oc} + {j} + i * {n}] = t{j}" for j in range(n)),
        ]
    entry = f"{b}[{ob} + l * {n} + j]" if transposed[1] == "N" else f"{b}[{ob} + j * {k} + l]"
    return [
        f"    for i in range({m}):",
        f"        for j in range({n}):",
        "            total = 0.0",
        f"            for l in range({k}):",
        f"                total += {first} * {entry}",
        f"            {c}[{oc} + i * {n} + j] = total",
    ]


def vector_product(
    matrix: Place, vector: Place, out: Place, sizes: tuple[int, int], turned: bool
) -> list[str]:
    """Source lines of ``out = matrix @ vector``, of `sizes` (m, k); `turned` as it is stored."""
    m, k = sizes
    (a, oa), (x, ox), (c, oc) = matrix, vector, out
    if m * k >= LARGE:
        whole = _matrix(matrix, (m, k), turned)
        return [f"    np.dot({whole}, {x}[{ox} : {ox} + {k}], {c}[{oc} : {oc} + {m}])"]
    if not turned:
        return [
            f"    for i in range({m}):",
            "        total = 0.0",
            f"        for l in range({k}):",
            f"            total += {a}[{oa} + i * {k} + l] * {x}[{ox} + l]",
            f"        {c}[{oc} + i] = total",
        ]
    return [
        f"    for i in range({m}):",
        f"        {c}[{oc} + i] = 0.0",
        f"    for l in range({k}):",
        f"        t = {x}[{ox} + l]",
        f"        for i in range({m}):",
        f"            {c}[{oc} + i] += t * {a}[{oa} + l * {m} + i]",
    ]


def _by_lanes(
    left: Place,
    right: Place,
    out: Place,
    sizes: tuple[int, int, int],
    transposed: str,
    free: int,
) -> list[str]:
    """`matrix_product` with a row in vectors, of which the last two may overlap."""
    m, k, n = sizes
    (a, oa), (b, ob), (c, oc) = left, right, out
    lines: list[str] = []
    if transposed[1] == "T":
        lines += [f"    for j in range({n}):", f"        for l in range({k}):"]
        lines += [f"            work[{free} + l * {n} + j] = {b}[{ob} + j * {k} + l]"]
        b, ob = "work", free
    first = f"{a}[{oa} + i * {k} + l]" if transposed[0] == "N" else f"{a}[{oa} + l * {m} + i]"
    starts = sorted({*range(0, n - VECTOR_WIDTH + 1, VECTOR_WIDTH), n - VECTOR_WIDTH})
    return [
        *lines,
        f"    for i in range({m}):",
        *(f"        t{j} = spread(0.0)" for j in starts),
        f"        for l in range({k}):",
        f"            x = spread({first})",
        *(
            f"            t{j} = plus(t{j}, times(x, load({b}, {ob} + {j} + l * {n})))"
            for j in starts
        ),
        *(f"        store({c}, {oc} + {j} + i * {n}, t{j})" for j in starts),
    ]


def _matrix(place: Place, sizes: tuple[int, int], turned: bool) -> str:
    """Source of a part of a flat array as a matrix, or as the transpose of one."""
    (name, start), (m, n) = place, sizes
    shape, turn = ((n, m), ".T") if turned else ((m, n), "")
    return f"{name}[{start} : {start} + {m * n}].reshape{shape}{turn}"
