"""A fresh component goes to the direction with the largest residual times overlap squared.

Ge et al. (2021), order 4, derived (Q1.T6): the winner is argmax a_k w_k(0)^2, and once some
directions are fitted, their coefficient is lambda / 2 (Q2.T5). Fresh components of norm 1e-30 are
followed beside fitted ones, in the model itself.
"""

from dataclasses import dataclass

import numpy as np

from dynlens import (
    Check,
    Equal,
    Measurement,
    Problem,
    RankOneSum,
    Ridge,
    SquaredLoss,
    SymmetricTensor,
    Theorem,
    gradient_flow,
)
from dynlens.theory.closed_forms import winner


@dataclass(frozen=True)
class Fresh(Measurement):
    """Fresh components beside `fitted` converged ones: where they end, and where rules say so."""

    fitted: int
    coefficients: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7)
    penalty: float = 0.6
    dimension: int = 6
    count: int = 60
    seed: int = 0
    t_end: float = 55.0

    def measure(self, fine):
        a, half, j = np.array(self.coefficients), self.penalty / 2, self.fitted
        rng = np.random.default_rng(self.seed)
        drawn = rng.standard_normal((self.count, self.dimension))
        drawn /= np.linalg.norm(drawn, axis=1)[:, None]
        target = RankOneSum.orthogonal(a, dimension=self.dimension, order=4)
        model = SymmetricTensor(self.dimension, 4, self.count + j, degree=2)
        problem = Problem(model, SquaredLoss(), target, Ridge(self.penalty))
        done = np.sqrt(a[:j] - half)[:, None] * np.eye(self.dimension)[:j]
        start = np.concatenate([done, 1e-30 * drawn]).ravel()
        rtol = 1e-9 if fine else 1e-8
        run = gradient_flow(
            problem, start, [self.t_end], method="DOP8", rtol=rtol, atol=1e-38, strict=True
        )
        cosines = np.square(run.values("target_cosines")[-1, j:])

        def rule(values):
            padded = np.append(values, np.zeros(self.dimension - len(a)))
            return np.array([winner(x, padded, 4) for x in drawn])

        left = np.where(np.arange(len(a)) < j, half, a)
        return {
            "ends": cosines.argmax(axis=1),
            "cosine": cosines.max(axis=1),
            "rule": rule(left),
            "whole": rule(a),
            "nothing_left": rule(np.where(np.arange(len(a)) < j, 0.0, a)),
            "penalty_left": rule(np.where(np.arange(len(a)) < j, self.penalty, a)),
            "overlap": np.square(drawn[:, : len(a)]).argmax(axis=1),
        }


def goes_to(rule):
    return Equal("ends", rule, scale="1", tolerance=0.0)


cases = (Fresh(0), Fresh(1), Fresh(2), Fresh(2, seed=1))
theorem = Theorem(
    id="Q2.T2",
    title="which direction a fresh component finds",
    source="ge2021understanding; derived",
    checks=(Check(goes_to("rule"), cases),),
    controls={
        "the largest overlap": Check(goes_to("overlap"), cases),
        "fitted directions keep their coefficient": Check(goes_to("whole"), cases),
        "nothing is left of fitted directions": Check(goes_to("nothing_left"), cases),
        "the whole penalty is left of them": Check(goes_to("penalty_left"), cases),
    },
)
