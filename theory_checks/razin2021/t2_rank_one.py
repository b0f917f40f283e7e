"""From small starts a CP factorization follows a trajectory of rank one.

Razin, Maman & Cohen (2021), Theorem 2. Huber's loss has the constant gradient G = grad l(0) near
zero, where the component with the largest |a_r|^(N-2) gamma_r escapes first. Under the condition

    |a_1| > |a_r| (|G| / gamma_1(0))^(1 / (N-2))    for all r != 1

all others are still O(alpha^N) when |W| = rho, and for any fixed time from there W stays within
Theta(alpha^N) of the rank-one flow started at rho times the leader's direction (rates derived).
"""

from dataclasses import dataclass

import numpy as np

from dynlens import (
    AtLeast,
    Check,
    CPFactorization,
    Entries,
    HuberLoss,
    Path,
    PowerLaw,
    Problem,
    Reading,
    SmallStarts,
    Theorem,
    gradient_flow,
)
from dynlens.observables.registry import find

HUBER = HuberLoss(0.2, "mean")
RHO = 0.4
LEADER = 0


@dataclass(frozen=True)
class RankOneCompanions(SmallStarts):
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
        latest = [self.latest(alpha) for alpha in self.alphas]
        return found | {
            "distance": distance,
            "error": error,
            "others": others,
            "latest": np.array(latest),
        }

    def beside(self, alpha, theta):
        """Largest distance to the companion, and the final error."""
        model, n = self.problem.model, self.problem.model.order
        single = Problem(
            CPFactorization(model.shape, 1), self.problem.loss, self.problem.observations
        )
        leader = [factor[:, LEADER] for factor in model.unravel(theta)]
        start = np.concatenate([self.norm ** (1 / n) * w / np.linalg.norm(w) for w in leader])
        times = np.linspace(0.0, self.further, 241)
        # Huber's kinks spoil the solver's interpolant more than its steps: a tolerance to spare.
        tight = max(self.rtol / 100, 2.3e-14)
        numerics = self.numerics(alpha) | {"strict": True, "rtol": tight}
        ours = gradient_flow(self.problem, theta, times, **numerics).values("end_to_end")
        companion = gradient_flow(single, start, times, **numerics).values("end_to_end")
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
    seen = Entries.sample(target, fraction=0.8, seed=seed)
    problem = Problem(CPFactorization((size,) * order, 4), HUBER, seen)
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
    seen = Entries.of(target, [(0, 0, 0), (1, 1, 1)])
    problem = Problem(CPFactorization((2, 2, 2), 2), HUBER, seen)
    direction = tuple(np.tile(np.eye(2), (3, 1, 1)).ravel().tolist())
    return RankOneCompanions(problem, direction, (0.4, 0.2, 0.1), RHO, target=tuple(target.ravel()))


def alone(order, size, alpha, t_end):
    """The flow from one small start, to where its norm is about rho or beyond."""
    problem, direction, _ = near_one(order, size, seed=2 if order == 4 else 0)
    return Path(problem, tuple(alpha * x for x in direction), t_end, rtol=1e-11)


def smallest(alphas, count=3):
    """Only the last `count` of the alphas."""
    return f"{alphas[-count] * 1.01} - alpha"


def slope(of, exponent, alphas, band=0.15, **changes):
    return PowerLaw(of, "alpha", exponent, where=smallest(alphas), band=band, **changes)


def wide(of, exponent, alphas, band):
    """The same over the three largest alphas, where the limit is farther."""
    return PowerLaw(of, "alpha", exponent, where=f"alpha - {alphas[2] * 0.99}", band=band)


THREE = (0.2, 0.1, 0.05, 0.025, 0.0125)
FOUR = (0.3, 0.2, 0.1, 0.05)
third = (family(3, 3, THREE),)
fourth = (family(4, 2, FOUR, seed=2),)
followed = (family(3, 3, THREE, second=1.0, seed=1),)
LEADING = {"leading": Reading("component_alignments", where=(LEADER,))}
grows = AtLeast("leading", "leading_0", readings=LEADING, tolerance=1e-9)

theorem = Theorem(
    id="P2.T2",
    title="small starts follow a rank-one trajectory",
    source="razin2021implicit, Theorem 2; rates derived",
    checks=(
        Check(slope("distance", 3, THREE), third),
        Check(slope("distance", 4, FOUR), fourth),
        # The trend: farther from the limit at larger alpha.
        Check(wide("distance", 3, THREE, 0.3), third),
        Check(wide("distance", 4, FOUR, 0.3), fourth),
        Check(slope("others", 3, THREE, band=0.05), third),
        Check(slope("others", 4, FOUR, band=0.05), fourth),
        Check(AtLeast("latest", "escape_time"), third + fourth),
        Check(slope("escape_time", -1, THREE), third),
        Check(slope("escape_time", -2, FOUR, band=0.2), fourth),
        Check(grows, (alone(3, 3, 0.1, 220.0), alone(4, 2, 0.3, 95.0))),
    ),
    controls={
        "distance ~ alpha^(N - 1)": Check(slope("distance", 2, THREE), third),
        "distance ~ alpha": Check(slope("distance", 1, THREE), third),
        "escape time ~ alpha^-(N - 1)": Check(slope("escape_time", -2, THREE), third),
        "condition dropped, others <= alpha^N / 10": Check(
            AtLeast("alpha**3 / 10", "others"), followed
        ),
        # Two leaders by symmetry: W never is near rank one.
        "condition dropped, an exact tie": Check(AtLeast("alpha", "distance"), (tied(),)),
        "gamma of the leader grows for ever": Check(grows, (alone(3, 3, 0.1, 300.0),)),
    },
)
