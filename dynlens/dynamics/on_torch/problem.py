"""A problem whose arrays lie on a torch device: the same formulas, computed elsewhere."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dynlens.observables import registry
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array

# How far torch may be from the reference at a random state, relative to the largest number: wide,
# since a wrong formula is off by much more.
TOLERANCE = {"float64": 1e-9, "float32": 1e-3}
REMEDY = (
    "write it with `xp = namespace(array)`, as docs/adding_a_model.md shows, or use backend='numba'"
)


def load_torch() -> Any:
    """Import torch, or say what to install."""
    try:
        import array_api_compat  # noqa: F401  (the formulas ask for it)
        import torch
    except ImportError as error:
        raise ImportError(
            f'backend="torch" needs {error.name}; pip install "dynlens[torch]" (for the small CPU '
            "build add `--extra-index-url https://download.pytorch.org/whl/cpu`)."
        ) from error
    return torch


def checked_device(name: Any) -> Any:
    """Return the torch device of that name, if this machine has it."""
    torch = load_torch()
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"`device` must be 'cpu' or 'cuda', got {name!r:.80}.") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"`device` must be 'cpu' or 'cuda', got {name!r:.80}.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"`device` is {str(device)!r}: no CUDA device; use device='cpu'.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"`device` is {str(device)!r}: there are {torch.cuda.device_count()}.")
    return device


def checked_dtype(name: Any) -> Any:
    """Return the torch dtype of that name."""
    return getattr(load_torch(), validation.one_of("dtype", name, TOLERANCE))


def moved(problem: Problem, device: Any, dtype: Any, names: Sequence[str] = ()) -> Problem:
    """Return the same problem with its arrays on the device.

    Parameters
    ----------
    problem : Problem
    device : torch.device
    dtype : torch.dtype
    names : sequence of str
        Observables that will be asked of it.

    Raises
    ------
    TypeError
        If the model or an observable cannot be computed with torch.
    RuntimeError
        If its gradient is not that of the reference.
    """
    model, observations = copy.copy(problem.model), copy.copy(problem.observations)
    penalty = copy.copy(problem.tensor_penalty)
    there = replace(problem, model=model, observations=observations, tensor_penalty=penalty)
    # Whatever arrays the formulas read are cached once they have been computed.
    probes = problem.probe[None]
    reference = _stacked(*there.value_and_gradient(probes))
    shapes = {name: registry.find(name)(there, probes).shape for name in names}
    if observations.entries is not None:
        _ = observations.kernel_data  # where they lie in the tensor, should it be formed
    for thing in (model, observations, *([] if penalty is None else [penalty])):
        vars(thing).update({name: _carried(v, device, dtype) for name, v in vars(thing).items()})
    there = replace(there)  # without what it computed in numpy

    probes = load_torch().as_tensor(probes, dtype=dtype, device=device)
    got = _tried(repr(problem.model), lambda: _stacked(*there.value_and_gradient(probes)))
    _compare(problem, got, reference, str(dtype).removeprefix("torch."))
    for name in names:
        values = _tried(f"observable {name!r}", lambda name=name: observed(there, name, probes))
        if values.shape != shapes[name]:
            raise TypeError(f"observable {name!r} has another shape with torch; {REMEDY}.")
    return there


def observed(problem: Problem, name: str, theta: Any) -> Array:
    """Return an observable of states (..., P), computed where they lie."""
    values = registry.find(name).function(problem, problem.factors(theta))
    return _fetched(values)


def _fetched(tensor: Any) -> Array:
    # An array of numpy's has silently left the device, and would fail on another one.
    validation.instance("values", tensor, load_torch().Tensor, "compute it with `namespace`.")
    return np.asarray(tensor.double().cpu().numpy())


def _stacked(value: Any, gradient: Any) -> Array:
    pair = [part if isinstance(part, np.ndarray) else _fetched(part) for part in (value, gradient)]
    return np.append(*pair)


def _tried(what: str, compute: Any) -> Array:
    try:
        return np.asarray(compute())
    except (TypeError, AttributeError, RuntimeError, ValueError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TypeError(
            f"{what} cannot be computed with torch ({reason:.80}); {REMEDY}."
        ) from error


def _carried(value: Any, device: Any, dtype: Any) -> Any:
    """Arrays, and tuples of arrays, as tensors; all else as it is."""
    if isinstance(value, tuple) and value and isinstance(value[0], np.ndarray):
        return tuple(_carried(part, device, dtype) for part in value)
    if not isinstance(value, np.ndarray):
        return value
    kind = dtype if value.dtype.kind == "f" else None
    return load_torch().as_tensor(value.copy(), dtype=kind, device=device)


def _compare(problem: Problem, got: Array, expected: Array, dtype: str) -> None:
    size = np.abs(expected).max()
    # Zero, or beyond what the dtype holds: no comparison; the run itself will tell.
    if not 0 < size < np.finfo(dtype).max:
        return
    gap = np.abs(got - expected).max() / size
    if not gap < TOLERANCE[dtype]:
        raise RuntimeError(
            f"The gradient of {problem.model!r} with torch is off by {gap:.1e} at a random state; "
            "use backend='numba', and report it unless the model is your own."
        )
