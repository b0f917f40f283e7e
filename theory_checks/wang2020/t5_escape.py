"""Zero is a saddle of high order for vanilla components, from which escape takes powers of 1/delta.

After Wang et al. (2020), derived: near zero the loss ½ |W - T|^2 falls by at most C s^(l+1) within
distance s (coefficients trained; s^l if they are fixed), and an aligned component of size delta
needs 1 / (l (l-2) a delta^(l-2)) to escape, ln(1/delta) / (2a) for l = 2. A 2-homogeneous component
needs ln(1/delta) / (2a) for every order.
"""

from dataclasses import dataclass

import numpy as np
import sympy as sp

from dynlens import (
    AtLeast,
    Check,
    Equal,
    Identities,
    Measurement,
    PowerLaw,
    Problem,
    RankOneSum,
    SquaredLoss,
    SymmetricTensor,
    Theorem,
    gradient_flow,
)
from dynlens.theory.closed_forms import half_time, vanilla_time

DELTAS = (0.03, 0.01, 0.003)
HALF = 0.5


def derivation():
    """Antiderivatives of 1 / (l (1 - u^l) u^(l-1)), and order 4 with any coefficient."""
    u, v, a = sp.symbols("u v a", positive=True)
    third = (
        -sp.log(1 - u) / 9
        + sp.log(u**2 + u + 1) / 18
        - sp.sqrt(3) / 9 * sp.atan((2 * u + 1) / sp.sqrt(3))
        - 1 / (3 * u)
    )
    fourth = sp.log((1 + u**2) / (1 - u**2)) / 16 - 1 / (8 * u**2)
    general = -1 / (8 * a * v) + sp.log((sp.sqrt(a) + v) / (sp.sqrt(a) - v)) / (
        16 * a ** sp.Rational(3, 2)
    )
    # v = u^2 moves at 2 u times the speed of u: 8 (a - v^2) v^2 at order 4
    return {
        "order 3": sp.simplify(sp.diff(third, u) - 1 / (3 * (1 - u**3) * u**2)),
        "order 4": sp.simplify(sp.diff(fourth, u) - 1 / (4 * (1 - u**4) * u**3)),
        "order 4, any a": sp.simplify(sp.diff(general, v) - 1 / (8 * (a - v**2) * v**2)),
    }


@dataclass(frozen=True)
class Escape(Measurement):
    """Times from delta to half the norm, along the flow of one aligned component."""

    order: int
    degree: int | None = None
    a: float = 1.0

    def measure(self, fine):
        l = self.order
        target = RankOneSum.orthogonal([self.a], dimension=1, order=l)
        problem = Problem(SymmetricTensor(1, l, 1, self.degree), SquaredLoss(), target)
        vanilla = self.degree is None
        times, exact = [], []
        for delta in DELTAS:
            # Half of the norm, or half of the mass.
            stop = HALF if vanilla else np.sqrt(self.a / 2)
            predicted = (
                vanilla_time(delta, stop, self.a, l) if vanilla else half_time(self.a, delta**2)
            )
            rtol = 1e-12 if fine else 1e-11
            run = gradient_flow(problem, [delta], [predicted], rtol=rtol, atol=1e-15)
            # A hair's breadth of time from there: the flow is followed to where it should be.
            u, speed = run.final[0], problem.vector_field(0.0, run.final)[0]
            times.append(predicted + (stop - u) / speed)
            exact.append(predicted)
        delta = np.array(DELTAS)
        return {
            "time": times,
            "exact": exact,
            "delta": delta,
            "l": l,
            "leading": 1 / (l * max(l - 2, 1) * self.a * delta ** (l - 2)),
            "careless": 1 / (l * self.a * delta ** (l - 2)),
        }


@dataclass(frozen=True)
class Decrease(Measurement):
    """Largest decrease of the loss within distance s of zero, one component."""

    order: int
    trained: bool

    def measure(self, fine):
        l = self.order
        target = RankOneSum.orthogonal([1.0], dimension=2, order=l)
        model = SymmetricTensor(2, l, 1, coefficients=None if self.trained else 1.0)
        problem = Problem(model, SquaredLoss(half=False), target)
        sizes, best = np.array([0.02, 0.04, 0.08]), []
        angles = np.linspace(0.0, np.pi / 2, 20_001 if fine else 10_001)
        for s in sizes:
            states = s * np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=1)
            states = states if self.trained else np.array([[s, 0.0]])
            best.append(1.0 - problem.objective(states).min())
        return {"decrease": best, "s": sizes}


def band(correction, span):
    """How far a factor between 1 - correction and 1 bends an exponent fitted over that span."""
    return -np.log1p(-correction) / np.log(span)


def falls(case, exponent):
    # The decrease is 2 x - x^2, x = c u^l <= s^l (fixed) or s^(l+1) (trained), in units of 1.
    power = case.order + case.trained
    correction = 0.08**power / 2 + 2.0**-51 / 0.02**power
    return Check(PowerLaw("decrease", "s", exponent, band=band(correction, 4)), (case,))


def escapes(l, exponent):
    # See `lower`.
    correction = (DELTAS[0] / HALF) ** (l - 2)
    law = PowerLaw("time", "delta", exponent, band=band(correction, DELTAS[0] / DELTAS[-1]))
    return Check(law, (Escape(l),))


ORDERS = (3, 4, 5)
vanilla = tuple(Escape(l) for l in ORDERS)
# t integrates 1 / (l a u^(l-1)) + u / (l a (a - u^l)) from delta to half the norm. The first
# term alone gives the lower bound; what it lacks of the leading order exceeds the second term.
lower = AtLeast("time", f"leading * (1 - (delta / {HALF})**(l - 2))")
upper = AtLeast("leading", "time")
theorem = Theorem(
    id="Q1.T5",
    title="the saddle at zero, and how long it takes to leave it",
    source="wang2020beyond; derived",
    checks=(
        Check(Identities("time is an elementary function of the norm", derivation)),
        Check(Equal("time", "exact"), (*vanilla, Escape(2), Escape(4, a=0.6))),
        Check(Equal("time", "exact"), tuple(Escape(l, degree=2) for l in ORDERS)),
        *(falls(Decrease(l, True), l + 1) for l in ORDERS),
        *(falls(Decrease(l, False), l) for l in ORDERS),
        *(escapes(l, 2 - l) for l in ORDERS),
        Check(lower, vanilla),
        Check(upper, vanilla),
        # Order 2, to within the second term's integral from 0 to delta.
        Check(
            Equal(
                "time - time_0",
                "log(delta_0 / delta) / 2",
                scale="1",
                tolerance=DELTAS[0] ** 2 / 4 * 1.001,
            ),
            (Escape(2),),
        ),
    ),
    controls={
        "an ordinary saddle": falls(Decrease(3, True), 2),
        "order l with trained coefficients": falls(Decrease(3, True), 3),
        "escape ~ delta^-(l - 1)": escapes(3, -2),
        "prefactor 1 / (l a)": Check(
            AtLeast("time", f"careless * (1 - (delta / {HALF})**(l - 2))"), vanilla[1:]
        ),
        "no correction at all": Check(AtLeast("time", "leading"), vanilla),
        "ln(1 / delta) / a at order 2": Check(
            Equal("time - time_0", "log(delta_0 / delta)", scale="1", tolerance=1e-3), (Escape(2),)
        ),
        "vanilla escape in ln(1 / delta)": Check(
            Equal("time", "time_0 * log(delta) / log(delta_0)", tolerance=0.1), vanilla[:1]
        ),
    },
)
