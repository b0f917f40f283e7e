"""The code in `docs/` runs, each page from top to bottom."""

import re
import sys
import types
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [path for path in sorted(DOCS.glob("*.md")) if "<!-- runs -->" in path.read_text("utf-8")]


def test_there_is_a_page_that_runs():
    assert "adding_a_model" in [path.stem for path in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    text = path.read_text("utf-8")
    for name, block in re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", text, re.S):
        Path(name).write_text(block, "utf-8")
    blocks = re.findall(r"<!-- runs -->\n```python\n(.*?)```", text, re.S)
    assert any("assert" in block for block in blocks), "a page asserts what it shows"
    # A module, since dataclasses look theirs up.
    page = types.ModuleType(path.stem)
    monkeypatch.setitem(sys.modules, path.stem, page)
    for block in blocks:
        exec(compile(block, str(path), "exec"), vars(page))
