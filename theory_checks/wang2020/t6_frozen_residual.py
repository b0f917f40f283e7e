"""While the residual does not change, one component's path is known in closed form.

The core of the analysis of a fresh component in Wang et al. (2020) and Ge et al. (2021), derived:
with D = sum a_k e_k^l, the direction is that of the vanilla flow P_k' = l a_k P_k^(l-1), which
decouples, on another clock; lengths follow by |u| = |u(0)| |P|^(kappa/l) exp(-kappa lambda t / 2).
The limit direction is the e_k with the largest a_k u_k(0)^(l-2). Measured on the flow of the model
itself, from starts so small (1e-30) that the residual is the target to the last place.
"""

from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from dynlens import (
    Check,
    Equal,
    Event,
    Identities,
    Measurement,
    Problem,
    RankOneSum,
    Ridge,
    SquaredLoss,
    SymmetricTensor,
    Theorem,
    frozen_scalar_field,
    gradient_flow,
)
from dynlens.theory.closed_forms import FrozenResidual, alignment_time, winner

TINY = 1e-30
START, COEFFICIENTS = (0.3, 0.5, 0.4, 0.6), (1.0, 0.7, 0.4, 0.0)


def small_flow(start, coefficients, order, times, kappa=2, penalty=0.0, *, rtol=1e-13, fine=False):
    """States (T, d) of one 2-homogeneous component along the flow from TINY times `start`."""
    a = np.array(coefficients)
    target = RankOneSum.orthogonal(a[a > 0], dimension=len(a), order=order)
    model = SymmetricTensor(len(a), order, 1, degree=2)
    problem = Problem(model, SquaredLoss(), target, Ridge(penalty))
    nudge = 1 + np.where(np.arange(len(a)) % 2, 1, -1) * 2.0**-52 * fine
    run = gradient_flow(
        problem,
        TINY * np.array(start) * nudge,
        times,
        method="DOP853",
        rtol=0.3 * rtol if fine else rtol,
        atol=1e-32 * TINY,
        field=frozen_scalar_field(problem, kappa),
        strict=True,
    )
    return run.theta


@dataclass(frozen=True)
class SmallComponent(Measurement):
    """One component along the flow, beside the closed form and false variants of it."""

    order: int
    kappa: int
    penalty: float = 0.0
    times: tuple[float, ...] = (0.5, 2.0, 6.0)

    def measure(self, fine):
        l = self.order
        state = small_flow(START, COEFFICIENTS, l, self.times, self.kappa, self.penalty, fine=fine)
        tiny = tuple(TINY * x for x in START)
        form = FrozenResidual(tiny, COEFFICIENTS, l, self.kappa, self.penalty)
        times = np.array(self.times)
        closed, swapped = form.at(times), replace(form, kappa=l + 2 - self.kappa).at(times)
        # l instead of l (l - 2) in tau: the vanilla flow l - 2 times as fast.
        slow = tuple(a / (l - 2) for a in COEFFICIENTS)
        half = tuple(a / 2 for a in COEFFICIENTS)
        bare = replace(form, penalty=0.0)
        return {
            "state": state,
            "closed": closed,
            "size": np.linalg.norm(closed, axis=1),
            "swapped": swapped,
            "without_l_2": replace(form, coefficients=slow).at(times),
            "halved": replace(form, coefficients=half).at(times),
            "unpenalized": bare.at(times),
        }


@dataclass(frozen=True)
class Winners(Measurement):
    """Where components end that start in random directions, and where rules say that they do.

    Of odd orders only starts with a winner are asked; in the first orthant (turning each e_k to
    the side of the start) all have one.
    """

    order: int
    draws: int = 200
    orthant: bool = False
    dimension: int = 6
    seed: int = 0

    def measure(self, fine):
        rng, l = np.random.default_rng(self.seed), self.order
        drawn = []
        while len(drawn) < self.draws:
            a, u = rng.uniform(0.3, 1.0, self.dimension), rng.standard_normal(self.dimension)
            u = np.abs(u) if self.orthant else u
            if winner(u, a, l) is not None:
                drawn.append((a, u))
        a, u = (np.array(part) for part in zip(*drawn, strict=True))
        sizes = u if l % 2 else np.abs(u)
        return {
            "ends": self.ends(a, u, 0.05 if fine else 0.1),
            "rule": [winner(x, c, l) for c, x in drawn],
            "overlap": sizes.argmax(axis=1),
            "weighted": (a * sizes**l).argmax(axis=1),
        }

    def ends(self, a, u, step):
        """Follow all directions until they have settled, by the classical Runge-Kutta method."""
        l = self.order

        def field(x):
            pull = l * a * np.prod([x] * (l - 1), axis=0)
            return pull - (pull * x).sum(axis=1, keepdims=True) * x

        x = u / np.linalg.norm(u, axis=1, keepdims=True)
        for _ in range(round(500 / step)):
            k1 = field(x)
            k2 = field(x + step / 2 * k1)
            k3 = field(x + step / 2 * k2)
            x = x + step / 6 * (k1 + 2 * k2 + 2 * k3 + field(x + step * k3))
            x /= np.linalg.norm(x, axis=1, keepdims=True)  # the sphere repels where D(x^l) < 0
            if np.abs(x).max(axis=1).min() > 0.999:
                break
        return np.where(np.abs(x).max(axis=1) > 0.999, np.abs(x).argmax(axis=1), -1)


@dataclass(frozen=True)
class BlowUp(Measurement):
    """When a vanilla component under a constant residual is as long as `size`."""

    order: int
    size: float = 1e3

    def measure(self, fine):
        l, a, u = self.order, np.array(COEFFICIENTS), 0.1 * np.array(START)
        target = RankOneSum.orthogonal(a[a > 0], dimension=len(a), order=l)
        problem = Problem(SymmetricTensor(len(a), l, 1), SquaredLoss(), target)
        g = a * u ** (l - 2)
        law = 1 / (l * (l - 2) * g.max())
        run = gradient_flow(
            problem,
            u,
            [2 * law],
            rtol=1e-13 if fine else 1e-12,
            atol=1e-15,
            field=lambda t, x: l * a * x ** (l - 1),
            events=[Event("parameter_norm", self.size, direction=1, terminal=True)],
        )
        return {
            "observed": run.t[-1],
            "law": law,
            # From there the leader is alone.
            "rest": 1 / (l * (l - 2) * a[g.argmax()] * self.size ** (l - 2)),
            "careless": law * (l - 2),
            "largest": 1 / (l * (l - 2) * g[a.argmax()]),
            "together": 1 / (l * (l - 2) * g.sum()),
        }


def derivation():
    """Order 4: x_k = u_k^2 (unit u), and the projection of the vanilla flow, for any order."""
    l, p, a, tau = sp.symbols("l p a tau", positive=True)
    P = (p ** (2 - l) - l * (l - 2) * a * tau) ** (-1 / (l - 2))
    base = p ** (2 - l) - l * (l - 2) * a * tau
    rate = sp.diff(P, tau) / (l * a * base ** (-(l - 1) / (l - 2)))
    # order 4, two directions: d/dt of 1/(x_k N^2) = -8 a_k / N^2
    x, y, b, n = sp.symbols("x y b n", positive=True)
    sigma = a * x**2 + b * y**2
    x_dot = 8 * x * (a * x - sigma)
    n_dot = 4 * n * sigma
    moved = -x_dot / (x**2 * n**2) - 2 * n_dot / (x * n**3)
    return {"vanilla flow": sp.powsimp(rate - 1, force=True), "order 4": moved + 8 * a / n**2}


@dataclass(frozen=True)
class Alignment(Measurement):
    """Time to half alignment in d dimensions, from the share 1/d; order 4."""

    dimensions: tuple[int, ...] = (10, 100, 1000)

    def measure(self, fine):
        times, predicted = [], []
        for d in self.dimensions:
            predicted.append(alignment_time(1.0, 1 / d))
            times.append(self.crossing(d, fine))
        d = np.array(self.dimensions, dtype=float)
        return {
            "observed": times,
            "predicted": predicted,
            "halved": np.array(predicted) * 2,
            "d": d,
        }

    def crossing(self, d, fine):
        """Bisect on the flow of the model in the plane of e_1 and the rest."""
        start, a = (d**-0.5, (1 - 1 / d) ** 0.5), (1.0, 0.0)
        grid = np.linspace(0.0, 0.16 * d, 4001)[1:]
        u = small_flow(start, a, 4, grid, fine=fine)
        logit = np.log(u[:, 0] ** 2 / u[:, 1] ** 2)
        return float(np.interp(0.0, logit, grid))


def closed(name="closed"):
    return Equal("state", name, scale="size", tolerance=1e-11)


cases = tuple(
    SmallComponent(l, kappa, penalty)
    for l in (3, 4, 5, 6)
    for kappa in (2, l)
    for penalty in (0.0, 0.1)
)
winners = (*(Winners(l) for l in (3, 4, 5)), Winners(3, orthant=True), Winners(5, orthant=True))
explosions = tuple(BlowUp(l) for l in (3, 4, 5))


def explodes(law):
    return Equal("observed + rest", law, tolerance=1e-8)


def agrees(rule):
    return Equal("ends", rule, scale="1", tolerance=0.0)


theorem = Theorem(
    id="Q1.T6",
    title="a fresh component's path in closed form, and the winner rule",
    source="wang2020beyond; ge2021understanding; derived",
    checks=(
        Check(Identities("the vanilla flow, projected, is the direction flow", derivation)),
        Check(closed(), cases),
        Check(agrees("rule"), winners),
        Check(explodes("law"), explosions),
        Check(Equal("observed", "predicted", tolerance=1e-4), (Alignment(),)),
    ),
    controls={
        "kappa swapped": Check(closed("swapped"), (SmallComponent(4, 2),)),
        "rate l instead of l (l - 2), order 4": Check(
            closed("without_l_2"), (SmallComponent(4, 2),)
        ),
        "4 a_k instead of 8 a_k": Check(closed("halved"), (SmallComponent(4, 2),)),
        "no decay under the penalty": Check(closed("unpenalized"), (SmallComponent(3, 3, 0.1),)),
        **{
            f"{words} wins, order {case.order}": Check(agrees(rule), (case,))
            for rule, words in (
                ("overlap", "the largest overlap"),
                ("weighted", "the largest a u^l"),
            )
            for case in winners[:3]
        },
        "blow-up at l instead of l (l - 2)": Check(explodes("careless"), explosions[1:]),
        "the largest coefficient blows up first": Check(explodes("largest"), explosions),
        "blow-up of all directions together": Check(explodes("together"), explosions),
        "alignment time doubled": Check(
            Equal("observed", "halved", tolerance=1e-4), (Alignment(),)
        ),
        "alignment time ~ log d": Check(
            Equal("observed / observed_0", "log(d) / log(10)", tolerance=0.1), (Alignment(),)
        ),
    },
)
