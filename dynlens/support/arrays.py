"""Which library an array belongs to, so that one formula serves all of them.

Numpy follows the array API standard, and array-api-compat gives torch the same names. A function
that asks for its ``xp`` here, and otherwise uses operators, indexing, ``reshape``, ``sum`` and the
like, computes on the arrays it is given, wherever they lie.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def namespace(array: Any) -> Any:
    """Return the library of `array`: numpy, or that of an array of another library.

    Examples
    --------
    >>> namespace(np.ones(2)).__name__, namespace(3.0).__name__
    ('numpy', 'numpy')
    """
    if isinstance(array, np.ndarray) or not hasattr(array, "__dlpack__"):
        return np
    try:
        from array_api_compat import array_namespace
    except ImportError as error:
        raise ImportError(
            "arrays other than numpy's need array-api-compat, and dynlens computes with torch's: "
            'pip install "dynlens[torch]".'
        ) from error
    return array_namespace(array)


def quotient(above: Any, below: Any, otherwise: float = np.nan) -> Any:
    """Return ``above / below`` where `below` is positive, elsewhere `otherwise`."""
    xp = namespace(above)
    positive = below > 0
    return xp.where(positive, above / xp.where(positive, below, 1.0), otherwise)


def full(shape: tuple[int, ...], value: float, like: Any) -> Any:
    """Return an array of one value, of the kind and in the place of the array `like`."""
    xp = namespace(like)
    if xp is np:
        return np.full(shape, value, dtype=like.dtype)
    return xp.full(shape, value, dtype=like.dtype, device=like.device)
