"""What type checkers read of the packages whose names are fetched by `dynlens.support.lazy`.

``python -m dynlens.support.stubs`` writes the stubs; a test holds them to what the packages state.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType

ROOMS = ("cases", "claims", "comparison", "discovery", "dynamics", "models", "problems", "theory")
"""Packages below `dynlens` that fetch their names; the others import them."""


def stub(package: ModuleType) -> str:
    """Text of a package's stub: one line for each public name, from the module that defines it."""
    homes = {name: resolve_name(place, package.__name__) for name, place in package._HOME.items()}
    lines = ["# Written by `python -m dynlens.support.stubs`."]
    rooms = getattr(package, "_ROOMS", ())
    lines += [f"from {package.__name__} import {room} as {room}" for room in sorted(rooms)]
    order = sorted(homes, key=lambda name: (homes[name], *_kind(name), name))
    lines += [f"from {homes[name]} import {name} as {name}" for name in order]
    if hasattr(package, "__version__"):
        # Rooms are no part of it: `from dynlens import *` brings names, not packages.
        exported = sorted(package.__all__, key=lambda name: (*_kind(name), name))
        lines += ["", "__all__ = [", *(f'    "{name}",' for name in exported), "]"]
        lines += ["__version__: str"]
    return "\n".join([*lines, ""])


def _kind(name: str) -> tuple[bool, bool]:
    """What a name is of, in the order of sorted imports: constants, classes, functions."""
    return not name.isupper(), not name[0].isupper()


def stubs() -> dict[Path, str]:
    """Place and text of every stub."""
    packages = [import_module(name) for name in ("dynlens", *(f"dynlens.{r}" for r in ROOMS))]
    return {Path(str(package.__file__)).with_suffix(".pyi"): stub(package) for package in packages}


if __name__ == "__main__":
    for place, text in stubs().items():
        place.write_text(text)
