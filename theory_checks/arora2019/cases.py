"""Where the theorems of Arora et al. (2018, 2019) are asserted: L factors, balanced as a rule."""

import numpy as np

import dynlens as dl

NOT_ROUNDING = "singular_values - 1e-9"  # below it a singular value is a residue of rounding


def states(*all_widths, **changes):
    """Balanced states of networks of these widths."""
    return tuple(dl.RandomStates(widths, **changes) for widths in all_widths)


def completion(depth, t_end, kind="balanced", determinant=1, **changes):
    start = dl.Start(0.3, kind, seed=1, determinant=determinant)
    return dl.Path(dl.completion_problem(depth), start, t_end, **changes)


# -- balanced --------------------------------------------------------------------------------------

BALANCED_FLOWS = tuple(completion(L, 50.0) for L in (2, 3, 4))
BALANCED_STATES = states((3, 3, 3), (3, 4, 5), (5, 5, 4, 3), (2,) * 6, fraction=0.6)

SQUARE = states(*((3,) * (L + 1) for L in (2, 3, 4, 7)), fraction=0.6)
RECTANGULAR = states((5, 3, 3), (3, 5, 4, 5), (5, 5, 4, 3), (3, 3, 3, 3, 2))
ONE_ROW = states((4, 1, 1), (4, 3, 2, 1), (4, 4, 4, 4, 1))

APART = states(
    (3, 3, 3, 3), (3, 4, 5), (5, 3, 3), (5, 5, 4, 3), (4,) * 5, (4, 3, 2, 1), (1, 2, 3), seed=4
)

EVERY_SIZE = states(*((d,) * (L + 1) for d in (2, 3, 5) for L in (2, 3, 4, 6)))
TWO_LAYERS = states(*((d,) * 3 for d in (1, 2, 3, 5)))
POSITIVE, NEGATIVE = (
    tuple(completion(L, t_end, determinant=sign, rtol=1e-12, atol=1e-15) for L in (2, 3, 4))
    for sign, t_end in ((1, 50.0), (-1, 10.0))
)


def two_layers(widths, target):
    """A state W = diag(2, 1), padded, of two balanced layers; U^T grad l V = diag(-1, -1)."""
    problem = dl.Problem(dl.DeepLinear(widths), dl.SquaredLoss(), dl.Full(target))
    matrix = np.eye(2, widths[0]) * [[2.0], [1.0]]
    theta = problem.model.ravel(problem.model.balanced_factors(matrix))
    return dl.States(problem, (tuple(theta.tolist()),))


STATIONARY = two_layers((2, 2, 2), [[3, 0], [0, 2]])
# The gradient has a part u (v_perp)^T, which is no part of U^T grad l V.
ONLY_DIAGONAL = two_layers((3, 2, 2), [[3, 0, 1], [0, 2, 1]])

# -- unbalanced ------------------------------------------------------------------------------------

GAUSSIAN = dl.Start(0.5, "gaussian", seed=0)
RECTANGULAR_COMPLETION = dl.Problem(
    dl.DeepLinear((4, 3, 5, 3)),
    dl.HuberLoss(0.5),
    dl.Entries.sample(dl.problems.low_rank_matrix((3, 4), rank=2, seed=0), fraction=0.7, seed=0),
)
UNBALANCED_FLOW = dl.Path(dl.completion_problem(2), GAUSSIAN, 4.0)
UNBALANCED_FLOWS = (UNBALANCED_FLOW, dl.Path(RECTANGULAR_COMPLETION, GAUSSIAN, 20.0))
DESCENT = dl.Path(dl.completion_problem(2), GAUSSIAN, 4.0, eta=1e-2)
UNBALANCED_STATES = (dl.RandomStates((2, 2, 2), "gaussian"),)
# For matrices of a positive determinant whose factors are not balanced.
UNBALANCED_POSITIVE = completion(2, 10.0, "gaussian", rtol=1e-12, atol=1e-15)
EVERY_LOSS = tuple(
    dl.RandomStates(widths, start="gaussian", loss=loss, fraction=0.6)
    for widths in ((2, 2, 2), (4, 3, 5), (3, 5, 2, 4), (2,) * 7)
    for loss in (dl.SquaredLoss(), dl.SquaredLoss("mean", half=False), dl.HuberLoss(0.5))
)
