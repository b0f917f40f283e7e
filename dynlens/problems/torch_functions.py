"""Functions of torch tensors as functions of numpy arrays, with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dynlens.models.function import named_shapes
from dynlens.support.typing import Array


def _word(name: str) -> str:
    """Name of a module's parameter in claims: ``0.weight`` is ``layer0_weight``."""
    return ("layer" if name[0].isdigit() else "") + name.replace(".", "_")


def on_torch(
    function: Callable[..., Any], module: Any, size: int | None, parameters: Any
) -> tuple[Any, Callable[[Array], Any], Callable[[Array], Array], Callable[..., Array]]:
    """Return the factors, and the function, its gradient and its Hessian products in numpy."""
    try:
        import torch
        from torch import func
    except ImportError as error:
        raise ImportError('functions of torch need it; pip install "dynlens[torch]".') from error
    names: list[str] = []
    if module is not None:
        own = dict(module.named_parameters())
        wrong = [name for name, p in own.items() if p.dtype != torch.float64]
        if wrong:
            raise TypeError(
                f"`module` has {wrong[0]!r} in {own[wrong[0]].dtype}; call `module.double()`."
            )
        names, parameters = list(own), {_word(k): tuple(p.shape) for k, p in own.items()}
    shapes = named_shapes(size, parameters)

    def cut(theta: Any) -> list[Any]:
        parts = torch.split(theta, [int(np.prod(shape)) for _, shape in shapes])
        return [part.reshape(shape) for part, (_, shape) in zip(parts, shapes, strict=True)]

    def of_tensor(theta: Any) -> Any:
        if module is not None:
            state = dict(zip(names, cut(theta), strict=True))
            return function(lambda *args: func.functional_call(module, state, args))
        return function(theta) if size is not None else function(*cut(theta))

    def checked(theta: Any) -> Any:
        found = of_tensor(theta)
        if not isinstance(found, torch.Tensor) or found.numel() != 1:
            raise TypeError("`function` must return a tensor of one number.")
        if found.dtype != torch.float64:
            raise TypeError(
                f"`function` returns {found.dtype}: some of its data is not torch.float64."
            )
        return found.reshape(())

    slope = func.grad(checked)

    def tensor(theta: Array) -> Any:
        return torch.as_tensor(np.ascontiguousarray(theta))

    def value(theta: Array) -> float:
        with torch.no_grad():
            return float(checked(tensor(theta)))

    def gradient(theta: Array) -> Array:
        return np.asarray(slope(tensor(theta)).detach().numpy())

    def product(theta: Array, v: Array) -> Array:
        _, along = func.jvp(slope, (tensor(theta),), (tensor(v),))
        return np.asarray(along.detach().numpy())

    return shapes, value, gradient, product
