"""What a comparison found, as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dynlens.comparison.halving import RESOLVED
from dynlens.comparison.stability import OSCILLATES, UNSTABLE, Stability
from dynlens.dynamics.trajectory import Trajectory

if TYPE_CHECKING:
    import xarray as xr

CLOSE = 0.1  # gaps below this share of the parameters' size are small
MOSTLY = 0.5  # a share of the gap that is most of it


def sentence(
    data: xr.Dataset,
    flow: Trajectory,
    descent: Trajectory,
    stable: Stability,
    horizon: float,
) -> str:
    """Say how far descent is from the flow, and why: the most telling reason alone."""
    if descent.status == "diverged":
        return f"Descent left the flow for good{_unstable(stable)}: {descent.message}"
    t_end = float(data["time"][-1])
    known = data.sel(time=slice(None, horizon))
    # Where nearly nothing is resolved, that is what is said below.
    data = known if known.sizes["time"] > 2 else data
    until = f"Up to t = {horizon:.4g}, where the flow is resolved, d" if horizon < t_end else "D"
    gaps = data["parameter_distance"].values
    k = int(gaps.argmax())
    gap, error, t = (
        float(gaps[k]),
        *(float(data[name][k]) for name in ("parameter_distance_error", "time")),
    )
    if gap == 0:
        return "Descent and flow coincide at every saved time."
    if gap < RESOLVED * error:
        return (
            f"The largest gap, {gap:.2g}, is not resolved, as the flow's own numerical error "
            f"there is {error:.2g}; tighten its tolerance or compare up to an earlier time."
        )
    share = gap / float(np.linalg.norm(flow.theta[k]))
    text = f"{until}escent "
    text += "stays within" if share < CLOSE else "departs from the flow by"
    text += f" {gap:.2g}{' of the flow' if share < CLOSE else ''} ({share:.2g} of its size), "
    text += f"most at t = {t:.4g}"
    if stable.beyond(UNSTABLE) is not None:
        return f"{text}{_unstable(stable)}; no expansion in eta describes it."
    return f"{text}{_shifted(data, k)}{_explained(data, k)}{_oscillates(stable)}."


def _shifted(data: xr.Dataset, k: int) -> str:
    """Say that the gap is one in time, if it is: descent is on the flow's path."""
    gap, aligned, shift = (
        float(data[name][k]) for name in ("parameter_distance", "aligned_distance", "time_shift")
    )
    # As far from the path anywhere as here, or not at all: a shift explains the whole run.
    if not aligned < MOSTLY * gap or not np.isfinite(shift):
        return ""
    side = "behind" if shift > 0 else "ahead"
    whole = float(np.nanmax(data["aligned_distance"]))
    return (
        f", where it is mainly {side} by a time of {abs(shift):.2g}: it stays within {whole:.2g} "
        "of the flow's path"
    )


def _explained(data: xr.Dataset, k: int) -> str:
    gap, aligned = (float(data[name][k]) for name in ("parameter_distance", "aligned_distance"))
    left = float(data["remainder"].max(skipna=False))  # anywhere: at k alone it may be zero
    if np.isnan(left):
        return "; its first-order term was not computed"
    if left <= MOSTLY * gap:
        return f"; the first-order term eta e(t) accounts for all but {left / gap:.2g} of it"
    much = f"{left / gap:.0%} of the gap" if left < gap else "more than the gap itself"
    told = f"; the first-order term eta e(t) leaves {much}"
    if aligned < CLOSE * gap:
        return f"{told}, as the transition is faster than the shift: compare event times"
    return f"{told}, so the step is too large, or the time too late, for first order"


def _unstable(stable: Stability) -> str:
    since = stable.beyond(UNSTABLE)
    if since is None:
        since = stable.beyond(UNSTABLE, "descent")
    if since is None:
        return ""
    text = f", unstable where eta times the sharpness exceeds 2 (from t = {since:.4g} on"
    text += f", up to {stable.largest:.3g})"
    if np.isfinite(stable.final) and stable.final <= UNSTABLE:
        text += f", and settles where it is {stable.final:.3g}"
    return text


def _oscillates(stable: Stability) -> str:
    since = stable.beyond(OSCILLATES)
    if since is None:
        return ""
    return f"; from t = {since:.4g} on eta times the sharpness exceeds 1: descent oscillates"
