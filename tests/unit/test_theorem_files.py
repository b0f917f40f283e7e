"""A file that states a theorem is its statement; the apparatus has rooms of its own."""

import ast
from pathlib import Path

import pytest

import theory_checks

LONGEST = 40  # lines of a statement

ROOT = Path(theory_checks.__file__).parent
SOURCES = {f.relative_to(ROOT).as_posix()[:-3]: f.read_text("utf-8") for f in ROOT.glob("*/*.py")}
TREES = {name: ast.parse(text) for name, text in SOURCES.items()}


def statement(tree):
    """The call of `Theorem` that a module binds to a name, if any."""
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    calls = [v for v in values if isinstance(v, ast.Call)]
    return next((c for c in calls if ast.unparse(c.func).split(".")[-1] == "Theorem"), None)


FILES = {name: tree for name, tree in TREES.items() if statement(tree)}
FOLDERS = {name.split("/")[0] for name in FILES}


def is_mapping(value):
    """Whether an expression is a mapping by its form, or two joined."""
    if isinstance(value, ast.BinOp):
        return is_mapping(value.left) or is_mapping(value.right)
    return isinstance(value, ast.Dict)


def are_changes(false):
    """Whether false variants are written as mappings of changed fields."""
    if isinstance(false, ast.BinOp):
        return are_changes(false.left) and are_changes(false.right)
    if isinstance(false, ast.DictComp):
        return is_mapping(false.value)
    rows = zip(false.keys, false.values, strict=True) if isinstance(false, ast.Dict) else [(1, 1)]
    return all(is_mapping(v) if key else are_changes(v) for key, v in rows)


def faults(tree):
    """What is wrong with a file that states a theorem."""
    call, nodes = statement(tree), list(ast.walk(tree))
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    imports = [ast.unparse(n) for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom))]
    words = {word for line in imports for word in line.replace(",", " ").replace(".", " ").split()}
    if any(isinstance(node, ast.ClassDef) for node in nodes):
        yield "it defines a class"
    if words & {name.split("/")[1] for name in FILES}:
        yield "it imports from another theorem's file"
    if "controls" in given or not are_changes(given.get("false")):
        yield "a false variant is no mapping of changed fields"
    if call.end_lineno - call.lineno >= LONGEST:
        yield f"its statement is longer than {LONGEST} lines"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_theorem_file_is_its_statement(name):
    found = list(faults(FILES[name]))
    assert not found, f"{name}: {found}"


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_a_folder_lists_its_theorems(folder):
    words = (ast.get_docstring(TREES[f"{folder}/__init__"]) or "").split()
    calls = [statement(tree) for name, tree in FILES.items() if name.startswith(f"{folder}/")]
    missing = [call.args[0].value for call in calls if call.args[0].value not in words]
    assert not missing, f"theory_checks/{folder}/__init__.py does not name {missing}"


def test_what_is_more_than_a_statement_is_seen():
    text = (
        "from .a3_singular_values import law\nclass A:\n    pass\nt = dl.Theorem('X',{}\nfalse={})"
    )
    long = "\n" * LONGEST
    assert len(list(faults(ast.parse(text.format(long, "{'a': dl.Check(1)}"))))) == 4
    assert not list(
        faults(ast.parse("t = Theorem('X', false={'a': {'rate': 1}, **{k: {} for k in b}})"))
    )
