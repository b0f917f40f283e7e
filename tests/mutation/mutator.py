"""Small changes of a module, one at a time, as a careless hand would make them."""

import ast
import copy
from dataclasses import dataclass

COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMBINED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
RENAMED = {
    "maximum": "minimum",
    "minimum": "maximum",
    "fmax": "fmin",
    "max": "min",
    "min": "max",
    "all": "any",
    "any": "all",
    "argmax": "argmin",
    "argmin": "argmax",
}
DROPPED = ("abs", "sqrt", "isfinite", "sum")  # calls of these become their argument
WORDS = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Assert)  # nothing is decided


@dataclass(frozen=True)
class Mutant:
    """A change: what is done to the node of this number, counted as `ast.walk` meets them."""

    path: str
    line: int
    node: int
    change: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.change}"


def mutants(path, source):
    """All mutants of a module."""
    tree = ast.parse(source)
    silent = {id(n) for node in ast.walk(tree) if isinstance(node, WORDS) for n in ast.walk(node)}
    silent |= {id(n) for note in _annotations(tree) for n in ast.walk(note)}
    found = []
    for number, node in enumerate(ast.walk(tree)):
        if id(node) not in silent:
            for change in _changes(node):
                before = _shown(node)
                after = _shown(_changed(copy.deepcopy(node), change))
                found.append((number, node.lineno, f"{change}: {before} -> {after}"))
    return [Mutant(path, line, number, text) for number, line, text in found]


def mutated(source, mutant):
    """The tree of the module with the change made."""
    tree = ast.parse(source)
    node = list(ast.walk(tree))[mutant.node]
    new = _changed(node, mutant.change.partition(":")[0])
    if new is not node:
        tree = _Replaced(node, new).visit(tree)
    return ast.fix_missing_locations(tree)


class _Replaced(ast.NodeTransformer):
    def __init__(self, old, new):
        self.old, self.new = old, ast.copy_location(new, old)

    def visit(self, node):
        return self.new if node is self.old else super().generic_visit(node)


def _annotations(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            yield node.annotation
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (*node.decorator_list, *([node.returns] if node.returns else []))
        if isinstance(node, ast.ClassDef):
            yield from node.decorator_list


def _changes(node):
    """Names of the changes that a node admits."""
    if isinstance(node, ast.Compare):
        yield from (f"compare {k}" for k, op in enumerate(node.ops) if type(op) in COMPARED)
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in COMBINED:
        yield "operator"
    elif isinstance(node, ast.BoolOp):
        yield "and/or"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield "sign"
    elif isinstance(node, ast.Attribute) and node.attr == "inf":
        yield "infinity"
    elif isinstance(node, ast.Attribute | ast.Name) and _called(node) in RENAMED:
        yield "other function"
    elif isinstance(node, ast.Call) and _called(node.func) in DROPPED and len(node.args) == 1:
        yield "call dropped"
    elif isinstance(node, ast.IfExp):
        yield "branches"
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield "truth"
        elif isinstance(node.value, float):
            yield "ten times"
        elif isinstance(node.value, int):
            yield "one more"


def _changed(node, change):
    """Make a change, in place where that is possible, and return the node that stands there now."""
    kind, _, place = change.partition(" ")
    if kind == "compare":
        node.ops[int(place)] = COMPARED[type(node.ops[int(place)])]()
    elif kind == "operator":
        node.op = COMBINED[type(node.op)]()
    elif kind == "and/or":
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif kind == "sign":
        return node.operand
    elif kind == "infinity":
        return ast.Constant(0.0)
    elif change == "other function":
        if isinstance(node, ast.Attribute):
            node.attr = RENAMED[node.attr]
        else:
            node.id = RENAMED[node.id]
    elif change == "call dropped":
        return node.args[0]
    elif kind == "branches":
        node.body, node.orelse = node.orelse, node.body
    elif kind == "truth":
        node.value = not node.value
    elif change == "ten times":
        node.value = node.value * 10 if node.value else 1.0
    elif change == "one more":
        node.value += 1
    return node


def _called(node):
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


def _shown(node):
    return " ".join(ast.unparse(node).split())[:70]
