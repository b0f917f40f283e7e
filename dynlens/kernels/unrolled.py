"""Straight-line source of tiny gradients: no loop, no index, every number in a register.

A two by two network of depth three has twelve parameters and needs about a hundred operations.
Loops around them cost several times as much as the operations, and so does passing a dozen arrays
to a function. The lines written here are pasted wherever the gradient is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST = 128  # multiplications; beyond, the compiler takes longer and the loops cost less

Names = Sequence[str]


def multiplications(widths: Sequence[int]) -> int:
    """Return how many a gradient of a deep linear network takes: forward once, backward twice."""
    layers = list(zip(widths[1:], widths[:-1], strict=True))[1:]
    return 3 * widths[0] * sum(rows * columns for rows, columns in layers)


def deep_linear_lines(
    widths: Sequence[int], places: Sequence[int], theta: Names, out: Names, sign: str = ""
) -> list[str]:
    r"""Source of the gradient of ``sum_i l(W[places[i]] - values[i])``.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_L)`` of :math:`W = W_L \cdots W_1`.
    places : sequence of int
        Flat position of each observed entry.
    theta, out : sequence of str
        Expressions to read the parameters from, and names to give to the result.
    sign : {"", "-"}
        ``"-"`` for the vector field.

    Returns
    -------
    list of str
        Lines that leave the sum, without its weight, in ``total``; they read ``values`` and
        ``weight``.
    """
    lines: list[str] = []
    depth, start, layers, parts = len(widths) - 1, 0, [], []
    for rows, columns in zip(widths[1:], widths[:-1], strict=True):
        block = range(start, start + rows * columns)
        layers.append([[theta[p] for p in block[i * columns :][:columns]] for i in range(rows)])
        parts.append([[out[p] for p in block[i * columns :][:columns]] for i in range(rows)])
        start += rows * columns

    # below[j] = W_j ... W_1
    below = [layers[0]]
    for j in range(1, depth):
        below.append(_product(layers[j], below[-1], f"p{j}_", lines))

    # weights of the entries, zero where nothing is observed
    columns, above = widths[0], [["0"] * widths[0] for _ in range(widths[-1])]
    lines.append("total = 0.0")
    for i, place in enumerate(places):
        row, column = divmod(place, columns)
        lines.append(f"z{i} = {below[-1][row][column]} - values[{i}]")
        lines.append(f"total += loss_value(z{i})")
        lines.append(f"g{i} = {sign}weight[0] * loss_derivative(z{i})")
        seen = above[row][column]
        above[row][column] = f"g{i}" if seen == "0" else f"({seen} + g{i})"

    # layer j receives  W_{L:j+1}^T  G  W_{j-1:1}^T
    for j in range(depth - 1, 0, -1):
        _product(above, _transposed(below[j - 1]), "", lines, parts[j])
        above = _product(_transposed(layers[j]), above, f"c{j}_", lines)
    for part, weights in zip(parts[0], above, strict=True):
        lines += [
            f"{a} = {b}.0" if b == "0" else f"{a} = {b}" for a, b in zip(part, weights, strict=True)
        ]
    return lines


def _product(
    left: list[list[str]],
    right: list[list[str]],
    prefix: str,
    lines: list[str],
    names: list[list[str]] | None = None,
) -> list[list[str]]:
    """Append lines for ``left @ right`` without its zeros; return the names of its entries."""
    product = []
    for i, row in enumerate(left):
        entries = []
        for j, column in enumerate(_transposed(right)):
            pairs = [(a, b) for a, b in zip(row, column, strict=True) if "0" not in (a, b)]
            name = names[i][j] if names else f"{prefix}{i}_{j}"
            if pairs or names:
                lines.append(f"{name} = " + (" + ".join(f"{a} * {b}" for a, b in pairs) or "0.0"))
            entries.append(name if pairs else "0")
        product.append(entries)
    return product


def _transposed(matrix: list[list[str]]) -> list[list[str]]:
    return [list(column) for column in zip(*matrix, strict=True)]
