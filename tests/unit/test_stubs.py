"""What a type checker knows of `import dynlens as dl`."""

import configparser
import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import dynlens as dl
from dynlens.support import stubs

ROOT = Path(dl.__file__).parent.parent
STUBS = stubs.stubs()

SCRIPT = """
import dynlens as dl
from dynlens import *

problem = dl.Problem(dl.DeepLinear((2, 2, 2)), dl.SquaredLoss(), dl.Full([[1.0, 0.0], [0.0, 2.0]]))
flow = dl.gradient_flow(problem, [0.1] * 8, 5.0)
reveal_type(flow)
reveal_type(BALANCED)
reveal_type(dl.theory.fitting_times)
dl.gradient_flow(problem, [0.1] * 8, 5.0, metod="LSODA")
dl.gradient_flow("problem", [0.1] * 8, 5.0)
dl.gradient_flo
dl.theory.fitting_time
"""
FOUND = (
    'Revealed type is "dynlens.dynamics.trajectory.Trajectory"',
    'Revealed type is "dynlens.claims.base.Assumption"',
    'Revealed type is "def (',
    'Unexpected keyword argument "metod" for "gradient_flow"',
    'Argument 1 to "gradient_flow" has incompatible type "str"',
    'Module has no attribute "gradient_flo"',
    'Module has no attribute "fitting_time"',
)


@pytest.mark.parametrize("place", STUBS, ids=lambda place: place.parent.name)
def test_a_stub_says_what_its_package_states(place):
    assert place.is_file(), "run `python -m dynlens.support.stubs`"
    assert place.read_text() == STUBS[place], "run `python -m dynlens.support.stubs`"


def test_a_name_left_out_of_a_stub_is_noticed():
    home = {name: at for name, at in dl.theory._HOME.items() if name != "fitting_times"}
    package = type(dl)("dynlens.theory")
    package._HOME = home
    text = STUBS[Path(dl.theory.__file__).with_suffix(".pyi")]
    assert stubs.stub(package) != text
    package._HOME = dl.theory._HOME
    assert stubs.stub(package) == text


def test_stubs_travel_with_the_package():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    shipped = settings["options.package_data"]
    patterns = {name.strip() for line in shipped.values() for name in line.split(",")}
    packages = settings["options.packages.find"]["include"].split()
    assert "*" in shipped, "stubs are in every package"
    for place in STUBS:
        assert any(fnmatch(place.name, pattern) for pattern in patterns), place
        assert any(fnmatch(place.parent.relative_to(ROOT).parts[0], p) for p in packages), place


def test_mypy_finds_what_is_wrong_in_a_script(tmp_path):
    pytest.importorskip("mypy")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    command += ["--ignore-missing-imports", "--config-file=", str(script)]
    command += [f"--cache-dir={ROOT / '.mypy_cache' / 'script'}"]  # seconds, not half a minute
    paths = os.environ | {"MYPYPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=paths
    )
    told = (": error: ", "Revealed type")  # other lines are hints
    lines = [line for line in done.stdout.splitlines() if any(word in line for word in told)]
    assert len(lines) == len(FOUND), done.stdout + done.stderr
    for line, found in zip(lines, FOUND, strict=True):
        assert found in line, line
