"""Two directions close to each other are fitted by their mean first.

For targets that are not orthogonal components may follow mixtures, Ge et al. (2021); derived: under
the residual v_1^l + v_2^l the normalized mean attracts iff v_1 . v_2 > (l - 2) / l. Below that the
limit is a maximizer of D(u^l) near v_1, but not v_1 itself.
"""

from dataclasses import dataclass

import numpy as np
import sympy as sp

from dynlens import (
    AtLeast,
    Check,
    Identities,
    Measurement,
    Problem,
    RankOneSum,
    SquaredLoss,
    SymmetricTensor,
    Theorem,
    frozen_scalar_field,
    gradient_flow,
)


def derivation():
    """Second derivative of D(u^l) across the mean, and where it changes sign."""
    theta, phi, l = sp.symbols("theta phi l", positive=True)
    pull = sp.cos(theta - phi) ** l + sp.cos(theta + phi) ** l
    bent = sp.diff(pull, theta, 2).subs(theta, 0)
    law = (l - 1) * sp.sin(phi) ** 2 - sp.cos(phi) ** 2
    c = sp.Symbol("c")
    # cos^2 phi = (1 + c) / 2 with c = v_1 . v_2
    at = law.subs({sp.sin(phi): sp.sqrt((1 - c) / 2), sp.cos(phi): sp.sqrt((1 + c) / 2)})
    return {
        "second derivative": sp.simplify(
            sp.expand(bent / sp.cos(phi) ** (l - 2)) - sp.expand(2 * l * law)
        ),
        "threshold": sp.simplify(at.subs(c, (l - 2) / l)),
    }


@dataclass(frozen=True)
class Pairs(Measurement):
    """From near the mean: where the direction ends, as a share of the way to v_1."""

    order: int
    offsets: tuple[float, ...] = (-0.05, -0.01, 0.01, 0.05)
    t_end: float = 400.0

    def measure(self, fine):
        l = self.order
        dots = (l - 2) / l + np.array(self.offsets)
        tilts, pulls, own = [], [], []
        for dot in dots:
            phi = np.arccos(dot) / 2
            v = [[np.cos(phi), np.sin(phi)], [np.cos(phi), -np.sin(phi)]]
            target = RankOneSum((1.0, 1.0), v, l)
            problem = Problem(SymmetricTensor(2, l, 1, degree=2), SquaredLoss(), target)
            start = 1e-30 * np.array([np.cos(1e-3 * phi), np.sin(1e-3 * phi)])
            run = gradient_flow(
                problem,
                start * (1 + 2.0**-52 * fine),
                [self.t_end],
                method="DOP853",
                rtol=1e-11 if fine else 1e-10,
                atol=1e-42,
                field=frozen_scalar_field(problem, 1e-3),  # directions, hardly any growth
            )
            x, y = run.final / np.linalg.norm(run.final)
            tilts.append(abs(np.arctan2(y, x)) / phi)
            pulls.append(np.sum((target.v @ [x, y]) ** l))
            own.append(1 + dot**l)
        return {"tilt": tilts, "dot": dots, "pull": pulls, "own": own}


def threshold(formula):
    """To the mean above it (tilt 0), away from it below."""
    above = AtLeast("1e-6", "tilt", where=f"dot - ({formula})", tolerance=0.0)
    below = AtLeast("tilt", "0.1", where=f"({formula}) - dot", tolerance=0.0)
    return above, below


pairs = {l: Pairs(l) for l in (3, 4, 6)}
far = tuple(Pairs(l, offsets=(-0.05,)) for l in (3, 4, 6))


def both(l, formula):
    return tuple(Check(claim, (pairs[l],)) for claim in threshold(formula))


theorem = Theorem(
    id="Q2.T9",
    title="close directions are fitted by their mean first",
    source="ge2021understanding; derived",
    checks=(
        Check(Identities("the mean attracts iff v_1 . v_2 > (l - 2) / l", derivation)),
        *(check for l in pairs for check in both(l, f"{l - 2} / {l}")),
        # Near v_1, yet not at it, and better than it.
        Check(AtLeast("tilt", "0.6"), far),
        Check(AtLeast("0.75", "tilt"), far),
        Check(AtLeast("pull", "own + 0.01"), far),
    ),
    controls={
        "threshold 1/2 at order 3": both(3, "1 / 2")[1],
        "threshold 1/2 at order 6": both(6, "1 / 2")[0],
        "threshold (l - 1) / (l + 1) at order 4": both(4, "3 / 5")[1],
        "splits whenever v_1 is not v_2": Check(AtLeast("tilt", "0.1"), (pairs[4],)),
        "the limit below the threshold is v_1": Check(AtLeast("tilt", "0.99"), far),
    },
)
