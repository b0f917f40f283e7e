"""What `import dynlens` gives, and what it does not cost."""

import importlib.util
import subprocess
import sys

import pytest

import dynlens as dl

HEAVY = ("scipy", "sympy", "numba", "matplotlib", "xarray", "torch")
PUBLIC = [name for name in dl.__all__ if name != "__version__"]


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
