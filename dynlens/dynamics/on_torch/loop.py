"""Gradient descent of many runs at once, with torch, on a CPU or on a CUDA device.

The gradient is the models' own (see `on_torch.problem`), batched over the runs; nothing is
differentiated automatically. A run that has reached its end stays where it is while the others go
on, so that no step waits for a device. On CUDA many steps are recorded once as a graph and
replayed: starting a kernel takes longer than most of them run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.dynamics.on_torch.problem import (
    checked_device,
    checked_dtype,
    load_torch,
    moved,
    observed,
)
from dynlens.dynamics.on_torch.work import work_of
from dynlens.dynamics.plan import ADDED, DECAY, EPS, SQUARES, remembered
from dynlens.problems.objectives import ByEntries, ByTensor
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array, ArrayLike

LOOK = 1000  # steps between looks at which runs go on
RECORDED = 50  # steps in one CUDA graph
TOO_LARGE = 64  # times as many entries as are observed: a tensor that is not worth forming

Rule = Callable[[Any, Any, Any], tuple[Any, Any]]


# Each rule: gradients (B, P), step sizes (B, 1), memory (B, M) -> shifts (B, P), new memory.


def _plain(g: Any, eta: Any, memory: Any) -> tuple[Any, Any]:
    return -eta * g, memory


def _momentum(g: Any, eta: Any, memory: Any) -> tuple[Any, Any]:
    beta, velocity = memory[:, :1], memory[:, 1:]
    velocity = beta * velocity - eta * g
    return velocity, load_torch().cat([beta, velocity], dim=-1)


def _grouprmsprop(g: Any, eta: Any, memory: Any) -> tuple[Any, Any]:
    # The memory is in double precision always: it counts steps and adds up times.
    moment, count, passed = memory[:, 0:1], memory[:, 1:2] + 1, memory[:, 2:3]
    moment = DECAY * moment + (1 - DECAY) * (g * g).sum(axis=-1, keepdims=True)
    size = eta / (load_torch().sqrt(moment / (1 - DECAY**count)) + EPS)
    return -size.to(g.dtype) * g, load_torch().cat([moment, count, passed + size], dim=-1)


def _adam(g: Any, eta: Any, memory: Any) -> tuple[Any, Any]:
    torch, alpha, size = load_torch(), SQUARES["adam"], g.shape[-1]
    beta, count = memory[:, :1], memory[:, 1:2] + 1
    mean = beta * memory[:, 2 : 2 + size] + (1 - beta) * g
    squares = alpha * memory[:, 2 + size :] + (1 - alpha) * g * g
    root = torch.sqrt(squares / (1 - alpha**count))
    shift = -eta * (mean / (1 - beta**count)) / (root + ADDED["adam"])
    return shift, torch.cat([beta, count, mean, squares], dim=-1)


def _rmsprop(g: Any, eta: Any, memory: Any) -> tuple[Any, Any]:
    memory = SQUARES["rmsprop"] * memory + (1 - SQUARES["rmsprop"]) * g * g
    return -eta * g / (load_torch().sqrt(memory) + ADDED["rmsprop"]), memory


def _adagrad(g: Any, eta: Any, memory: Any) -> tuple[Any, Any]:
    memory = memory + g * g
    return -eta * g / (load_torch().sqrt(memory) + ADDED["adagrad"]), memory


RULES: dict[str, Rule] = {
    "plain": _plain,
    "momentum": _momentum,
    "grouprmsprop": _grouprmsprop,
    "adam": _adam,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
}


class Loop:
    """B runs side by side, on a device.

    Parameters
    ----------
    problem : Problem
        As `moved` returns it.
    theta : tensor, shape (B, P)
    eta, floor : tensor, shape (B, 1) and (B,)
    memory : tensor, shape (B, M)
    method : str

    Attributes
    ----------
    going : tensor of bool, shape (B,)
    steps : tensor of int, shape (B,)
        How many each run has taken.
    """

    def __init__(
        self, problem: Problem, theta: Any, eta: Any, floor: Any, memory: Any, method: str
    ) -> None:
        torch = load_torch()
        self.problem, self.rule = problem, RULES[method]
        self.theta, self.eta, self.floor, self.memory = theta, eta, floor, memory
        self.going = torch.ones(len(theta), dtype=torch.bool, device=theta.device)
        self.steps = torch.zeros(len(theta), dtype=torch.int64, device=theta.device)
        self._may_ask = theta.device.type == "cpu"
        self._graphs: tuple[Any, Any] | None = None

    def step(self) -> None:
        """Let every run that goes on take one step; all in place, as a recorded graph demands.

        On a CPU, where asking costs nothing, the mask is left out while every run goes on.
        """
        torch = load_torch()
        value, g = self.problem.value_and_gradient(self.theta)
        self.going &= (value > self.floor) & (value < np.inf)
        shift, memory = self.rule(g, self.eta, self.memory)
        self.steps += self.going
        if self._may_ask and self.going.all():
            self.theta += shift
            self.memory.copy_(memory)
            return
        goes = self.going[:, None]
        torch.where(goes, self.theta + shift, self.theta, out=self.theta)
        torch.where(goes, memory, self.memory, out=self.memory)

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        if self._may_ask:
            for _ in range(steps):
                self.step()
            return
        if self._graphs is None:
            self._graphs = self._recorded(RECORDED), self._recorded(1)
        many, one = self._graphs
        for _ in range(steps // RECORDED):
            many.replay()
        for _ in range(steps % RECORDED):
            one.replay()

    def _recorded(self, steps: int) -> Any:
        """Record steps as one CUDA graph, after a few on a stream of their own, as torch asks."""
        torch = load_torch()
        going = self.going.clone()
        self.going.zero_()  # these steps move nothing
        stream = torch.cuda.Stream(self.theta.device)
        stream.wait_stream(torch.cuda.current_stream(self.theta.device))
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.step()
        torch.cuda.current_stream(self.theta.device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(steps):
                self.step()
        self.going.copy_(going)
        return graph

    def any_going(self) -> bool:
        """Whether a run goes on; this waits for the device."""
        return bool(self.going.any())


@dataclass(frozen=True)
class Runs:
    """What became of B runs, saved at K steps.

    Parameters
    ----------
    states : ndarray, shape (K, B, P)
        The states at the steps to save; a run that ended before stays where it ended. Empty where
        observables were asked for.
    final : ndarray, shape (B, P)
    observed : dict of ndarray, shape (K, B, ...)
        The observables asked for.
    steps : ndarray of int, shape (B,)
        How many steps each run took.
    status : list of str
        ``"finished"``, ``"event"`` at or below the floor, ``"diverged"`` or ``"budget"``.
    memory : ndarray, shape (B, M)
        What the method remembers at the end.
    flow_times : ndarray, shape (K, B)
        Of GroupRMSprop, the flow time passed at the steps to save.
    """

    states: Array
    final: Array
    observed: dict[str, Array]
    steps: NDArray[np.int64]
    status: list[str]
    memory: Array
    flow_times: Array
    seconds: float = field(compare=False)


def descend(
    problem: Problem,
    starts: Array,
    etas: ArrayLike,
    *,
    marks: NDArray[np.int64],
    method: str = "plain",
    memory: Array | None = None,
    floor: ArrayLike = -np.inf,
    observables: Sequence[str] = (),
    max_seconds: float | None = None,
    device: Any = "cpu",
    dtype: str = "float64",
    tell: Callable[[int], Any] | None = None,
) -> Runs:
    """Run descent from all starts at once.

    Parameters
    ----------
    problem : Problem
    starts : ndarray, shape (B, P)
    etas : float or array_like, shape (B,)
    marks : ndarray of int, shape (K,)
        The increasing steps to save; the last is the number of steps.
    method : str
        As of `gradient_descent`.
    memory : ndarray, shape (B, M), optional
        As `Plan.memory`; of plain descent none.
    floor : float or array_like, shape (B,)
        A run ends where its loss is at or below this.
    observables : sequence of str
        To be computed on the device at the steps to save, in place of the states.
    max_seconds : float, optional
    device, dtype : str
    tell : callable, optional
        Is told how many steps have been taken since it was last called.

    Returns
    -------
    Runs
        In double precision, whatever the device computed in.

    Raises
    ------
    ImportError, TypeError, ValueError
        If torch, the device, or a formula for torch is missing; the text says which.
    MemoryError
        If so many runs do not fit onto the device.

    Notes
    -----
    The same call returns the same bits, on CUDA too: no sum is left to atomic additions. A run in
    a batch equals the run alone to rounding, since a product of many matrices adds up in another
    order than one of few.
    """
    began, count = time.perf_counter(), len(starts)
    place = Place.of(device, dtype)
    try:
        with place.quiet():
            on_device = prepared(problem, place, observables)
            kept = np.zeros((count, _memory(method, starts.shape[1]))) if memory is None else memory
            loop = place.loop(on_device, starts, etas, floor, kept, method)
            return _saved(loop, marks, tuple(observables), began, max_seconds, tell)
    except load_torch().OutOfMemoryError as error:
        raise MemoryError(
            f"{count} runs at once do not fit onto {device!r}; pass fewer starts at a time."
        ) from error


@dataclass(frozen=True)
class Place:
    """A torch device and the dtype to compute in."""

    device: Any
    dtype: Any

    @classmethod
    def of(cls, device: str, dtype: str) -> Place:
        """Return the place with these names, if this machine has it."""
        return cls(checked_device(device), checked_dtype(dtype))

    def tensor(self, array: ArrayLike, *shape: int) -> Any:
        """Return the array, broadcast to a shape, as a tensor of its own."""
        full = np.broadcast_to(np.asarray(array, dtype=np.float64), shape)
        return load_torch().tensor(full, dtype=self.dtype, device=self.device)

    def loop(
        self,
        problem: Problem,
        starts: Array,
        etas: ArrayLike,
        floor: ArrayLike,
        memory: Array,
        method: str,
    ) -> Loop:
        """Return the loop over these runs, before its first step."""
        torch, count, column = load_torch(), len(starts), np.reshape(etas, (-1, 1))
        kind = torch.float64 if method == "grouprmsprop" else self.dtype
        return Loop(
            problem,
            self.tensor(starts, *starts.shape),
            self.tensor(column, count, 1),
            self.tensor(floor, count),
            torch.tensor(memory, dtype=kind, device=self.device),
            method,
        )

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Compute without recording for derivatives, and without automatic lower precision."""
        torch = load_torch()
        with torch.inference_mode(), torch.autocast(self.device.type, enabled=False):
            yield


def prepared(problem: Problem, place: Place, names: Sequence[str] = ()) -> Problem:
    """Return the problem at the place, on whichever way to the predictions touches less memory.

    Some entries are found without the tensor by gathering rows, which many small tensors side by
    side do in fewer and larger operations. What is touched is counted, so the choice is always
    the same.
    """
    there = moved(problem, place.device, place.dtype, names)
    if not isinstance(there.of_factors, ByEntries):
        return there
    seen: Any = there.observations
    if prod(seen.shape) > TOO_LARGE * seen.count:
        return there
    through = replace(there)
    vars(through)["of_factors"] = ByTensor(there.model, there.loss, seen)
    with load_torch().inference_mode(False):
        probe = place.tensor(problem.probe, 8, problem.model.parameters)
    ways = [
        (work_of(partial(way.value_and_gradient, probe)).bytes, way) for way in (there, through)
    ]
    return min(ways, key=lambda pair: pair[0])[1]


def _memory(method: str, size: int) -> int:
    return 0 if method == "plain" else remembered(method, size)


def _saved(
    loop: Loop,
    marks: Any,
    names: tuple[str, ...],
    began: float,
    max_seconds: float | None,
    tell: Callable[[int], Any] | None,
) -> Runs:
    """Advance from mark to mark, and fetch what is asked for."""
    step, late, rows = 0, False, len(marks)
    states: list[Any] = []
    times: list[Any] = []
    values: dict[str, list[Any]] = {name: [] for name in names}
    for mark in marks:
        while step < mark and not late and (step % LOOK or loop.any_going()):
            wanted = min(int(mark) - step, LOOK - step % LOOK)
            loop.advance(wanted)
            step += wanted
            if tell is not None:
                tell(wanted)
            late = max_seconds is not None and time.perf_counter() - began > max_seconds
        for name in names:
            values[name].append(observed(loop.problem, name, loop.theta))
        states.append(fetched(loop.theta) if not names else None)
        times.append(fetched(loop.memory[:, -1]) if loop.rule is _grouprmsprop else None)
        if step < mark:  # nothing moves any more
            break

    def filled(saved: list[Any]) -> Array:
        return np.stack(saved + saved[-1:] * (rows - len(saved)))

    # The last step is not followed by a look: a run that is at its end by then has finished.
    finite = np.isfinite(fetched(loop.problem.objective(loop.theta)))
    ran = "finished" if step == marks[-1] or not late else "budget"
    status = [
        ran if goes else "event" if here else "diverged"
        for goes, here in zip(loop.going.cpu().tolist(), finite, strict=True)
    ]
    none = np.empty((0, *loop.theta.shape))
    return Runs(
        states=none if names else filled(states),
        final=fetched(loop.theta),
        observed={name: filled(saved) for name, saved in values.items()},
        steps=loop.steps.cpu().numpy(),
        status=status,
        memory=fetched(loop.memory),
        flow_times=filled(times) if loop.rule is _grouprmsprop else np.zeros((rows, len(status))),
        seconds=time.perf_counter() - began,
    )


def fetched(tensor: Any) -> Array:
    """Return a tensor's numbers as an array of ours, in double precision."""
    return np.array(tensor.cpu().numpy(), dtype=np.float64)
