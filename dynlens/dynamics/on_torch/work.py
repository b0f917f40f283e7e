"""What the operations of a computation touch: bytes and multiplications, counted, not timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from dynlens.dynamics.on_torch.problem import load_torch


@dataclass(frozen=True)
class Work:
    """Bytes that operations read and write, each for itself, and operations in matrix products."""

    bytes: float
    flops: float


def work_of(compute: Callable[[], Any]) -> Work:
    """Count the work of a computation on torch tensors, outside of the inference mode."""
    from torch.utils._python_dispatch import TorchDispatchMode

    torch, counts = load_torch(), [0.0, 0.0]

    def touched(value: Any) -> float:
        if not isinstance(value, torch.Tensor):
            return 0.0
        # An expanded tensor is read once.
        sizes = (n for n, stride in zip(value.shape, value.stride(), strict=True) if stride)
        return float(prod(sizes) * value.element_size())

    class Counting(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            out = func(*args, **(kwargs or {}))
            if not func.is_view:
                counts[0] += sum(map(touched, args)) + touched(out)
            if func.overloadpacket in (torch.ops.aten.bmm, torch.ops.aten.mm):
                counts[1] += 2.0 * prod(args[0].shape) * args[1].shape[-1]
            return out

    # In inference mode a product would not be taken apart for whoever looks on.
    with torch.inference_mode(False), torch.no_grad(), Counting():
        compute()
    return Work(*counts)
