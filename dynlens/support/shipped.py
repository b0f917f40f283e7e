"""What comes with dynlens, and passes its contract tests, told from what a user wrote."""

from typing import Any


def is_shipped(thing: Any) -> bool:
    """Whether a function or a class is part of dynlens."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "dynlens"
