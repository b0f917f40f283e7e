"""Problems of formulas: an objective by itself, or a network with labels and a loss."""

from __future__ import annotations

from typing import Any

from dynlens.models.formula import FormulaModel
from dynlens.problems.losses import LinearLoss, Loss, Ridge, SquaredLoss
from dynlens.problems.observations import Full
from dynlens.problems.problem import Problem
from dynlens.support import validation

HALF_SQUARES = SquaredLoss()


def objective(
    formula: Any,
    *,
    parameters: Any,
    data: Any = (),
    define: Any = (),
    penalty: Ridge | None = None,
) -> Problem:
    r"""Return the problem of minimizing a formula.

    Parameters
    ----------
    formula : str or sympy expression
        A number; see `FormulaModel` for what may stand in it.
    parameters : mapping from names to shapes
        What is trained: ``{"w": 3, "W": (2, 3), "a": ()}``.
    data : mapping from names to arrays, optional
    define : mapping from names to formulas, optional
        Parts of the formula, by names that claims may use.
    penalty : Ridge, optional

    Returns
    -------
    Problem
        Of a `FormulaModel` whose one entry is the loss. Parameters, data and defined names are
        quantities of claims, events and observables: ``w``, ``w[0]``, ``d_w``, ``w_0``, ``X @ w``.

    Examples
    --------
    >>> import numpy as np
    >>> import dynlens as dl
    >>> data = {"X": np.eye(2), "y": [1.0, -1.0]}
    >>> problem = dl.objective("sum(softplus(-y * (X @ w)))", parameters={"w": 2}, data=data)
    >>> float(problem.objective(np.zeros(2)) / np.log(2))
    2.0
    >>> problem.gradient(np.zeros(2)).tolist()
    [-0.5, 0.5]
    """
    model = FormulaModel(formula, parameters, data, define)
    if model.tensor_shape != (1,):
        raise ValueError(
            f"`formula` must be a number to be minimized, but {model.formula!r:.80} has shape "
            f"{model.tensor_shape}; take its `sum`, or give its labels to `network`."
        )
    return Problem(model, LinearLoss(), Full([0.0]), penalty)


def network(
    formula: Any,
    *,
    parameters: Any,
    labels: Any,
    data: Any = (),
    define: Any = (),
    loss: Loss = HALF_SQUARES,
    penalty: Ridge | None = None,
) -> Problem:
    r"""Return the problem of fitting what a formula predicts to labels.

    Parameters
    ----------
    formula, parameters, data, define
        See `objective`; the formula is an array of predictions.
    labels : array_like
        What the loss wants: numbers of the predictions' shape; 1 or -1 for losses of margins;
        classes, counted from 0, for `CrossEntropy`, whose predictions are (samples, classes).
    loss : Loss
    penalty : Ridge, optional

    Returns
    -------
    Problem
        Its observable ``end_to_end`` is the predictions.

    Examples
    --------
    >>> import numpy as np
    >>> import dynlens as dl
    >>> X, y = np.array([[1.0, 2.0], [2.0, 0.0]]), [1, -1]
    >>> problem = dl.network(
    ...     "relu(X @ W) @ a", parameters={"W": (2, 4), "a": 4}, data={"X": X}, labels=y,
    ...     loss=dl.LogisticLoss(),
    ... )
    >>> problem.model.parameters, problem.model.kinks
    (12, ('X @ W',))
    """
    model = FormulaModel(formula, parameters, data, define)
    validation.instance("loss", loss, Loss, "for example `LogisticLoss()`.")
    return Problem(model, loss, loss.observations(labels, model.tensor_shape), penalty)
