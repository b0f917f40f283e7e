"""One component while the residual does not change: its flow beside what is known of it.

Notation: the residual is D = sum_k a_k e_k^l, the component u, its direction's coordinates u_k.
Flows begin at length 1e-30, so small that the residual is the target to the last place.
"""

from dataclasses import dataclass, replace

import numpy as np

import dynlens as dl
from dynlens.observables.registry import find
from dynlens.theory.closed_forms import alignment_time, winner

TINY = 1e-30
START, COEFFICIENTS = (0.3, 0.5, 0.4, 0.6), (1.0, 0.7, 0.4, 0.0)


def small_flow(start, coefficients, order, times, numerics, kappa=2, penalty=0.0, rtol=1e-13):
    """States (T, d) of one 2-homogeneous component along the flow from TINY times `start`."""
    a = np.array(coefficients)
    target = dl.RankOneSum.orthogonal(a[a > 0], dimension=len(a), order=order)
    model = dl.SymmetricTensor(len(a), order, 1, degree=2)
    problem = dl.Problem(model, dl.SquaredLoss(), target, dl.Ridge(penalty))
    run = dl.gradient_flow(
        problem,
        TINY * numerics.start(np.array(start)),
        times,
        method="DOP853",
        rtol=numerics.pick(rtol, 0.3 * rtol),
        atol=1e-32 * TINY,
        field=dl.dynamics.frozen_scalar_field(problem, kappa),
        strict=True,
    )
    return run.theta


@dataclass(frozen=True)
class SmallComponent(dl.Measurement):
    """One component along the flow, beside the closed form and false variants of it."""

    order: int
    kappa: int
    penalty: float = 0.0
    times: tuple[float, ...] = (0.5, 2.0, 6.0)

    def measure(self, numerics):
        l, start = self.order, tuple(TINY * x for x in START)
        form = dl.theory.FrozenResidual(start, COEFFICIENTS, l, self.kappa, self.penalty)
        # l instead of l (l - 2) in tau: the vanilla flow l - 2 times as fast.
        slow = tuple(a / (l - 2) for a in COEFFICIENTS)
        half = tuple(a / 2 for a in COEFFICIENTS)
        forms = {
            "closed": form,
            "swapped": replace(form, kappa=l + 2 - self.kappa),
            "without_l_2": replace(form, coefficients=slow),
            "halved": replace(form, coefficients=half),
            "unpenalized": replace(form, penalty=0.0),
        }
        found = {name: one.at(np.array(self.times)) for name, one in forms.items()}
        flow = (START, COEFFICIENTS, l, self.times, numerics, self.kappa, self.penalty)
        size = np.linalg.norm(found["closed"], axis=1)
        return found | {"state": small_flow(*flow), "size": size}


@dataclass(frozen=True)
class Winners(dl.Measurement):
    """Where components end that start in random directions, and where rules say that they do.

    Of odd orders only starts with a winner are asked; in the first orthant (turning each e_k to
    the side of the start) all have one.
    """

    order: int
    draws: int = 200
    orthant: bool = False
    dimension: int = 6
    seed: int = 0

    def measure(self, numerics):
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
            "end": self.ends(a, u, numerics.pick(0.1, 0.05)),
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
class BlowUp(dl.Measurement):
    """When a vanilla component under a constant residual is as long as `size`."""

    order: int
    size: float = 1e3

    def measure(self, numerics):
        l, a, u = self.order, np.array(COEFFICIENTS), 0.1 * np.array(START)
        target = dl.RankOneSum.orthogonal(a[a > 0], dimension=len(a), order=l)
        problem = dl.Problem(dl.SymmetricTensor(len(a), l, 1), dl.SquaredLoss(), target)
        g = a * u ** (l - 2)
        law = 1 / (l * (l - 2) * g.max())
        run = dl.gradient_flow(
            problem,
            u,
            [2 * law],
            rtol=numerics.rtol(1e-12),
            atol=1e-15,
            field=lambda t, x: l * a * x ** (l - 1),
            events=[dl.Event("parameter_norm", self.size, direction=1, terminal=True)],
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


@dataclass(frozen=True)
class Alignment(dl.Measurement):
    """Time to half alignment in d dimensions, from the share 1/d; order 4."""

    dimensions: tuple[int, ...] = (10, 100, 1000)

    def measure(self, numerics):
        d = np.array(self.dimensions, dtype=float)
        return {
            "observed": [self.crossing(k, numerics) for k in self.dimensions],
            "predicted": [alignment_time(1.0, 1 / k) for k in self.dimensions],
            "d": d,
        }

    def crossing(self, d, numerics):
        """When the flow, in the plane of e_1 and the rest, is half along e_1."""
        start, grid = (d**-0.5, (1 - 1 / d) ** 0.5), np.linspace(0.0, 0.16 * d, 4001)[1:]
        u = small_flow(start, (1.0, 0.0), 4, grid, numerics)
        logit = np.log(u[:, 0] ** 2 / u[:, 1] ** 2)
        return float(np.interp(0.0, logit, grid))


@dataclass(frozen=True)
class Outside(dl.Measurement):
    """Share of the start's part outside the span that is left after t."""

    order: int
    kappa: int
    penalty: float = 0.1
    t: float = 3.0

    def measure(self, numerics):
        l, lam = self.order, self.penalty
        u = small_flow(START, COEFFICIENTS, l, [self.t], numerics, self.kappa, lam)
        return {
            "left": u[-1, 3] / (TINY * START[3]),
            "law": np.exp(-l * lam * self.t / 2),
            "slower": np.exp(-lam * self.t),
        }


@dataclass(frozen=True)
class OutsideRates(dl.Measurement):
    """Rates of ln |u_perp| along the flow of one component, at random states."""

    order: int
    penalty: float = 0.1
    seed: int = 0

    def measure(self, numerics):
        l = self.order
        target = dl.RankOneSum.orthogonal([1.0, 0.7], dimension=2, order=l)
        flat = dl.RankOneSum(target.coefficients, np.pad(target.v, ((0, 0), (0, 3))), l)
        # One component only leaves the span: the residual of the others lives in it.
        model, penalty = dl.SymmetricTensor(5, l, 1, degree=2), dl.Ridge(self.penalty)
        problem = dl.Problem(model, dl.SquaredLoss(), flat, penalty)
        rng, rates, sigmas = np.random.default_rng(self.seed), [], []
        for _ in range(20):
            u = numerics.start(TINY * rng.standard_normal(5))
            speed = problem.vector_field(0.0, u)
            rates.append(speed[2:] @ u[2:] / (u[2:] @ u[2:]))
            sigmas.append(find("residual_correlations")(problem, u)[0])
        return {"rate": rates, "sigma": sigmas, "l": float(l), "penalty": self.penalty}
