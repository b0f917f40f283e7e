"""Claims about measurements: computations of their own, and powers with and without logarithms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dynlens.calibration.drawing import Draw, Stated, kind
from dynlens.cases.measurements import Measurement
from dynlens.claims.equations import Equal
from dynlens.claims.limits import Limit, PowerLaw
from dynlens.support.numerics import Numerics


@dataclass(frozen=True)
class Powers(Measurement):
    """``y = c h^p (1 + d h) log(1 / h)^q`` at steps h that fall by halves."""

    c: float
    p: float
    d: float
    q: float
    largest: float
    count: int

    def measure(self, numerics: Numerics) -> dict[str, Any]:
        """Step and value."""
        h = self.largest * 0.5 ** np.arange(self.count)
        y = self.c * h**self.p * (1 + self.d * h) * np.log(1 / h) ** self.q
        return {"h": h, "y": numerics.start(y)}


@dataclass(frozen=True)
class Spectra(Measurement):
    """A random symmetric positive matrix of a given condition, and its eigenvalues."""

    size: int
    condition: float
    seed: int

    def measure(self, numerics: Numerics) -> dict[str, Any]:
        """Trace, determinant and norms, from the entries, the eigenvalues and the inverse."""
        rng, n = np.random.default_rng(self.seed), self.size
        basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
        spectrum = np.logspace(0, -np.log10(self.condition), n)
        matrix = numerics.start((basis * spectrum) @ basis.T)
        values = np.linalg.eigvalsh(matrix)
        inverse = np.linalg.inv(matrix)
        return {
            "trace": np.trace(matrix),
            "sum_of_values": values.sum(),
            "log_det": np.linalg.slogdet(matrix)[1],
            "sum_of_logs": np.log(np.abs(values)).sum(),
            "least": values[0],
            "over_inverse": 1 / np.linalg.norm(inverse, 2),
            "frobenius": np.linalg.norm(matrix),
            "norm_of_values": np.linalg.norm(values),
            "kappa": np.linalg.cond(matrix),
            "ratio": values[-1] / np.abs(values[0]),
        }


SAME = (
    ("trace", "sum_of_values"),
    ("log_det", "sum_of_logs"),
    ("least", "over_inverse"),
    ("frobenius", "norm_of_values"),
    ("kappa", "ratio"),
    ("over_inverse", "1 / kappa * norm_of_values / norm_of_values * sum_of_values / trace"),
)


@kind
def ill_conditioned(draw: Draw) -> Stated:
    """Matrices of condition up to 1e12, measured in two ways; false: a factor is off."""
    case = Spectra(draw.whole(2, 8), draw.spread(10, 1e12), draw.whole(0, 10**6))
    left, right = draw.one_of(SAME[:5])
    claim = Equal(left, f"{draw.factor} * {right}", tolerance=draw.tolerance(1e-6))
    return Stated(claim, case, 0.99 * abs(draw.error))


@kind
def powers(draw: Draw) -> Stated:
    """Powers of a step; false: another exponent."""
    case = _powers(draw, 0.0)
    off = 0.0 if draw.true else draw.uniform(0.12, 1.0) * draw.one_of((-1, 1))
    return Stated(PowerLaw("y", "h", case.p + off), case, abs(off))


@kind
def logarithms(draw: Draw) -> Stated:
    """Powers of a step with a logarithm; true: as stated, false: as if it were not there."""
    q = draw.one_of((-1.0, 1.0, 2.0))
    case = _powers(draw, q)
    if draw.true:
        return Stated(PowerLaw(f"y / log(1 / h)**{q}", "h", case.p), case)
    # The slope that a fit over these steps would find, or the one in the limit.
    h = case.largest * 0.5 ** np.arange(case.count)
    slope = float(np.polyfit(np.log(h), np.log(case.measure(Numerics())["y"]), 1)[0])
    exponent = draw.one_of((round(slope, 3), case.p))
    # What is fitted differs by the drift of the slope, q / log(1 / h).
    return Stated(PowerLaw("y", "h", exponent), case, max(abs(case.p - exponent), 0.01))


@kind
def limits_in_a_step(draw: Draw) -> Stated:
    """What a power of a step is over that power in the limit; false: off by 1e-1 to 1e-12."""
    case = _powers(draw, 0.0)
    tolerance = draw.tolerance(1e-4)
    claim = Limit(f"y / h**{case.p}", f"{case.c!r} * {draw.factor}", along="h", to=0.0,
                  tolerance=tolerance)  # fmt: skip
    return Stated(claim, case, 0.99 * abs(draw.error))


@kind
def limits_with_logarithms(draw: Draw) -> Stated:
    """Limits approached like 1 / log(1 / h); false: off by 1e-3 or more."""
    p, q = draw.one_of((0.0, 1.0)), -1.0
    case = replace(_powers(draw, q), p=p, d=0.0)
    off = 0.0 if draw.true else draw.spread(1e-3, 0.3) * draw.one_of((-1, 1))
    # y / h^p + 1 = 1 + c / log(1 / h) tends to one.
    claim = Limit(f"1 + y / h**{p}", 1 + off, along="h", to=0.0)
    return Stated(claim, case, 0.99 * abs(off))


def _powers(draw: Draw, q: float) -> Powers:
    return Powers(
        draw.uniform(0.2, 5.0),
        draw.one_of((0.5, 1.0, 1.5, 2.0, 3.0)),
        draw.uniform(-1.0, 1.0),
        q,
        draw.spread(1e-4, 1e-2),
        draw.whole(6, 14),
    )
