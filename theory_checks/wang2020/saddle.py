"""How vanilla components leave zero, where the objective has a saddle of high order."""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.theory.closed_forms import half_time, vanilla_time


@dataclass(frozen=True)
class Escape(dl.Measurement):
    """Times from delta to half the norm, along the flow of one aligned component of target a e_1^l.

    For a 2-homogeneous component, degree 2, to half the mass.

    Parameters
    ----------
    smallness : tuple of float
        delta^(l-2), or delta at order 2: its inverse is the order of the escape time.
    """

    order: int
    degree: int | None = None
    a: float = 1.0
    smallness: tuple[float, ...] = (1e-3, 1e-4, 1e-5, 1e-6)

    def measure(self, numerics):
        l, a = self.order, self.a
        delta = np.array(self.smallness) ** (1 / max(l - 2, 1))
        exact = np.array([self.exact(x) for x in delta])
        pairs = zip(delta, exact, strict=True)
        return {
            "time": [self.time(x, t, numerics) for x, t in pairs],
            "exact": exact,
            "delta": delta,
            "l": float(l),
            "a": a,
            "leading": 1 / (l * max(l - 2, 1) * a * delta ** (l - 2)),
        }

    @property
    def stop(self):
        """Length at which it has escaped."""
        return 0.5 if self.degree is None else np.sqrt(self.a / 2)

    def exact(self, delta):
        if self.degree is None:
            return vanilla_time(delta, self.stop, self.a, self.order)
        return half_time(self.a, delta**2)

    def time(self, delta, predicted, numerics):
        """Follow the flow to where it should be; from there it is a hair's breadth of time."""
        target = dl.RankOneSum.orthogonal([self.a], dimension=1, order=self.order)
        model = dl.SymmetricTensor(1, self.order, 1, self.degree)
        problem = dl.Problem(model, dl.SquaredLoss(), target)
        rtol, atol = numerics.rtol(1e-12), 1e-15 * delta
        run = dl.gradient_flow(problem, [delta], [predicted], rtol=rtol, atol=atol)
        u, speed = run.final[0], problem.vector_field(0.0, run.final)[0]
        return predicted + (self.stop - u) / speed


@dataclass(frozen=True)
class Decrease(dl.Measurement):
    """Largest decrease of |W - e_1^l|^2 within distance s of zero, one component.

    It comes from the largest c u^l: s^l with c = 1 fixed, C s^(l+1) with c trained, where C is the
    largest of cos(x) sin(x)^l, l^(l/2) / (l + 1)^((l+1)/2).
    """

    order: int
    trained: bool
    sizes: tuple[float, ...] = (0.1, 0.2, 0.4)

    def measure(self, numerics):
        l = self.order
        target = dl.RankOneSum.orthogonal([1.0], dimension=2, order=l)
        model = dl.SymmetricTensor(2, l, 1, coefficients=None if self.trained else 1.0)
        problem = dl.Problem(model, dl.SquaredLoss(half=False), target)
        angles, least = np.linspace(0.0, np.pi / 2, numerics.count(10_001)), []
        for s in self.sizes:
            states = s * np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=1)
            states = states if self.trained else numerics.start(np.array([[s, 0.0]]))
            least.append(problem.objective(states).min())
        return {
            "decrease": 1.0 - np.array(least),
            "s": self.sizes,
            "C": l ** (l / 2) / (l + 1) ** ((l + 1) / 2) if self.trained else 1.0,
            "l": float(l),
            "trained": float(self.trained),
        }
