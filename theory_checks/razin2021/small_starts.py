"""Small starts that follow, or do not follow, a trajectory of rank one."""

from dataclasses import dataclass, replace

import numpy as np

import dynlens as dl
from dynlens.observables.registry import find

HUBER = dl.HuberLoss(0.2, "mean")
RHO = 0.4
LEADER = 0


@dataclass(frozen=True)
class RankOneCompanions(dl.SmallStarts):
    """Small starts, each followed for `further` beside the rank-one flow of its leader.

    Besides what `SmallStarts` measures: ``distance``, the largest distance of the two end-to-end
    tensors; ``error``, the final relative distance to `target`; ``others``, the largest norm among
    the other components at escape; ``latest``, the theorem's bound on the escape time.
    """

    target: tuple[float, ...] = ()
    further: float = 60.0

    def measure(self):
        found = super().measure()
        pairs = zip(found["alpha"], found["theta"], strict=True)
        distance, error = np.array([self.beside(alpha, theta) for alpha, theta in pairs]).T
        norms = [find("component_norms")(self.problem, theta) for theta in found["theta"]]
        others = np.delete(norms, LEADER, axis=1).max(axis=1)
        latest = np.array([self.latest(alpha) for alpha in self.alphas])
        return found | {"distance": distance, "error": error, "others": others, "latest": latest}

    def beside(self, alpha, theta):
        """Largest distance to the companion, and the final error."""
        model, n = self.problem.model, self.problem.model.order
        single = dl.Problem(
            dl.CPFactorization(model.shape, 1), self.problem.loss, self.problem.observations
        )
        leader = [factor[:, LEADER] for factor in model.unravel(theta)]
        start = np.concatenate([self.norm ** (1 / n) * w / np.linalg.norm(w) for w in leader])
        times = np.linspace(0.0, self.further, 241)
        # Huber's kinks spoil the solver's interpolant more than its steps: a tolerance to spare.
        tight = max(self.rtol / 100, 2.3e-14)
        numerics = self.numerics(alpha) | {"strict": True, "rtol": tight}
        ours = dl.gradient_flow(self.problem, theta, times, **numerics).values("end_to_end")
        companion = dl.gradient_flow(single, start, times, **numerics).values("end_to_end")
        gap = np.sqrt(np.square(ours - companion).reshape(len(times), -1).sum(axis=1))
        wanted = np.reshape(self.target, model.shape)
        return gap.max(), np.linalg.norm(ours[-1] - wanted) / np.linalg.norm(wanted)

    def latest(self, alpha):
        """(alpha |a|)^-(N-2) / ((N - 2) gamma(0)); infinite at N = 2."""
        n, lead = self.problem.model.order, self.leader()
        return (alpha * lead["size"]) ** (2 - n) / ((n - 2) * lead["alignment"])

    def leader(self):
        """Norm of the leader's vectors at alpha = 1, and its alignment with -G."""
        theta = np.array(self.direction)
        size = np.linalg.norm(self.problem.model.unravel(theta)[0][:, LEADER])
        tiny = find("component_alignments")(self.problem, 1e-9 * theta)
        return {"size": size, "alignment": tiny[LEADER]}

    def dominance(self):
        """|a_1| over the largest |a_r| (|G| / gamma_1(0))^(1 / (N-2)): above 1, it leads."""
        model, lead = self.problem.model, self.leader()
        sizes = np.linalg.norm(model.unravel(np.array(self.direction))[0], axis=0)
        steepest = np.linalg.norm(self.problem.tensor_gradient(np.zeros(model.shape)))
        power = 1 / (model.order - 2)
        follower = np.delete(sizes, LEADER).max() * (steepest / lead["alignment"]) ** power
        return lead["size"] / follower


def near_one(order, size, *, second=0.35, seed=0):
    """Rank-one target with entries of at least one, 80 % observed; a leader close to it."""
    rng = np.random.default_rng(seed)
    wanted = [rng.uniform(1.0, 1.4, size) for _ in range(order)]
    target = wanted[0]
    for vector in wanted[1:]:
        target = np.multiply.outer(target, vector)
    seen = dl.Entries.sample(target, fraction=0.8, seed=seed)
    problem = dl.Problem(dl.CPFactorization((size,) * order, 4), HUBER, seen)
    factors = rng.standard_normal((order, size, 4))
    factors[:, :, LEADER] = np.array(wanted) / np.linalg.norm(wanted, axis=1)[:, None]
    factors[:, :, LEADER] += 0.25 * rng.standard_normal((order, size)) / size**0.5
    lengths = np.array([1.0, second, 0.35, 0.35])
    factors *= lengths / np.linalg.norm(factors, axis=1, keepdims=True)
    direction = tuple(problem.model.ravel(tuple(factors)).tolist())
    return problem, direction, tuple(target.ravel().tolist())


def family(order, size, alphas, **changes):
    problem, direction, target = near_one(order, size, **changes)
    return RankOneCompanions(problem, direction, alphas, RHO, target=target)


def tied():
    """e_1 x e_1 x e_1 + e_2 x e_2 x e_2, seen at its two nonzero entries, and a leader for each."""
    target = np.zeros((2, 2, 2))
    target[0, 0, 0] = target[1, 1, 1] = 1.0
    seen = dl.Entries.of(target, [(0, 0, 0), (1, 1, 1)])
    problem = dl.Problem(dl.CPFactorization((2, 2, 2), 2), HUBER, seen)
    direction = tuple(np.tile(np.eye(2), (3, 1, 1)).ravel().tolist())
    return RankOneCompanions(problem, direction, (0.4, 0.2, 0.1), RHO, target=tuple(target.ravel()))


def alone(order, size, alpha, t_end):
    """The flow from one small start, to where its norm is about rho or beyond."""
    problem, direction, _ = near_one(order, size, seed=2 if order == 4 else 0)
    return dl.Path(problem, tuple(alpha * x for x in direction), t_end, rtol=1e-11)


THIRD = family(3, 3, (0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125, 0.0015625))
# At the smallest the distance is 2e-8 of the whole.
FOURTH = replace(family(4, 2, (0.3, 0.2, 0.1, 0.05, 0.025, 0.0125), seed=2), rtol=1e-12)
# The smallest three alphas, near the limit, and the larger ones, farther from it.
SMALLEST = {3: "0.007 - alpha", 4: "0.06 - alpha"}
LARGER = {3: "(alpha - 0.006) * (0.06 - alpha)", 4: "(alpha - 0.02) * (0.25 - alpha)"}
FOLLOWED = family(3, 3, (0.1, 0.05, 0.025, 0.0125), second=1.0, seed=1)
TIED = tied()
"""Two leaders by symmetry: W never is near rank one."""
UNTIL_RHO = (alone(3, 3, 0.1, 220.0), alone(4, 2, 0.3, 95.0))
BEYOND = alone(3, 3, 0.1, 300.0)
