"""What `import dynlens` gives, and what it does not cost."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import dynlens as dl
from dynlens.support import stubs

HEAVY = ("scipy", "sympy", "numba", "matplotlib", "xarray", "torch")
PUBLIC = [name for name in dl.__all__ if name != "__version__"]
IN_ROOMS = [
    (room, name)
    for room in dl._ROOMS
    for name in importlib.import_module(f"dynlens.{room}").__all__
]


def output_of(script):
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_dynlens_loads_no_heavy_library():
    script = f"import sys, dynlens; print(*[name for name in {HEAVY} if name in sys.modules])"
    loaded = output_of(script).split()
    assert loaded == [], f"`import dynlens` loads {loaded}"


def test_the_probe_for_heavy_libraries_sees_one():
    script = "import sys, dynlens, scipy; print('scipy' in sys.modules)"
    assert output_of(script).strip() == "True"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_can_be_fetched(name):
    value = getattr(dl, name)
    assert value is getattr(dl, name), f"dl.{name} is a new object each time"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_not_hidden_by_a_submodule(name):
    # Importing dynlens.x sets the attribute `x` of the package, whatever `__getattr__` says.
    assert importlib.util.find_spec(f"dynlens.{name}") is None, f"dynlens.{name} is also a module"


def test_dir_lists_the_public_names_in_order():
    assert set(dl.__all__) <= set(dir(dl))
    assert dl.__all__ == sorted(dl.__all__)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("gradient_flo", "gradient_flow"),
        ("Problm", "Problem"),
        ("deeplinear", "DeepLinear"),
        ("Trajectories", "Trajectory"),
    ],
)
def test_an_unknown_attribute_names_near_matches(wrong, meant):
    with pytest.raises(AttributeError, match=f"no attribute '{wrong}'; did you mean .*'{meant}'"):
        getattr(dl, wrong)


def test_an_unknown_attribute_unlike_any_name_points_to_dir():
    with pytest.raises(AttributeError, match=r"no attribute 'zzzzzz'; see dir\(dynlens\)"):
        dl.zzzzzz  # noqa: B018


# Rooms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("room", "name"), IN_ROOMS)
def test_a_room_has_its_public_names(room, name):
    value = getattr(getattr(dl, room), name)
    if name in dl.__all__:
        assert value is getattr(dl, name), f"dl.{room}.{name} is not dl.{name}"


@pytest.mark.parametrize(("room", "name"), [at for at in IN_ROOMS if at[0] in stubs.ROOMS])
def test_a_name_of_a_room_is_not_hidden_by_a_submodule(room, name):
    hidden = importlib.util.find_spec(f"dynlens.{room}.{name}")
    assert hidden is None, f"dynlens.{room}.{name} is also a module"


def test_rooms_that_fetch_their_names_load_no_heavy_library():
    rooms = "".join(f"dl.{room}; " for room in stubs.ROOMS)
    script = f"import sys, dynlens as dl; {rooms}"
    script += f"print(*[name for name in {HEAVY} if name in sys.modules])"
    assert output_of(script).split() == []


def test_an_unknown_name_in_a_room_names_near_matches():
    with pytest.raises(AttributeError, match=r"'dynlens.theory' has no .*mean 'fitting_times'"):
        dl.theory.fitting_time  # noqa: B018


@pytest.mark.parametrize("name", dl._MOVED)
def test_a_name_that_moved_is_found_with_a_warning_that_says_where(name):
    place = f"{dl._MOVED[name]}.{name}"
    with pytest.warns(DeprecationWarning, match=f"dynlens.{name} is {place} now") as seen:
        value = getattr(dl, name)
    assert value is getattr(importlib.import_module(dl._MOVED[name]), name)
    assert [one.filename for one in seen] == [__file__], "the warning points elsewhere"


def test_importing_everything_brings_the_lobby_and_warns_of_nothing():
    script = "from dynlens import *; print(*sorted(name for name in dir() if name[:2] != '__'))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == PUBLIC


PACKAGE = Path(dl.__file__).parent


def imported(path):
    """Modules that a file imports when it is imported."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def in_order(files):
    """Modules after what they import; of a circle, a CycleError."""
    named = {".".join(path.with_suffix("").parts): path for path in files}
    named = {name.removesuffix(".__init__"): path for name, path in named.items()}
    needs = {name: set(imported(path)) & set(named) - {name} for name, path in named.items()}
    return list(TopologicalSorter(needs).static_order())


def test_no_module_imports_itself_by_way_of_others(monkeypatch, tmp_path):
    monkeypatch.chdir(PACKAGE.parent)
    assert len(in_order(Path("dynlens").rglob("*.py"))) > 300
    monkeypatch.chdir(tmp_path)
    Path("one.py").write_text("import two\n")
    Path("two.py").write_text("from one import x\n")
    with pytest.raises(CycleError):
        in_order(Path().glob("*.py"))


def test_the_drawing_of_the_house_has_every_room():
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawing = text.split("```")[3]
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    missing = {
        room for room in rooms if not re.search(rf"^{room} |  {room} ", drawing, re.MULTILINE)
    }
    assert not missing, f"not drawn: {missing}"
