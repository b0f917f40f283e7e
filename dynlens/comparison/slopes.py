"""Orders of convergence, read from errors at several step sizes."""

from __future__ import annotations

import numpy as np

from dynlens.support import validation
from dynlens.support.typing import ArrayLike


def observed_order(h: ArrayLike, errors: ArrayLike, *, floor: float = 1e-12) -> tuple[float, float]:
    """Slope of log(error) against log(h), fitted above the rounding floor.

    Parameters
    ----------
    h : array_like, shape (K,)
        Step sizes (or tolerances).
    errors : array_like, shape (K,)
        Errors measured at each ``h``.
    floor : float, optional
        Errors below this value are rounding, not truncation, and are left out.

    Returns
    -------
    order : float
    spread : float
        Largest deviation of a pairwise slope from `order`; large values mean the
        fit straddles the pre-asymptotic range and says little.

    Raises
    ------
    ValueError
        If fewer than three errors lie above `floor`.

    Examples
    --------
    >>> order, spread = observed_order([0.1, 0.05, 0.025], [4e-3, 1e-3, 2.5e-4])
    >>> round(order, 2), round(spread, 2)
    (2.0, 0.0)
    """
    steps = validation.real_array("h", h, ndim=1)
    sizes = validation.real_array("errors", errors, shape=steps.shape)
    if np.any(steps <= 0) or len(set(steps.tolist())) < len(steps):
        raise ValueError(f"`h` must be positive and distinct, got {steps.tolist()}.")
    kept = sizes > validation.positive("floor", floor, allow_zero=True)
    if kept.sum() < 3:
        raise ValueError(
            f"`errors`: only {kept.sum()} of {len(sizes)} lie above floor={floor:g}, and a slope "
            "with its spread needs three; measure at larger `h`."
        )
    rank = np.argsort(steps[kept])
    x, y = np.log(steps[kept][rank]), np.log(sizes[kept][rank])
    order = float(np.polyfit(x, y, 1)[0])
    return order, float(np.abs(np.diff(y) / np.diff(x) - order).max())
