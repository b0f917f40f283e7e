"""What type checkers read of the packages whose names are fetched by `dynlens.support.lazy`.

``python -m dynlens.support.stubs`` writes the stubs; a test holds them to what the packages state.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType

ROOMS = ("cases", "claims", "comparison", "dynamics", "models", "problems", "theory")
"""Packages below `dynlens` that fetch their names; the others import them."""


def stub(package: ModuleType) -> str:
    """Text of a package's stub: one line for each public name, from the module that defines it."""
    homes = {name: resolve_name(place, package.__name__) for name, place in package._HOME.items()}
    lines = ["# Written by `python -m dynlens.support.stubs`."]
    rooms = getattr(package, "_ROOMS", ())
    lines += [f"from {package.__name__} import {room} as {room}" for room in sorted(rooms)]
    # As sorted imports are: constants, classes, functions.
    kinds = {name: (not name.isupper(), not name[0].isupper()) for name in homes}
    order = sorted(homes, key=lambda name: (homes[name], *kinds[name], name))
    lines += [f"from {homes[name]} import {name} as {name}" for name in order]
    if hasattr(package, "__version__"):
        lines += ["", "__version__: str"]
    return "\n".join([*lines, ""])


def stubs() -> dict[Path, str]:
    """Place and text of every stub."""
    packages = [import_module(name) for name in ("dynlens", *(f"dynlens.{r}" for r in ROOMS))]
    return {Path(str(package.__file__)).with_suffix(".pyi"): stub(package) for package in packages}


if __name__ == "__main__":
    for place, text in stubs().items():
        place.write_text(text)
