"""Equality of results in which a number may be missing."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


class EqualWithNaN:
    """Lets a dataclass with ``eq=False`` be equal to one with the same fields, NaN like NaN.

    A generated ``==`` says so or not by whether two NaN are one object up to Python 3.12, and never
    does from 3.13 on: a result that was read back, or even itself, would differ.
    """

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EqualWithNaN) or type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        compared = (f.name for f in fields(self) if f.compare)  # type: ignore[arg-type]
        return tuple(_without_nan(getattr(self, name)) for name in compared)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return "NaN"
    if isinstance(value, tuple | list):
        return tuple(map(_without_nan, value))
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    return value
