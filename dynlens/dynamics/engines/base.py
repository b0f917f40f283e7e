"""What an engine of descent is: it takes steps, from one start or from many."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dynlens.dynamics.looks import page_of
from dynlens.dynamics.plan import Ending, Plan, trajectory_of
from dynlens.dynamics.threads import Queue, share_out
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables.recorder import Kept
from dynlens.problems.problem import Problem
from dynlens.support.progress import Progress
from dynlens.support.typing import Array

CHUNK = 200_000  # steps between looks at the clock, at most
MOMENT = 0.02  # seconds that a loop runs before it is left, at least: leaving costs time too

Update = Callable[[Array, Array, float, int, float], int]
Record = Callable[[Array, Array, float, float, Array], int]


@dataclass(frozen=True)
class Loop:
    """What takes the steps of one run.

    Parameters
    ----------
    advance : callable
        Takes some steps in place, ``(theta, memory, eta, steps, floor) -> steps taken``: fewer
        where the loss is at or below the floor, or not finite.
    finite : callable
        Whether the loss at a state is, in the arithmetic of the loop.
    chunk : int
        Steps between looks at the clock, at most.
    attrs : dict
        What a run by this loop says of it.
    record : callable, optional
        Takes as many steps as there are rows in ``states``, and saves each of them there:
        ``(theta, memory, eta, floor, states) -> steps taken``.
    """

    advance: Update
    finite: Callable[[Array], bool]
    chunk: int = CHUNK
    attrs: dict[str, Any] = field(default_factory=dict)
    record: Record | None = None

    def recorded(self, theta: Array, memory: Array, eta: float, floor: float, states: Array) -> int:
        """Take steps and save each, as `record` does."""
        if self.record is not None:
            return self.record(theta, memory, eta, floor, states)
        for k, row in enumerate(states):
            if not self.advance(theta, memory, eta, 1, floor):
                return k
            row[:] = theta
        return len(states)


class Engine(ABC):
    """What runs gradient descent. A new one says how it takes steps, by `loop`.

    Attributes
    ----------
    placed : bool
        Whether it computes where, and as precisely, as `Plan.device` and `Plan.dtype` say.
    """

    placed = False

    @abstractmethod
    def loop(self, problem: Problem, plan: Plan) -> Loop:
        """Return what takes the steps of one run."""

    def one(
        self,
        problem: Problem,
        plan: Plan,
        theta: Array,
        eta: float,
        *,
        memory: Array | None = None,
        progress: bool = False,
    ) -> Trajectory:
        """Run descent from one start, shape (P,), as the arguments have been checked.

        With a `memory` it goes on from what `Plan.memory` had become.
        """
        begun = plan.memory(theta.size) if memory is None else memory
        run = Run(problem, plan, self.loop(problem, plan), theta.copy(), begun.copy(), eta)
        return run.to_the_end(Progress(plan.total, "descent", "step", shown=progress))

    def every_step(
        self, problem: Problem, plan: Plan, theta: Array, eta: float, memory: Array
    ) -> Iterator[tuple[Array, Array]]:
        """Run descent, and hand out times and states of all steps, page by page."""
        loop, theta, memory, step = self.loop(problem, plan), theta.copy(), memory.copy(), 0
        yield np.zeros(1), theta[None].copy()
        size = page_of(theta.size)
        while step < plan.total:
            states = np.empty((min(size, plan.total - step), theta.size))
            done = loop.recorded(theta, memory, eta, plan.floor, states)
            yield plan.times(eta, np.arange(step + 1, step + done + 1)), states[:done]
            step += done
            if done < len(states):
                return

    def many(
        self,
        problem: Problem,
        plan: Plan,
        thetas: Array,
        etas: Array,
        *,
        threads: int = 1,
        title: str = "",
    ) -> Sequence[Trajectory]:
        """Run descent from all starts, shape (B, P), with step sizes of shape (B,).

        Unless an engine knows better, one run comes after another. A `title` shows the progress.
        """
        runs: list[Any] = [None] * len(thetas)

        def work(queue: Queue) -> None:
            for b in queue:
                runs[b] = self.one(problem, plan, thetas[b], float(etas[b]))
                queue.finish()

        share_out(work, len(thetas), 1, title)
        return runs


class Run:
    """One descent under way: its state and memory change in place."""

    def __init__(
        self, problem: Problem, plan: Plan, loop: Loop, theta: Array, memory: Array, eta: float
    ) -> None:
        self.problem, self.plan, self.loop = problem, plan, loop
        self.theta, self.memory, self.eta = theta, memory, eta
        self.step, self.status = 0, "finished"
        self.began = time.perf_counter()
        # With a budget the clock is looked at after a moment, however long a step takes.
        self.most = loop.chunk if plan.max_seconds is None else 1

    def to_the_end(self, progress: Progress) -> Trajectory:
        """Take the steps of the plan, save what it wants, and return the trajectory."""
        steps: list[int] = []
        states: list[Array] = []
        flow_times: list[float] = []
        recorder = Kept(self.problem, self.plan.recorded)
        for mark in self.plan.marks.tolist():
            while self.step < mark and self.status == "finished":
                progress.advance(self._advance(mark - self.step))
            if steps and self.step == steps[-1]:  # it ended where it was saved last
                break
            steps.append(self.step)
            flow_times.append(float(self.memory[self.plan.remembered(self.theta.size) - 1]))
            if self.plan.recorded:
                recorder.add(self.theta)
            else:
                states.append(self.theta.copy())
            if self.status != "finished":
                break
        attrs = {"seconds": time.perf_counter() - self.began, **self.loop.attrs}
        if self.plan.method == "grouprmsprop":
            attrs["flow_time"] = flow_times
        return trajectory_of(
            self.problem,
            self.plan,
            self.eta,
            steps=steps,
            states=np.array(states or [self.theta]),
            recorded=recorder.values(),
            ending=Ending(self.status, self.memory, attrs),
        )

    def _advance(self, steps: int) -> int:
        """Take that many steps or fewer, and see whether the run ends there."""
        wanted, before = min(steps, self.most), time.perf_counter()
        done = self.loop.advance(self.theta, self.memory, self.eta, wanted, self.plan.floor)
        self.step += done
        if done < wanted:
            # The loop stops at the threshold or at a loss that is not finite; which, is asked
            # again, and not against the threshold: each loop adds up in an order of its own.
            self.status = "event" if self.loop.finite(self.theta) else "diverged"
        elif self.plan.max_seconds is not None:
            now = time.perf_counter()
            self.most = min(2 * self.most, self.loop.chunk) if now - before < MOMENT else wanted
            if now - self.began > self.plan.max_seconds and self.step < self.plan.total:
                self.status = "budget"
        return done
