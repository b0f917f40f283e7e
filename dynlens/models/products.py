"""Trees of products, and the compiled loops that evaluate them.

Entries of a CP factorization and of a hierarchical one are made alike: rows of the modes' matrices
are multiplied in pairs, up a binary tree, here and there through a weight matrix, until one inner
product is left. A row that several entries share is made once. The generated loops read as that
sentence; widths are constants, while counts of rows are read at run time, so that one compiled
module serves every set of entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

BLAS_FROM = 128  # a weight matrix with this many entries is multiplied by BLAS, not by loops


@dataclass(frozen=True)
class Step:
    """Rows of values, shape (rows, width), one row per index of `modes` that is needed.

    Parameters
    ----------
    kind : {"leaf", "product", "mix"}
        The matrix of a mode; entrywise products of two sources; one source times a weight matrix.
    name : str
        The node it belongs to.
    modes : tuple of int
    width : int
    sources : tuple of int
        Positions of the earlier steps it is made of.
    offset : int
        Where the matrix of a leaf or a mix starts in ``theta``.
    """

    kind: str
    name: str
    modes: tuple[int, ...]
    width: int
    sources: tuple[int, ...] = ()
    offset: int = 0


@dataclass(frozen=True)
class RowsKernel:
    """Compiled counterpart of `TensorModel.entries` or of `TensorModel.rank_one_products`.

    The source defines ``measure(theta, index, rows, work, predicted)`` and
    ``measure_pullback(theta, index, rows, work, weights, out)``, the latter to be called after
    the former with the same work space.
    """

    tree: ProductTree
    sensing: bool

    @property
    def source(self) -> str:
        """Python source of the two functions, decorated with ``@compiled``."""
        return _Writer(self.tree, "sensing" if self.sensing else "entries").text()

    def index(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sizes and places of the steps, and which rows of its sources each row multiplies.

        For sensing, column n of `indices` is ``0, 1, ...``: measurement i has its own row.
        """
        tree, n = self.tree, len(indices)
        rows: list[NDArray[np.int64]] = []  # of each step: the row that an entry needs
        counts: list[int] = []
        header: list[int] = []
        pairs: list[NDArray[np.int64]] = []
        place, start = 0, 3 * len(tree.steps) + 3
        for step in tree.steps:
            if step.kind == "leaf":
                rows.append(indices[:, step.modes[0]])
                counts.append(n if self.sensing else tree.shape[step.modes[0]])
            elif step.kind == "mix":
                rows.append(rows[step.sources[0]])
                counts.append(counts[step.sources[0]])
            else:
                left, right = step.sources
                code = rows[left] * counts[right] + rows[right]
                distinct, own = np.unique(code, return_inverse=True)
                rows.append(own)
                counts.append(len(distinct))
                pairs += [distinct // counts[right], distinct % counts[right]]
            header += [counts[-1], place, start]
            place += counts[-1] * step.width
            start += 2 * counts[-1] if step.kind == "product" else 0
        header += [n, place, start]
        pairs += [rows[tree.top[0]], rows[tree.top[1]]]
        return np.concatenate([np.array(header), *pairs]).astype(np.int64)

    def work(self, index: NDArray[np.int64]) -> int:
        """Size of the work space: the values of all steps, and as many cotangents."""
        return 2 * int(index[3 * len(self.tree.steps) + 1])


@dataclass(frozen=True)
class ProductTree:
    """How an entry is made: `steps` in order, then the inner product of the two at the `top`.

    Parameters
    ----------
    shape : tuple of int
        Sizes of the modes.
    steps : tuple of Step
    top : tuple of two int
        Positions of the two steps whose rows are multiplied and added up.
    root : int or None
        Where the root's weights start in ``theta``; None if they are ones.
    """

    shape: tuple[int, ...]
    steps: tuple[Step, ...]
    top: tuple[int, int]
    root: int | None

    def rows(self, k: int) -> int:
        """Rows of step k when all entries are made."""
        return prod(self.shape[mode] for mode in self.steps[k].modes)

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Where the values of each step start in the work space when all entries are made."""
        sizes = [self.rows(k) * step.width for k, step in enumerate(self.steps)]
        return tuple(int(place) for place in np.cumsum([0, *sizes]))

    def dense_kernel(self) -> tuple[str, int]:
        """Source of ``end_to_end`` and ``pullback`` by way of all entries, and its work size."""
        return _Writer(self, "dense").text(), 2 * self.places[-1]


class Grower:
    """Lists the steps of a tree of products, pairing as evenly as the order allows."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.steps: list[Step] = []

    def leaf(self, mode: int, width: int, offset: int) -> int:
        """Add the matrix of a mode."""
        return self._add(Step("leaf", f"{{{mode + 1}}}", (mode,), width, (), offset))

    def product(self, sources: list[int]) -> int:
        """Add the products of the rows of all sources."""
        if len(sources) == 1:
            return sources[0]
        left, right = (self.product(half) for half in _halves(sources))
        a, b = self.steps[left], self.steps[right]
        modes, name = a.modes + b.modes, f"{a.name} * {b.name}"
        return self._add(Step("product", name, modes, a.width, (left, right)))

    def mix(self, source: int, name: str, width: int, offset: int) -> int:
        """Add the source's rows times a weight matrix."""
        modes = self.steps[source].modes
        return self._add(Step("mix", name, modes, width, (source,), offset))

    def tree(self, sources: list[int], root: int | None) -> ProductTree:
        """Return the tree that ends in the sums of the products of `sources`."""
        left, right = (self.product(half) for half in _halves(sources))
        return ProductTree(self.shape, tuple(self.steps), (left, right), root)

    def _add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1


def _halves(items: list[int]) -> tuple[list[int], list[int]]:
    middle = (len(items) + 1) // 2
    return items[:middle], items[middle:]


class _Writer:
    """Writes the two functions; `layout` is "entries", "sensing" or "dense"."""

    def __init__(self, tree: ProductTree, layout: str) -> None:
        self.tree, self.layout = tree, layout

    def text(self) -> str:
        tree = self.tree
        names = "measure", "measure_pullback"
        data, values, weights = "index, rows, ", "predicted", "weights"
        if self.layout == "dense":
            names, data, values, weights = ("end_to_end", "pullback"), "", "tensor", "cotangent"
        forward = ["@compiled", f"def {names[0]}(theta, {data}work, {values}):"]
        forward += self.views()
        for k in range(len(tree.steps)):
            forward += self.forward(k)
        forward += self.top_forward(values)
        backward = ["@compiled", f"def {names[1]}(theta, {data}work, {weights}, out):"]
        backward += [*self.views(), *self.views("d"), *self.cleared(), *self.top_backward(weights)]
        for k in reversed(range(len(tree.steps))):
            backward += self.backward(k)
        return "\n".join([*forward, "", "", *backward, ""])

    # -- where things are: v3 are the values of step 3, d3 their cotangents, w3 its matrix ---------

    def views(self, kind: str = "v") -> list[str]:
        lines = [line for k in range(len(self.tree.steps)) for line in self.view(k, kind)]
        if self.tree.root is not None:
            start, width = self.tree.root, self.tree.steps[self.tree.top[0]].width
            name, array = ("root", "theta") if kind == "v" else ("d_root", "out")
            lines.append(f"    {name} = {array}[{start}:{start + width}]")
        return lines

    def view(self, k: int, kind: str) -> list[str]:
        step, lines = self.tree.steps[k], []
        array, matrix = ("theta", f"w{k}") if kind == "v" else ("out", f"dw{k}")
        height = self.height(k)
        if step.kind == "leaf" and self.layout != "sensing":
            matrix = f"{kind}{k}"
        if step.kind != "product":
            stop = step.offset + height * step.width
            note = f"  # {step.name}" if kind == "v" else ""
            shape = f"{height}, {step.width}"
            lines.append(f"    {matrix} = {array}[{step.offset}:{stop}].reshape({shape}){note}")
        if matrix == f"{kind}{k}":
            return lines
        if step.kind == "leaf" and kind == "v":
            before = sum(self.tree.shape[: step.modes[0]])
            n = f"n{k}"
            lines += [
                f"    {n} = index[{3 * k}]",
                f"    x{k} = rows[{before} * {n} : {before + height} * {n}].reshape({n}, {height})",
            ]
        return [*lines, *self.work_view(k, kind)]

    def work_view(self, k: int, kind: str) -> list[str]:
        step = self.tree.steps[k]
        note = f"  # {step.name}" if kind == "v" and step.kind == "product" else ""
        if self.layout == "dense":
            n, start = self.tree.rows(k), self.tree.places[k]
            start += self.tree.places[-1] if kind == "d" else 0
            span = f"{start}:{start + n * step.width}"
            return [f"    {kind}{k} = work[{span}].reshape({n}, {step.width}){note}"]
        lines, half = [f"    n{k}, at = index[{3 * k}], index[{3 * k + 1}]"], ""
        if kind == "d":
            lines = [f"    at = index[{3 * k + 1}] + index[{3 * len(self.tree.steps) + 1}]"]
        view = f"work[at : at + {step.width} * n{k}{half}].reshape(n{k}, {step.width})"
        return [*lines, f"    {kind}{k} = {view}{note}"]

    def height(self, k: int) -> int:
        """Rows of the matrix of a leaf or a mix."""
        step = self.tree.steps[k]
        if step.kind == "leaf":
            return self.tree.shape[step.modes[0]]
        return self.tree.steps[step.sources[0]].width if step.sources else 0

    def cleared(self) -> list[str]:
        half = f"index[{3 * len(self.tree.steps) + 1}]"
        if self.layout == "dense":
            half = str(self.tree.places[-1])
        return ["    out[:] = 0.0", f"    work[{half} :] = 0.0"]

    # -- what is done ------------------------------------------------------------------------------

    def loop(self, k: int, sources: tuple[int, ...]) -> tuple[list[str], str]:
        """Head of the loop over rows i and j of the sources and row k of the step; its indent."""
        left, right = sources
        if self.layout == "dense":
            m, n = self.tree.rows(left), self.tree.rows(right)
            place = f"i * {n} + j" if k < len(self.tree.steps) else self.place()
            head = [f"    for i in range({m}):", f"        for j in range({n}):"]
            return [*head, f"            k = {place}"], " " * 12
        head = [
            f"    n, at = index[{3 * k}], index[{3 * k + 2}]",
            "    for k in range(n):",
            "        i, j = index[at + k], index[at + n + k]",
        ]
        return head, " " * 8

    def place(self) -> str:
        """Where rows i and j of the two at the top meet in the tensor."""
        left, right = (self.tree.steps[k].modes for k in self.tree.top)
        if left + right == tuple(range(len(self.tree.shape))):
            return f"i * {self.tree.rows(self.tree.top[1])} + j"
        return f"{self.digits('i', left)} + {self.digits('j', right)}"

    def digits(self, row: str, modes: tuple[int, ...]) -> str:
        shape, terms = self.tree.shape, []
        for at, mode in enumerate(modes):
            stride = prod(shape[m] for m in modes[at + 1 :])
            terms.append(f"{row} // {stride} % {shape[mode]} * {prod(shape[mode + 1 :])}")
        return " + ".join(terms)

    def forward(self, k: int) -> list[str]:
        step = self.tree.steps[k]
        if step.kind == "leaf":
            return self.multiply(f"x{k}", f"w{k}", k) if self.layout == "sensing" else []
        if step.kind == "mix":
            return self.multiply(f"v{step.sources[0]}", f"w{k}", k)
        head, pad = self.loop(k, step.sources)
        left, right = step.sources
        return [
            *head,
            f"{pad}for r in range({step.width}):",
            f"{pad}    v{k}[k, r] = v{left}[i, r] * v{right}[j, r]",
        ]

    def multiply(self, source: str, matrix: str, k: int) -> list[str]:
        """Write ``v = source @ matrix``."""
        inner, width = self.height(k), self.tree.steps[k].width
        if inner * width >= BLAS_FROM:
            return [f"    np.dot({source}, {matrix}, v{k})"]
        return [
            f"    for k in range(len(v{k})):",
            f"        for r in range({width}):",
            "            total = 0.0",
            f"            for l in range({inner}):",
            f"                total += {source}[k, l] * {matrix}[l, r]",
            f"            v{k}[k, r] = total",
        ]

    def backward(self, k: int) -> list[str]:
        step = self.tree.steps[k]
        if step.kind == "leaf":
            return self.multiply_back(f"x{k}", None, k) if self.layout == "sensing" else []
        if step.kind == "mix":
            source = step.sources[0]
            return self.multiply_back(f"v{source}", f"d{source}", k)
        head, pad = self.loop(k, step.sources)
        left, right = step.sources
        return [
            *head,
            f"{pad}for r in range({step.width}):",
            f"{pad}    d{left}[i, r] += d{k}[k, r] * v{right}[j, r]",
            f"{pad}    d{right}[j, r] += d{k}[k, r] * v{left}[i, r]",
        ]

    def multiply_back(self, source: str, turned: str | None, k: int) -> list[str]:
        """Write ``dw = source.T @ d`` and ``turned = d @ w.T``."""
        inner, width = self.height(k), self.tree.steps[k].width
        if inner * width >= BLAS_FROM:
            lines = [f"    np.dot({source}.T, d{k}, dw{k})"]
            return lines + ([f"    np.dot(d{k}, w{k}.T, {turned})"] if turned else [])
        lines = [
            f"    for k in range(len(d{k})):",
            f"        for l in range({inner}):",
            f"            for r in range({width}):",
            f"                dw{k}[l, r] += {source}[k, l] * d{k}[k, r]",
        ]
        if turned:
            lines.append(f"                {turned}[k, l] += d{k}[k, r] * w{k}[l, r]")
        return lines

    def top_forward(self, values: str) -> list[str]:
        head, pad = self.loop(len(self.tree.steps), self.tree.top)
        left, right = self.tree.top
        root = " * root[r]" if self.tree.root is not None else ""
        return [
            *head,
            f"{pad}total = 0.0",
            f"{pad}for r in range({self.tree.steps[left].width}):",
            f"{pad}    total += v{left}[i, r] * v{right}[j, r]{root}",
            f"{pad}{values}[k] = total",
        ]

    def top_backward(self, weights: str) -> list[str]:
        head, pad = self.loop(len(self.tree.steps), self.tree.top)
        left, right = self.tree.top
        lines = [*head, f"{pad}g = {weights}[k]"]
        lines.append(f"{pad}for r in range({self.tree.steps[left].width}):")
        scale = "g"
        if self.tree.root is not None:
            lines.append(f"{pad}    d_root[r] += g * v{left}[i, r] * v{right}[j, r]")
            scale = "g * root[r]"
        return [
            *lines,
            f"{pad}    d{left}[i, r] += {scale} * v{right}[j, r]",
            f"{pad}    d{right}[j, r] += {scale} * v{left}[i, r]",
        ]
