"""Compiled code is written as Python modules, of which only constants are replaced."""

import ast
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dynlens.kernels.cache import specialised
from dynlens.kernels.sources import LINE, linked, source_of
from dynlens.support.syntax import parse

PARTS = {
    "sizes_part": (
        f"import math\n\nWIDTH = 4\n{LINE}\n\n\ndef double(x):\n    return 2 * x * WIDTH\n"
    ),
    "loop_part": (
        '"""A loop."""\n\nfrom sizes_part import double\n\n'
        f"STEPS = 1  # how often\nNODES = (\n    0.5,\n    1.0,\n)\n{LINE}\n\n\n"
        "def run(x):\n    for _ in range(STEPS):\n        x = double(x)\n    return x + NODES[-1]\n"
    ),
    "plain_part": "def double(x):\n    return x\n",
}


@pytest.fixture(autouse=True)
def parts(tmp_path, monkeypatch):
    for name, text in PARTS.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DYNLENS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_a_module_is_taken_as_it_is_with_the_parts_that_it_imports():
    assert specialised("loop_part", name="loop").run(1) == 8 + 1.0


def test_constants_above_the_line_are_replaced_and_nothing_else():
    text = source_of("loop_part", STEPS=2, NODES=(0.25, 0.1 + 0.2))
    assert text.replace("STEPS = 2", "STEPS = 1  # how often").replace(
        "NODES = (0.25, 0.30000000000000004)\n\n\n\n", "NODES = (\n    0.5,\n    1.0,\n)\n"
    ) == source_of("loop_part")
    made = specialised("loop_part", source_of("sizes_part", WIDTH=10), name="l", STEPS=2, NODES=[0])
    assert made.run(1) == 400


def test_a_file_will_do_for_a_module(parts):
    assert source_of(parts / "loop_part.py", STEPS=3) == source_of("loop_part", STEPS=3)


def test_a_given_part_stands_in_for_an_import():
    assert specialised("loop_part", "def double(x):\n    return -x\n", name="loop").run(3) == -2.0


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({"STEP": 2}, "`STEP` is no constant.*did you mean STEPS"),
        ({"run": 2}, "`run` is no constant"),
        ({"STEPS": np.arange(2)}, "`STEPS` cannot be written down"),
        ({"STEPS": float("nan")}, "`STEPS` cannot be written down"),
        ({"STEPS": (1.0, (2.0 + 0.0j,))}, "`STEPS` cannot be written down"),
    ],
)
def test_other_replacements_are_refused(constants, words):
    with pytest.raises(ValueError, match=words):
        source_of("loop_part", **constants)


def test_a_module_without_a_line_is_refused():
    with pytest.raises(ValueError, match="no line between its constants and its code"):
        source_of("plain_part")
    with pytest.raises(ModuleNotFoundError, match="no_such_part"):
        source_of("no_such_part")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from sizes_part import double as twice\n", "drop the `as`"),
        ("from sizes_part import triple\n", r"sizes_part does not define \['triple'\]"),
        ("from sizes_part import double\nWIDTH = 3\n", "`WIDTH` is defined by sizes_part and by"),
    ],
)
def test_parts_that_would_change_one_another_are_refused(text, words):
    with pytest.raises(ValueError, match=words):
        linked(text)


def test_threads_may_ask_for_syntax_trees_at_once():
    # In CPython 3.11 `ast.parse` itself fails so, now and then.
    text = "x = (" + " + ".join(f"f({k}, [{k}] * 3)" for k in range(300)) + ")\n"
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(lambda _: parse(text), range(64)))
    assert len({ast.dump(tree) for tree in trees}) == 1
