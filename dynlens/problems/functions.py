"""Problems of functions: of numpy arrays, or of torch tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dynlens.models.function import FunctionModel, checked, complex_step, named_shapes
from dynlens.problems.losses import LinearLoss
from dynlens.problems.observations import Full
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array, ArrayLike


def from_function(
    function: Callable[..., Any],
    gradient: Callable[..., Any] | None = None,
    *,
    size: int | None = None,
    parameters: Any = None,
    at: ArrayLike | None = None,
) -> Problem:
    """Return the problem of minimizing a function of your own.

    Parameters
    ----------
    function : callable
        Of an array of shape (P,), a number; with `parameters`, of one array each, in their order.
    gradient : callable, optional
        Likewise, one array of each parameter's shape (a tuple of them, with `parameters`). Without
        it the function must compute with complex numbers, and a complex step differentiates it.
    size : int
        Number of parameters, P; they are called ``x``.
    parameters : mapping from names to shapes
        In the place of `size`.
    at : array_like, shape (P,), optional
        Where the gradient is compared with differences; a random state unless given.

    Returns
    -------
    Problem
        Without a compiled kernel, which runs say of themselves, and without a line that reproduces
        a verdict: a function has no text. `objective` has both.

    Raises
    ------
    ValueError
        If the gradient is not that of the function.

    Examples
    --------
    >>> problem = from_function(lambda x: (x**4).sum(), size=2)
    >>> problem.gradient(np.array([1.0, 2.0])).tolist()
    [4.0, 32.0]
    """
    shapes = named_shapes(size, parameters)
    one = size is not None
    split = FunctionModel(_nothing, _nothing, shapes).unravel

    def value(theta: Array) -> Any:
        return function(theta) if one else function(*split(theta))

    def slope(theta: Array) -> Any:
        assert gradient is not None
        if one:
            return gradient(theta)
        return np.concatenate([np.reshape(part, -1) for part in gradient(*split(theta))])

    if gradient is None:
        _check_complex(value, sum(int(np.prod(shape)) for _, shape in shapes))
    made = complex_step(value) if gradient is None else slope
    model = checked(FunctionModel(value, made, shapes), None if at is None else np.asarray(at))
    return Problem(model, LinearLoss(), Full([0.0]))


def from_torch(
    function: Callable[..., Any],
    *,
    module: Any = None,
    size: int | None = None,
    parameters: Any = None,
    at: ArrayLike | None = None,
) -> Problem:
    """Return the problem of minimizing a function of torch tensors.

    Parameters
    ----------
    function : callable
        Of a tensor of shape (P,), or of one tensor for each of `parameters`, a number. With a
        `module`, of a callable that is the module with the parameters of a state.
    module : torch.nn.Module, optional
        In double precision. Its parameters are called as in its `state_dict`, with ``_`` for dots
        and "layer" before a number: ``layer0_weight``.
    size, parameters, at
        As in `from_function`.

    Returns
    -------
    Problem
        Gradients by reverse mode, Hessian products by forward mode over it, both exact.
    """
    from dynlens.problems.torch_functions import on_torch

    shapes, value, slope, product = on_torch(function, module, size, parameters)
    model = FunctionModel(value, slope, shapes, product)
    return Problem(
        checked(model, None if at is None else np.asarray(at)), LinearLoss(), Full([0.0])
    )


def _nothing(theta: Array) -> Array:
    return theta


def _check_complex(function: Callable[..., Any], size: int) -> None:
    theta = 0.5 * np.random.default_rng(0).standard_normal(size)
    advice = "give `gradient`, or write it by functions of complex numbers (no abs, max or float)."
    try:
        found = np.asarray(function(theta + 1e-100j))
    except TypeError as error:
        raise TypeError(f"the function refuses complex numbers ({error}); {advice}") from error
    if found.size != 1:
        raise TypeError(f"`function` must return a real number, not shape {found.shape}.")
    if found.dtype.kind != "c":
        raise TypeError(f"the function drops the imaginary part of its argument; {advice}")
