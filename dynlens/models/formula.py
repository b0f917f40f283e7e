"""A model that is a formula of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.gradient import Lines
from dynlens.kernels.products import Kernel
from dynlens.models.base import Model, Quantity
from dynlens.models.formulas.compiling import compiled_text
from dynlens.models.formulas.evaluating import evaluate
from dynlens.models.formulas.graph import Graph, Node, needed
from dynlens.models.formulas.lines import MOST, TooLong, formula_lines
from dynlens.models.formulas.reading import Names, is_name, kinks, read, words
from dynlens.models.formulas.reverse import gradients
from dynlens.models.formulas.writing import written
from dynlens.support import validation
from dynlens.support.typing import Array, Factors

AT_ONCE = 4_000_000  # numbers of a batch that are computed at a time
LONGEST = 100_000  # letters of a formula
SHOWN = 8  # numbers of the data that a `repr` writes out
LITERAL = 8  # numbers of the data that are written into the text of a tiny gradient


class _Reading(NamedTuple):
    """A formula that has been read."""

    graph: Graph
    names: Names
    output: Node
    adjoint: list[Node]


@dataclass(frozen=True, repr=False)
class FormulaModel(Model):
    """The array that a formula makes of named parameters.

    Its derivative is made from the formula, operation by operation in reverse, and both are
    compiled. `dynlens.objective` and `dynlens.network` pose a problem of it.

    Parameters
    ----------
    formula : str or sympy expression
        In the words of numpy: ``+ - * / **`` (or ``^``) and ``@``; comparisons; indices and slices,
        also by an array of integers of the `data`, which lists rows; ``.T``; ``sum``, ``mean``,
        ``prod``, ``max``, ``min``, ``logsumexp`` and ``norm``, of everything or over an axis; and
        functions of entries such as ``exp``, ``tanh``, ``relu``, ``softplus`` or ``where``. Nothing
        in it is executed.
    shapes : mapping or (name, shape) pairs
        The parameters, each one factor of the model; a shape may be a size, () is a number.
    data : mapping or (name, array) pairs, optional
        Arrays that are not trained.
    define : mapping or (name, formula) pairs, optional
        Names for parts, which the formulas after them may use, and claims may speak of.

    Notes
    -----
    A formula that makes a number is an array of one entry. Where it has a kink (``relu``, ``abs``,
    ``maximum``, comparisons) the derivative is the one of the side at or below zero, and `kinks`
    says where: each is a formula, and an observable to watch for zeros of.

    Examples
    --------
    >>> model = FormulaModel("u * u - v * v", shapes={"u": 3, "v": 3})
    >>> model.end_to_end((np.array([2.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0]))).tolist()
    [4.0, 0.0, -1.0]
    >>> FormulaModel("sum(relu(X @ w))", {"w": 2}, {"X": [[1.0, 2.0]]}).kinks
    ('X @ w',)
    """

    formula: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    data: tuple[tuple[str, Any], ...] = ()
    define: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "formula", _text("formula", self.formula))
        shapes = validation.pairs("parameters", self.shapes)
        if not shapes:
            raise ValueError('`parameters` is empty; name one with its shape, such as {"w": 3}.')
        shapes = tuple((name, _shape(name, shape)) for name, shape in shapes)
        arrays = {name: _array(name, a) for name, a in validation.pairs("data", self.data)}
        define = validation.pairs("define", self.define)
        define = tuple((name, _text(name, text)) for name, text in define)
        seen: set[str] = set()
        for argument, names in (("parameters", shapes), ("data", arrays), ("define", define)):
            for name in dict(names):
                _check_name(argument, name, seen)
                seen.add(name)
        object.__setattr__(self, "shapes", shapes)
        object.__setattr__(self, "define", define)
        object.__setattr__(self, "data", tuple((k, _frozen(a)) for k, a in arrays.items()))
        unused = [name for name in dict(shapes) if name not in self._used]
        if unused:
            raise ValueError(
                f"`parameters` names {unused[0]!r}, on which {self.formula!r:.80} does not depend; "
                "leave it out."
            )

    def __repr__(self) -> str:
        shown = {
            name: array.tolist() if array.size <= SHOWN else f"<{array.shape}>"
            for name, array in self._arrays.items()
        }
        parts = [repr(self.formula), repr(dict(self.shapes))]
        parts += [f"data={shown}"] if shown else []
        parts += [f"define={dict(self.define)}"] if self.define else []
        return f"FormulaModel({', '.join(parts)})"

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        """The data; integers stay what they are, since they may list rows."""
        return {name: np.asarray(value) for name, value in self.data}

    @cached_property
    def _numbers(self) -> dict[str, Array]:
        return {name: array.astype(np.float64) for name, array in self._arrays.items()}

    @cached_property
    def _read(self) -> _Reading:
        graph = Graph()
        nodes = {name: graph.leaf("parameter", name, shape) for name, shape in self.shapes}
        nodes |= {k: graph.leaf("data", k, array.shape) for k, array in self._arrays.items()}
        integers = {name for name, array in self._arrays.items() if array.dtype.kind == "i"}
        names = Names(graph, nodes, integers)
        for name, text in self.define:
            names.nodes[name] = read(text, names)
        output = read(self.formula, names)
        if not output.shape:
            output = graph.reshape(output, (1,))
        cotangent = graph.leaf("cotangent", "cotangent", output.shape)
        own = [nodes[name] for name, _ in self.shapes]
        adjoint = gradients(graph, output, cotangent, own)
        self._check_rows(graph)
        return _Reading(graph, names, output, adjoint)

    def _check_rows(self, graph: Graph) -> None:
        for node in graph.nodes:
            if node.kind == "take":
                x, rows = node.args
                listed = self._arrays[rows.extra]
                if listed.min() < 0 or listed.max() >= x.shape[0]:
                    raise ValueError(
                        f"`data`: {rows.extra!r} lists row {int(listed.max())} of {x.shape[0]}; "
                        "rows are counted from 0."
                    )

    @cached_property
    def _used(self) -> set[str]:
        return {n.extra for n in needed([self._read.output]) if n.kind == "parameter"}

    @property
    def factor_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(shape for _, shape in self.shapes)

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return self._read.output.shape

    @property
    def degrees(self) -> None:
        return None

    @property
    def in_words(self) -> str:
        return self.formula if len(self.formula) <= 40 else ""

    def theta(self, **factors: Any) -> Array:
        """Stack parameters given by name, shape (P,).

        Examples
        --------
        >>> FormulaModel("u * v", {"u": 2, "v": ()}).theta(u=[1, 2], v=3)
        array([1., 2., 3.])
        """
        missing = [name for name, _ in self.shapes if name not in factors]
        for name in factors:
            validation.one_of("theta", name, dict(self.shapes))
        if missing:
            raise TypeError(f"`theta` needs {missing[0]!r} too.")
        parts = [
            validation.real_array(name, factors[name], shape=shape) for name, shape in self.shapes
        ]
        return np.asarray(self.ravel(parts), dtype=np.float64)

    # -- in numpy ---------------------------------------------------------------------------------

    def end_to_end(self, factors: Factors) -> NDArray[Any]:
        (found,) = self._evaluated([self._read.output], factors)
        return found

    def pullback(self, factors: Factors, cotangent: NDArray[Any]) -> Factors:
        return tuple(self._evaluated(self._read.adjoint, factors, cotangent=cotangent))

    def _evaluated(
        self, nodes: list[Node], factors: Factors, **others: NDArray[Any]
    ) -> list[NDArray[Any]]:
        """Return nodes with the batch axes of all arrays, a part of the batch at a time."""
        given = dict(zip(dict(self.shapes), factors, strict=True)) | others
        axes = dict(self.shapes) | {"cotangent": self.tensor_shape}
        batches = [a.shape[: a.ndim - len(axes[name])] for name, a in given.items()]
        batch = np.broadcast_shapes(*batches)
        each = sum(node.size for node in needed(nodes))
        if len(batch) != 1 or batch[0] * each <= AT_ONCE or batches.count(batch) < len(batches):
            found = evaluate(nodes, given | self._numbers)
            return [
                np.broadcast_to(array, (*batch, *node.shape))
                for array, node in zip(found, nodes, strict=True)
            ]
        size = max(1, AT_ONCE // each)
        pieces = [
            evaluate(nodes, {k: a[i : i + size] for k, a in given.items()} | self._numbers)
            for i in range(0, batch[0], size)
        ]
        wholes = []
        for k, node in enumerate(nodes):
            rows = [
                np.broadcast_to(part[k], (min(size, batch[0] - i * size), *node.shape))
                for i, part in enumerate(pieces)
            ]
            wholes.append(np.concatenate(rows))
        return wholes

    # -- by name ----------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._read.names.nodes)

    def quantity(self, name: str) -> Quantity | None:
        found = self._quantities.get(name)
        if found is None:
            if not words(name) & set(self.names):  # it speaks of something else
                return None
            node = read(name, self._read.names)
            found = Quantity(partial(self._entries, node), node.shape)
            self._quantities[name] = found
        return found

    @cached_property
    def _quantities(self) -> dict[str, Quantity]:
        return {}

    def _entries(self, node: Node, factors: Factors) -> NDArray[Any]:
        return self._evaluated([node], factors)[0]

    @cached_property
    def kinks(self) -> tuple[str, ...]:
        """Arguments at whose zeros the formula changes its form, each a formula itself."""
        graph = self._read.graph
        active = {graph.leaf("parameter", name, shape).number for name, shape in self.shapes}
        for node in needed([self._read.output]):
            if any(arg.number in active for arg in node.args):
                active.add(node.number)
        by_number = {node.number: name for name, node in self._read.names.nodes.items()}
        return tuple(written(n, by_number) for n in kinks(graph, self._read.output, active))

    # -- compiled ---------------------------------------------------------------------------------

    def kernel(self) -> Kernel:
        graph, _, output, adjoint = self._read
        sizes = [prod(shape) for shape in self.factor_shapes]
        places = dict(zip(dict(self.shapes), np.cumsum([0, *sizes]).tolist(), strict=False))
        data, start = {}, 0
        for name, array in self._arrays.items():
            data[name], start = start, start + array.size
        made = compiled_text(graph, output, adjoint, places, data, start)
        flat = [array.reshape(-1) for array in self._numbers.values()]
        rows = np.concatenate(flat) if flat else np.empty(0)
        return Kernel(made.source, work=made.work, rows=rows)

    def entry_lines(self, places: Any) -> Lines | None:
        graph, _, output, adjoint = self._read
        nodes = needed([output, *adjoint])
        large = sum(array.size for array in self._arrays.values()) > LITERAL
        if large or self.parameters > MOST or max(node.size for node in nodes) > MOST:
            return None
        lines = partial(formula_lines, graph, output, adjoint, self._numbers, places)
        names = [f"x{i}" for i in range(self.parameters)]
        try:
            lines(names, names)
        except TooLong:
            return None
        return lines


def _text(name: str, formula: Any) -> str:
    if hasattr(formula, "free_symbols"):
        formula = str(formula)
    if not isinstance(formula, str):
        raise TypeError(f"`{name}` must be a formula, as text, got {formula!r:.80}.")
    if not formula.strip():
        raise ValueError(f"`{name}` is an empty formula.")
    if len(formula) > LONGEST:
        raise ValueError(f"`{name}` has {len(formula)} letters; sum over arrays instead.")
    return formula


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    if isinstance(shape, int | np.integer) and not isinstance(shape, bool):
        return (validation.count(f"parameters {name!r}", shape),)
    sizes = validation.sequence(
        f"parameters {name!r}", shape, 'give its shape, such as {"w": 3} or {"W": (2, 3)}.'
    )
    return tuple(validation.count(f"parameters {name!r}", size) for size in sizes)


def _array(name: str, value: Any) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind in "iu" and array.size:
        return np.array(array, dtype=np.int64)
    if array.dtype.kind == "b":
        array = array.astype(float)
    found = validation.real_array(f"data {name!r}", array)
    if found.size == 0:
        raise ValueError(f"`data {name!r}` has shape {found.shape}: no numbers; leave it out.")
    return found


def _check_name(argument: str, name: str, seen: set[str]) -> None:
    if name in seen:
        raise ValueError(f"`{argument}` names {name!r} again; give every array a name of its own.")
    if not is_name(name):
        raise ValueError(
            f"`{argument}` names {name!r}, which is no word or has a meaning in formulas already; "
            "call it otherwise."
        )
    if name in ("t", "cotangent") or name.startswith("d_") or name.endswith("_0"):
        raise ValueError(
            f"`{argument}` names {name!r}, which claims read otherwise (`t` is the time, `d_x` a "
            "rate, `x_0` an initial value); call it otherwise."
        )


def _frozen(array: NDArray[Any]) -> Any:
    """Nested tuples of Python numbers."""
    return array.item() if array.ndim == 0 else tuple(_frozen(row) for row in array)
