"""Flows under a loss with the regularizer: states, paths, and the two singular values of L.T8."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import solve_ivp
from scipy.stats import entropy

import dynlens as dl
from dynlens.observables import registry
from dynlens.problems import Locality, TensorPenalty
from dynlens.theory.locality import two_value_cosine

# -- the law of local components -------------------------------------------------------------------

NAMES = {
    "L": dl.Reading("local_component_orders"),
    "s": dl.Reading("local_component_norms"),
    "gamma": dl.Reading("local_alignments"),
}
BINARY = dl.models.binary_tree(4)
HALVES, STRANGERS = ((0, 1), (2, 3)), ((0,), (2,))


def tensor_problem(widths, regions, power=1, strength=0.5):
    """70 % of the entries of a random tensor of unit mean square, with the regularizer."""
    model = dl.HierarchicalTensor((3,) * 4, BINARY, widths=widths)
    target = np.random.default_rng(0).standard_normal(model.shape)
    seen = dl.Entries.sample(target, fraction=0.7, seed=0)
    penalty = Locality(model.shape, *regions, strength=strength, power=power)
    return dl.Problem(model, dl.SquaredLoss(), seen, tensor_penalty=penalty)


def matrix_problem(depth, power=1, strength=0.5):
    model = dl.DeepLinear((4,) * (depth + 1))
    target = np.random.default_rng(1).standard_normal(model.tensor_shape)
    seen = dl.Entries.sample(target, fraction=0.7, seed=1)
    penalty = Locality(model.tensor_shape, (0,), (1,), strength=strength, power=power)
    return dl.Problem(model, dl.SquaredLoss(), seen, tensor_penalty=penalty)


def states(problem, count=10, scale=1.0):
    """Balanced states at random."""
    rows = (problem.init(scale, kind="balanced", seed=k) for k in range(count))
    return dl.States(problem, tuple(tuple(row.tolist()) for row in rows))


def path(problem, scale=0.8, t_end=0.3):
    """The flow itself, of squared cosines: |cos| has corners along which it would slide."""
    return dl.Path(problem, dl.Start(scale, "balanced", seed=1), t_end, saves=11)


INSTANCES = [
    (widths, regions) for widths in ((4, 4, 4), (5, 3, 2)) for regions in (HALVES, STRANGERS)
]
SCATTERED = tuple(states(tensor_problem(*instance)) for instance in INSTANCES)
PATHS = tuple(path(tensor_problem(*instance, power=2)) for instance in INSTANCES[:2])
MATRICES = tuple(states(matrix_problem(depth)) for depth in (2, 3, 4))
MATRIX_PATHS = tuple(path(matrix_problem(depth, power=2), 0.5) for depth in (2, 3))


def alignments_with_the_loss(samples):
    """The alignments, but for the loss without the regularizer."""
    plain = replace(samples.problem, tensor_penalty=None)
    return registry.find("local_alignments")(plain, samples.theta)


def rate_by_the_loss(samples):
    order, s = (
        samples.read("local_component_orders")[..., None],
        samples.read("local_component_norms"),
    )
    return order * alignments_with_the_loss(samples) * s ** (2 - 2 / order)


@dataclass(frozen=True)
class Without(dl.Measurement):
    """The flow from a start in which one local component at the root is zero."""

    widths: tuple[int, ...]
    t_end: float = 0.3

    def measure(self, numerics):
        problem = tensor_problem(self.widths, HALVES, power=2)
        model, start = problem.model, problem.init(0.8, kind="balanced", seed=1)
        factors = [part.copy() for part in problem.factors(numerics.start(start))]
        factors[model.root.factor][-1] = 0.0
        for child in model.root.children:
            factors[model.nodes[child].factor][:, -1] = 0.0
        theta, rtol = model.ravel(tuple(factors)), numerics.rtol(1e-9)
        run = dl.gradient_flow(problem, theta, self.t_end, saves=11, rtol=rtol)
        norms = run.values("local_component_norms")[:, -1, : model.widths[-1]]
        return {"zero": norms[:, -1], "largest": norms.max(axis=1)}


ZERO = (Without((4, 4, 4)), Without((5, 3, 2)))

# -- two singular values ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Population(TensorPenalty):
    """The surrogate of x_P^T C x_Q, C of size 2 x 2, as the mean over all Gaussian x_Q."""

    strength: float

    def value(self, tensor):
        s = np.linalg.svd(tensor, compute_uv=False)
        return self.strength * two_value_cosine(s[..., 0], s[..., 1])

    def gradient(self, tensor):
        left, s, right = np.linalg.svd(tensor)
        return np.einsum("...ik,...k,...kj->...ij", left, self.strength * slopes(s), right)


def slopes(s):
    """Derivatives of R by the two singular values, shape (..., 2)."""
    total = s[..., 0] + s[..., 1]
    z = (s[..., 0] - s[..., 1]) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        closed = (1 - 1 / z**2) * np.arctan(z) + 1 / z
    # For small z these are differences of large numbers: the series, to rounding.
    near = 4 / 3 * z - 8 / 15 * z**3 + 12 / 35 * z**5 - 16 / 63 * z**7
    steep = 2 / np.pi * np.where(np.abs(z) < 0.02, near, closed)
    return np.stack([2 * s[..., 1], -2 * s[..., 0]], axis=-1) * (steep / total**2)[..., None]


def two_values(depth, strength):
    """Half of (C_11 - 1)^2, with the population's surrogate."""
    seen = dl.Entries((2, 2), [(0, 0)], [1.0])
    model = dl.DeepLinear((2,) * (depth + 1))
    return dl.Problem(model, dl.SquaredLoss(), seen, tensor_penalty=Population(strength))


def diagonal(depth, strength=0.02, count=20):
    """Balanced diagonal factors with s_1 > s_2 at random."""
    rng, problem = np.random.default_rng(depth), two_values(depth, strength)
    rows = []
    for _ in range(count):
        s = np.sort(np.exp(rng.uniform(-4, 0.5, 2)))[::-1]
        factors = problem.model.balanced_factors(np.diag(s))
        rows.append(tuple(problem.model.ravel(factors).tolist()))
    return dl.States(problem, tuple(rows))


def closed_rates(samples, first=2.0, exponent=None):
    """s_i' = L s_i^(2 - 2/L) (what pulls on it), shape (S, 2)."""
    L, strength = samples.problem.model.depth, samples.problem.tensor_penalty.strength
    s = samples.read("singular_values")
    pull = np.stack([1 - s[:, 0], 0 * s[:, 1]], axis=-1) - strength * slopes(s)
    return L * s ** (2 - 2 / L if exponent is None else exponent) * pull


def proportional(samples):
    """The same with s_i' proportional to s_i, whatever the depth."""
    return closed_rates(samples, exponent=1.0)


DIAGONAL = tuple(diagonal(depth) for depth in (1, 2, 3))


@dataclass(frozen=True)
class TwoValues(dl.Measurement):
    """The closed equations from (alpha, alpha / 2): when s_2 passes s_1 / 2 again, and the end."""

    depth: int
    alpha: float
    strength: float
    t_end: float

    def measure(self, numerics):
        L, rtol = self.depth, numerics.rtol(1e-10)

        def rates(t, x):  # in logarithms: nothing is lost however small
            s = np.exp(x)
            pull = np.array([1 - s[0], 0.0]) - self.strength * slopes(s)
            return L * s ** (1 - 2 / L) * pull

        def half(t, x):
            return x[1] - x[0] + np.log(2) - 1e-9  # which is not where it starts

        start = np.log([self.alpha, self.alpha / 2])
        half.direction = 1
        run = solve_ivp(
            rates, (0, self.t_end), start, "LSODA", rtol=rtol, atol=rtol / 100, events=half
        )
        passed, ends = run.t_events[0], np.exp(run.y[:, -1])
        return {
            "passes": passed[-1] if passed.size else np.inf,
            "s1": ends[0],
            "s2": ends[1],
            "start": self.alpha / 2,
            "waiting": np.log(2 / self.alpha) * np.pi / (8 * (self.strength or np.nan)),
        }


SMALL = (1e-2, 1e-4)
PASSED = {(1, 1e-2): "46.714", (1, 1e-4): "46.726", (2, 1e-2): "120.303", (2, 1e-4): "124.312"}
PASSED |= {(3, 1e-2): "189.955", (3, 1e-4): "226.083"}
LONG = {1: 200.0, 2: 1000.0, 3: 4000.0}
STILL = tuple(TwoValues(depth, alpha, 0.0, 200.0) for depth in LONG for alpha in SMALL)
ENDS = tuple(TwoValues(depth, 1e-4, 0.02, LONG[depth]) for depth in (2, 3))

# -- whether ranks rise ----------------------------------------------------------------------------


@dataclass(frozen=True)
class SwitchedOn(dl.Measurement):
    """Descent to a rank-one target, then with the regularizer at several strengths, equally long.

    What is left at the end: R, and of [[W; {1,2}]] the second singular value, its ratio to the
    first, and the effective rank; those without the regularizer first.
    """

    seed: int
    strengths: tuple[float, ...] = (0.0, 0.02, 0.1)

    def measure(self, numerics):
        model = dl.HierarchicalTensor((3,) * 4, BINARY, widths=4)
        vectors = np.random.default_rng(self.seed).standard_normal((4, 3))
        target = np.einsum("a,b,c,d->abcd", *vectors)
        target *= 6 / np.linalg.norm(target)
        seen = dl.Entries.sample(target, fraction=0.3, seed=self.seed)
        plain = dl.Problem(model, dl.SquaredLoss("mean"), seen)
        start = numerics.start(plain.init(0.5, seed=self.seed))
        begun = dl.gradient_descent(plain, start, eta=0.03, steps=4000, saves=2).final
        R = Locality(model.shape, *HALVES, seed=self.seed)
        found = {}
        for k, strength in enumerate(self.strengths):
            penalty = replace(R, strength=strength) if strength else None
            problem = replace(plain, tensor_penalty=penalty)
            end = dl.gradient_descent(problem, begun, eta=0.03, steps=2000, saves=2).final
            tensor = plain.end_to_end(end)
            values = np.linalg.svd(tensor.reshape(9, 9), compute_uv=False)
            found[f"R{k}"] = R.value(tensor)
            found[f"second{k}"], found[f"ratio{k}"] = values[1], values[1] / values[0]
            found[f"rank{k}"] = np.exp(entropy(values))
        return found


SWITCHED_ON = (SwitchedOn(0), SwitchedOn(2))
