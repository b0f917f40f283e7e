"""The catalogue: theorems found in the files of `theory_checks`, or in a file of your own."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from dynlens.cases.reproduce import label
from dynlens.claims.theorem import Theorem
from dynlens.support import validation
from dynlens.support.errors import UnknownNameError
from dynlens.verdict import Verdict


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Theorem]:
    package = importlib.import_module("theory_checks")
    names = [m.name for m in pkgutil.walk_packages(package.__path__, "theory_checks.")]
    modules = [importlib.import_module(name) for name in names if ".test_" not in name]
    found: dict[str, Theorem] = {}
    for module in modules:
        for item in _stated(module):
            if item.id in found:
                raise ValueError(f"two theorems are called {item.id!r}; rename one.")
            found[item.id] = item
            label(item, f"theorem({item.id!r})")
    return dict(sorted(found.items()))


def _stated(module: ModuleType) -> list[Theorem]:
    return [value for value in vars(module).values() if isinstance(value, Theorem)]


def theorems(prefix: str = "") -> tuple[Theorem, ...]:
    """Return the shipped theorems whose id starts with `prefix`, in order of id.

    A prefix matches whole parts or a part's beginning: ``"P1"``, ``"P1.T"`` and ``"P1.T1"`` all
    match ``"P1.T1"``; an exact id matches itself alone.

    Raises
    ------
    UnknownNameError
        If nothing matches; the text lists near ids.
    """
    validation.instance("prefix", prefix, str, 'for example "P1.T".')
    known = _shipped()
    if prefix in known:
        return (known[prefix],)
    found = tuple(item for name, item in known.items() if name.startswith(prefix))
    if not found:
        raise UnknownNameError(f"no theorem {prefix!r}; {validation.nearest(prefix, known)}")
    return found


def theorem(id: str) -> Theorem:
    """Return the shipped theorem with this id."""
    known = _shipped()
    if id not in known:
        raise UnknownNameError(f"no theorem {id!r}; {validation.nearest(str(id), known)}")
    return known[id]


def from_file(path: str | Path) -> tuple[Theorem, ...]:
    """Return the theorems stated in a Python file of your own."""
    place = Path(path)
    if not place.is_file():
        raise FileNotFoundError(f"no file {str(place)!r}; pass a Python file that states theorems.")
    spec = importlib.util.spec_from_file_location(place.stem, place)
    if spec is None or spec.loader is None:
        raise ValueError(f"{str(place)!r} is not a Python file; name it {place.stem}.py.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = tuple(_stated(module))
    if not found:
        raise ValueError(
            f"{str(place)!r} states no theorem; bind a `Theorem(...)` to a name in it."
        )
    for k, item in enumerate(found):
        label(item, f"from_file({str(place.resolve())!r})[{k}]")
    return found


def verify(
    ids: Iterable[str] = ("",), *, tell: Callable[[str], None] = lambda text: None
) -> list[Verdict]:
    """Verify theorems of the catalogue by id or prefix; all of them by default."""
    names = validation.sequence("ids", ids, 'for example ["P1.T1"].', str)
    wanted = {item.id: item for name in names for item in theorems(name)}
    return [item.verify(tell=tell) for item in wanted.values()]
