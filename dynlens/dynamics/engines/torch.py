"""Descent with torch, by one start or by many at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from dynlens.dynamics.engines.base import Engine
from dynlens.dynamics.engines.base import Loop as Steps
from dynlens.dynamics.engines.blocks import Block
from dynlens.dynamics.made import Made
from dynlens.dynamics.on_torch.loop import LOOK, Loop, Place, descend, fetched, prepared
from dynlens.dynamics.plan import Plan
from dynlens.dynamics.trajectory import Trajectory
from dynlens.problems.problem import Problem
from dynlens.support.progress import Progress
from dynlens.support.typing import Array


class Torch(Engine):
    """All runs side by side on a device, where the observables are computed too."""

    placed = True

    def loop(self, problem: Problem, plan: Plan) -> Steps:
        single = Single(problem, plan)
        return Steps(single.advance, single.finite, LOOK, _place(plan))

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
        """Run all starts in one block."""
        if not len(thetas):
            return []
        memory = np.tile(plan.memory(problem.model.parameters), (len(thetas), 1))
        progress = Progress(plan.total, title, "step", shown=bool(title))
        runs = descend(
            problem,
            thetas,
            etas,
            marks=plan.marks,
            method=plan.method,
            memory=memory if plan.method != "plain" else None,
            floor=plan.floor,
            observables=plan.recorded,
            device=plan.device,
            dtype=plan.dtype,
            tell=progress.advance if title else None,
        )
        block = Block(
            states=runs.final[None] if plan.recorded else runs.states,
            steps=runs.steps,
            status=runs.status,
            memory=runs.memory,
            flow_times=runs.flow_times,
            observed=runs.observed,
            attrs=_place(plan),
        )
        return Made(len(thetas), partial(block.run, problem, plan, etas))


def _place(plan: Plan) -> dict[str, str]:
    return {"device": plan.device, "dtype": plan.dtype}


class Single:
    """One run, as `engines.base.Run` wants it: its states come back after each call.

    The first call says where and how it begins; the later ones go on from there.
    """

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.place, self.method = Place.of(plan.device, plan.dtype), plan.method
        with self.place.quiet():
            self.problem = prepared(problem, self.place)
        self._loop: Loop | None = None

    def advance(self, theta: Array, memory: Array, eta: float, steps: int, floor: float) -> int:
        """Take steps in place; return how many were taken."""
        kept = memory if self.method != "plain" else memory[:0]
        with self.place.quiet():
            if self._loop is None:
                start = (theta[None], eta, floor, kept[None])
                self._loop = self.place.loop(self.problem, *start, self.method)
            before = int(self._loop.steps[0])
            self._loop.advance(steps)
            theta[:] = fetched(self._loop.theta[0])
            kept[:] = fetched(self._loop.memory[0])
            return int(self._loop.steps[0]) - before

    def finite(self, theta: Array) -> bool:
        """Whether the loss is, in the arithmetic of the device."""
        with self.place.quiet():
            state = self.place.tensor(theta, *theta.shape)
            return bool(np.isfinite(fetched(self.problem.objective(state))))
