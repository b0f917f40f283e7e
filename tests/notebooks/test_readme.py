"""The scripts of the README run, and print what the README says they print."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"<!-- script -->\n```python\n(.*?)```\n\n```text\n(.*?)```", README, re.S)


def loosely(text):
    """Text with its numbers' digits left out: rounding differs from machine to machine."""
    return re.sub(r"\d+(\.\d+)?(e[-+]?\d+)?", "#", text).split()


def test_the_readme_has_three_scripts():
    assert len(SCRIPTS) == 3, f"{len(SCRIPTS)} scripts with an output found"


@pytest.mark.parametrize(
    ("script", "output"), SCRIPTS, ids=["bound", "many starts", "false theorem"]
)
def test_the_script_prints_what_the_readme_says(script, output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(script, "README.md", "exec"), {})
    assert loosely(printed.getvalue()) == loosely(output), printed.getvalue()
