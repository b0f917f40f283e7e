"""Where the closed forms are asserted: networks in which the law that they solve is exact."""

import numpy as np
from scipy.linalg import expm

import dynlens as dl
from dynlens.symbolic import compile_function

from . import algebra
from .algebra import N, g, s, s0

SHARP = {"rtol": 1e-12, "atol": 1e-14}
FIRST = dl.Reading("singular_values", where=(0,))

# -- CF1: constant alignment -----------------------------------------------------------------------

COMPONENT = {"sigma": dl.Reading("singular_values"), "gamma": dl.Reading("alignment")}


def component(depth, t_end, sign=1):
    """A scalar network far from its target: Huber's gradient is the constant 0.7 there."""
    problem = dl.Problem(
        dl.DeepLinear((1,) * (depth + 1)), dl.HuberLoss(0.7), dl.Full([[sign * 1000.0]])
    )
    return dl.Path(problem, dl.Start(0.05, "identity"), t_end, **SHARP)


def nearly(depth):
    """Until nine tenths of the time to the blow-up."""
    blow_up = algebra.blow_up.subs({N: depth, s0: 0.05, g: 0.7})
    return component(depth, float(0.9 * blow_up))


GROWING = tuple(nearly(depth) for depth in (3, 4, 5))
DECAYING = tuple(component(depth, 20.0, sign=-1) for depth in (3, 4))
EXPONENTIAL = (component(2, 4.0), component(2, 4.0, sign=-1))

# -- CF2: full observation -------------------------------------------------------------------------

GOAL = 2.0


def to_the_goal(depth, t_end, scale=0.01):
    """A rank-one start along the target's own singular vectors, 3 x 2."""
    left, right = np.array([0.6, 0.0, 0.8]), np.array([0.8, -0.6])
    model = dl.DeepLinear.of(shape=(3, 2), depth=depth)
    problem = dl.Problem(model, dl.SquaredLoss(), dl.Full(GOAL * np.outer(left, right)))
    start = model.ravel(model.balanced_factors(scale * np.outer(left, right)))
    return dl.Path(problem, tuple(start.tolist()), t_end, rtol=1e-13, atol=1e-15)


def time_map(formula, name):
    """F(sigma) - F(sigma_0), the time it takes from sigma_0 to sigma."""
    compiled = compile_function(formula.subs(algebra.goal, int(GOAL)), [s], name=name)

    def since_the_start(samples):
        sigma = samples.read(FIRST)
        return compiled(sigma) - compiled(sigma[0])

    since_the_start.__name__ = f"F(sigma) - F(sigma_0), {name}"
    return since_the_start


# -- CF3: two modes --------------------------------------------------------------------------------

MODES = {"sigma": FIRST, "sigma_1": FIRST, "sigma_2": dl.Reading("singular_values", where=(1,))}


def two_modes(depth, scale):
    """Alignments 1 and 0.6: Huber's constant gradient, measured along the two diagonal entries."""
    tensors = [np.diag([1.0, 0.0]), np.diag([0.0, 0.6])]
    sensing = dl.Sensing(tensors, [1e3, 1e3])
    problem = dl.Problem(dl.DeepLinear((2,) * (depth + 1)), dl.HuberLoss(1.0), sensing)
    power = (depth - 2) / depth
    when_one = (scale**-power - 1) / (depth - 2)  # mode 1 reaches one
    return dl.Path(problem, dl.Start(scale, "identity"), when_one, rtol=1e-12, atol=1e-16)


TWO_MODES = tuple(two_modes(depth, scale) for depth in (3, 4) for scale in (1e-2, 1e-4, 1e-6))

# -- CF4: two unbalanced factors -------------------------------------------------------------------

PRODUCT = {"sigma": dl.Reading("end_to_end", where=(0, 0))}
UNBALANCED = {"Delta": 0.3, "gamma": 0.7, "goal": GOAL}


def two_factors(loss, target, t_end):
    problem = dl.Problem(dl.DeepLinear((1, 1, 1)), loss, dl.Full([[target]]))
    return dl.Path(problem, (0.4**0.5, 0.1**0.5), t_end, **SHARP)


CONSTANT = two_factors(dl.HuberLoss(0.7), 1000.0, 2.0)
SATURATING = two_factors(dl.SquaredLoss(), GOAL, 3.0)

# -- CF5: a matrix Riccati equation ----------------------------------------------------------------


def definite(rng, scale):
    """A random symmetric positive definite 3 x 3 matrix."""
    root = rng.standard_normal((3, 3))
    return scale * (root @ root.T / 3 + 0.2 * np.eye(3))


_rng = np.random.default_rng(0)
TARGET, FROM = definite(_rng, 1.0), definite(_rng, 0.1)
_model = dl.DeepLinear((3, 3, 3))
RICCATI = dl.Path(
    dl.Problem(_model, dl.SquaredLoss(), dl.Full(TARGET)),
    tuple(_model.ravel(_model.balanced_factors(FROM)).tolist()),
    3.0,
    **SHARP,
)


def riccati(samples):
    """W* W + W W* - 2 W^2."""
    W = samples.read("end_to_end")
    return TARGET @ W + W @ TARGET - 2 * W @ W


def riccati_solution(inner=2.0, factor=1.0):
    """e^(W* t) (W_0^-1 + factor W*^-1 (e^(inner W* t) - I))^-1 e^(W* t)."""

    def closed_form(samples):
        W0 = samples.read("end_to_end")[0]
        inverse, found = np.linalg.inv(TARGET), []
        for t in samples.t:
            outer, grown = expm(TARGET * t), expm(inner * TARGET * t) - np.eye(3)
            middle = np.linalg.inv(W0) + factor * inverse @ grown
            found.append(outer @ np.linalg.solve(middle, outer))
        return np.array(found)

    inside = f"W_0^-1 + {factor:g} W*^-1 (e^({inner:g} W* t) - I)"
    closed_form.__name__ = f"e^(W* t) ({inside})^-1 e^(W* t)"
    return closed_form


# -- CF6: the completion problem -------------------------------------------------------------------

ENTRY = {"w11": dl.Reading("end_to_end", where=(0, 0))}


def reduced(alpha, t_end=1e8):
    """From W(0) = alpha I at depth 2, in coordinates in which det W > 0 cannot be lost."""
    fields = {str(name): str(formula) for name, formula in algebra.completion_fields.items()}
    return dl.SystemPath(fields, {"x": alpha, "y": 0.0, "q": float(2 * np.log(alpha))}, t_end)


def deep(depth, t_end=1e5):
    start = dl.Start(0.3, "balanced", seed=0, determinant=1)
    numerics = {"method": "LSODA", "rtol": 1e-11, "atol": 1e-14, "saves": "log"}
    return dl.Path(dl.completion_problem(depth), start, t_end, **numerics)


REDUCED = tuple(reduced(alpha) for alpha in (1e-3, 0.1, 1.0, 3.0))
DEEP = (deep(3), deep(4))
