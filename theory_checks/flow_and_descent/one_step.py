"""Descent for a step or a short time beside modified flows: the cases and sizes of F1 and F2.3."""

import numpy as np

import dynlens as dl
from dynlens.cases.base import theta_of
from dynlens.dynamics.modified import second_correction, third_derivative

from .cases import TWO_LAYERS

ETAS = (0.01, 0.005, 0.0025, 0.00125)
STEPS = (
    dl.BackwardError(TWO_LAYERS, (1.7, 0.3), ETAS),
    dl.BackwardError(dl.completion_problem(2), dl.Start(0.7, seed=0), ETAS),
    dl.BackwardError(dl.completion_problem(3), dl.Start(0.7, seed=1), ETAS),
)
RUNS = (
    dl.BackwardError(TWO_LAYERS, (1.7, 0.3), ETAS[:3], 3.0),
    dl.BackwardError(dl.completion_problem(2), dl.Start(0.5, seed=0), ETAS[:3], 2.0),
)


def limit(of, power):
    """Of ``of / eta**power`` as eta tends to zero, from the two smallest steps."""

    def extrapolated(samples):
        eta = samples.read("eta")
        ratio = samples.read(of) / eta**power
        value = (ratio[-1] * eta[-2] - ratio[-2] * eta[-1]) / (eta[-2] - eta[-1])
        return np.full(len(eta), value)

    return extrapolated


def at_the_start(size):
    """A number at the start of a step, by its problem; the samples know the end only."""

    def number(samples):
        case = next(case for case in STEPS if case.problem == samples.problem)
        return np.full(len(samples), size(case.problem, theta_of(case.start, case.problem)))

    number.__name__ = size.__name__
    return number


@at_the_start
def size_of_Hg(problem, theta):
    return np.linalg.norm(problem.hessian_vector_product(theta, problem.gradient(theta)))


@at_the_start
def half_Hg(problem, theta):
    return np.linalg.norm(problem.hessian_vector_product(theta, problem.gradient(theta))) / 2


@at_the_start
def size_of_second(problem, theta):
    return np.linalg.norm(second_correction(problem, theta))


@at_the_start
def third_alone(problem, theta):
    return np.linalg.norm(third_derivative(problem, theta, problem.gradient(theta))) / 12
