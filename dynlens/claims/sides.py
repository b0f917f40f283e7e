"""Both sides of a relation at every sample, and what rounding may have done to the difference."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dynlens.cases.base import Samples
from dynlens.cases.formulas import Formula, compiled_formula
from dynlens.claims.evaluating import Evaluating
from dynlens.claims.rounding import REFINED, bounded, refined_difference
from dynlens.support.typing import Array, Mask

MOST = 4000  # entries that are evaluated again with more digits
EXACT = ("t",)  # names that have no rounding error; so have given numbers


class TwoSides(NamedTuple):
    """Left and right at every sample, shape (S, ...), their difference and its rounding error."""

    left: Array
    right: Array
    gap: Array
    error: Array
    defined: Mask


def named(formula: Formula) -> str:
    """Text of a formula, or the name of a function."""
    return getattr(formula, "__name__", str(formula))


def two_sides(
    claim: Evaluating, samples: Samples, left: Formula, right: Formula, *, refine: bool = True
) -> TwoSides:
    """Evaluate both sides; where rounding blurs the difference, evaluate it with more digits.

    Without `refine` the error alone says what rounding may have done.
    """
    a, b = _aligned(claim, samples, left, right)
    defined = np.isfinite(a) & np.isfinite(b)
    with np.errstate(invalid="ignore"):
        gap = np.where(defined, a - b, np.nan)
    own, inherited = _rounding(claim, samples, (left, right), gap)
    blurred = _blurred(gap, own, np.abs(a) + np.abs(b), claim.allowed)
    both_texts = isinstance(left, str) and isinstance(right, str)
    if refine and both_texts and blurred.any():
        inputs = _inputs(claim, samples, f"({left}) - ({right})")
        shaped = {name: _as_shape(value, gap) for name, value in inputs.items()}
        gap[blurred] = refined_difference(left, right, shaped, blurred)
        own[blurred] *= REFINED
    error = np.nan_to_num(own + inherited, nan=0.0, posinf=np.inf)
    return TwoSides(a, b, gap, np.where(defined, error, 0.0), defined & np.isfinite(gap))


def _rounding(
    claim: Evaluating, samples: Samples, formulas: tuple[Formula, Formula], gap: Array
) -> tuple[Array, Array]:
    """What the formulas' own operations did to their difference, and what their inputs bring."""
    own, jumps = np.zeros_like(gap), np.zeros_like(gap)
    slopes: dict[str, Array] = {}
    for side, sign in zip(formulas, (1.0, -1.0), strict=True):
        if isinstance(side, str):
            exact = (*EXACT, *dict(claim.given), *samples.exact)
            found = bounded(side, _inputs(claim, samples, side), exact)
            own, jumps = own + _as_shape(found.own, gap), jumps + _as_shape(found.jumps, gap)
            for name, slope in found.slopes.items():
                slopes[name] = slopes.get(name, 0.0) + sign * _as_shape(slope, gap)
    return own, sum(map(np.abs, slopes.values()), start=jumps)


def _blurred(gap: Array, own: Array, size: Array, tolerance: float) -> Mask:
    """The entries, at most `MOST`, where the formulas' own rounding may decide the verdict."""
    with np.errstate(invalid="ignore", divide="ignore"):
        margin = np.abs(tolerance * size - np.abs(gap))
        found = np.isfinite(gap) & (own > 0) & (10 * own > margin)
    if found.sum() > MOST:
        worst = np.argsort(np.where(found, -own / np.maximum(size, 1e-300), np.inf), axis=None)
        kept = np.zeros(found.size, dtype=bool)
        kept[worst[:MOST]] = True
        found &= kept.reshape(found.shape)
    return found


def _inputs(claim: Evaluating, samples: Samples, formula: str) -> dict[str, Array]:
    return claim.inputs(formula, compiled_formula(formula)[0], samples)


def _as_shape(value: Any, like: Array) -> Array:
    """Broadcast a side's quantity, whose axes come first, to the shape of both."""
    value = np.asarray(value, dtype=float)
    return np.broadcast_to(value.reshape(*value.shape, *[1] * (like.ndim - value.ndim)), like.shape)


def _aligned(
    claim: Evaluating, samples: Samples, left: Formula, right: Formula
) -> tuple[Array, Array]:
    """Evaluate both sides, and give them the same shape."""
    sides = [claim.evaluate(side, samples) for side in (left, right)]
    shapes = [side.shape[1:] for side in sides if side.ndim > 1]
    if len({len(shape) for shape in shapes}) > 1 or not _broadcast(shapes):
        told = " and ".join(str(side.shape[1:]) for side in sides)
        raise ValueError(
            f"{named(left)} and {named(right)} have shapes {told} at each sample; name entries, "
            "such as `x[0]`."
        )
    depth = max(side.ndim for side in sides)
    wide = [v.reshape(*v.shape, *[1] * (depth - v.ndim)) for v in sides]
    a, b = np.broadcast_arrays(*wide)
    return np.array(a, dtype=float), np.array(b, dtype=float)


def _broadcast(shapes: list[tuple[int, ...]]) -> bool:
    """Whether shapes agree up to ones."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True
