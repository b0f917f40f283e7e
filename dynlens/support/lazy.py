"""Names of a package that are fetched from their modules the first time they are used.

A package states where each of its public names is defined, and imports nothing. Type checkers read
the stub beside it, which `dynlens.support.stubs` makes of the same statement.
"""

from __future__ import annotations

from importlib import import_module

# Nothing from `typing` while running: `import dynlens` shall cost next to nothing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any


def attach(
    package: str,
    home: Mapping[str, str],
    *,
    rooms: Iterable[str] = (),
    moved: Mapping[str, str] | None = None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return what a package takes for its ``__getattr__``, ``__dir__`` and ``__all__``.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    home : mapping from str to str
        Public name -> the module that defines it, below `package` if it begins with a dot.
    rooms : iterable of str
        Subpackages that can be named without importing them.
    moved : mapping from str to str, optional
        Name that was here -> the package where it is now; still found, with a warning.
    """
    public = sorted(home)
    known = {*public, *rooms}
    old = moved or {}

    def fetch(name: str) -> Any:
        if name in home:
            value = getattr(import_module(home[name], package), name)
        elif name in rooms:
            value = import_module(f".{name}", package)
        elif name in old:
            return _with_a_warning(package, name, old[name])
        else:
            raise AttributeError(_unknown(package, name, known))
        setattr(import_module(package), name, value)  # the next use does not come back here
        return value

    def names() -> list[str]:
        return sorted({*vars(import_module(package)), *known})

    return fetch, names, public


def _with_a_warning(package: str, name: str, place: str) -> Any:
    import warnings

    warnings.warn(
        f"{package}.{name} is {place}.{name} now; the old name goes with version 0.3.",
        DeprecationWarning,
        stacklevel=3,
    )
    return getattr(import_module(place), name)


def _unknown(package: str, name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    folded = {one.lower(): one for one in known}
    near = [folded[match] for match in get_close_matches(name.lower(), folded)]
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"see dir({package})."
    return f"module {package!r} has no attribute {name!r}; {hint}"
