"""Training symmetric decompositions in phases, with fresh components at the start of each.

The algorithms of Wang et al. (2020) and Ge et al. (2021). Their thresholds, whose constants the
papers choose for the proofs, are arguments here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.flow import gradient_flow
from dynlens.dynamics.modified import frozen_scalar_field, two_homogeneous
from dynlens.dynamics.trajectory import Trajectory
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike


def modified_flow(
    problem: Problem,
    theta0: ArrayLike,
    *,
    phases: Sequence[float],
    threshold: float,
    scale: float,
    seed: int,
    **numerics: Any,
) -> tuple[Trajectory, ...]:
    r"""Gradient flow in phases; small components start each phase but the first anew.

    Parameters
    ----------
    problem : Problem
        Of a 2-homogeneous `SymmetricTensor` with fixed coefficients.
    theta0 : array_like, shape (P,)
        Start of the first phase.
    phases : sequence of float
        How long each lasts: enough to align, and then to grow. In the paper
        :math:`\Theta(d / (\beta \log d)) + O(\log(1/\delta\lambda) / \beta)`, with the size
        :math:`\beta` of what is to be found falling geometrically.
    threshold : float
        :math:`\delta_1`: components of smaller norm are drawn anew.
    scale : float
        :math:`\delta_0 \ll \delta_1`: the norm they are given.
    seed : int
    **numerics
        Passed to `gradient_flow`.

    Returns
    -------
    tuple of Trajectory
        One for each phase, each with a clock of its own.

    References
    ----------
    ge2021understanding

    Examples
    --------
    >>> import dynlens as dl
    >>> target = dl.RankOneSum.orthogonal([1.0, 0.8], dimension=4, order=4)
    >>> model = dl.SymmetricTensor(4, 4, 3, degree=2)
    >>> problem = dl.Problem(model, dl.SquaredLoss(), target, dl.Ridge(0.05))
    >>> theta0 = problem.init(1e-3, kind="sphere", seed=0)
    >>> runs = modified_flow(
    ...     problem, theta0, phases=[15.0] * 3, threshold=0.1, scale=1e-3, seed=1
    ... )
    >>> runs[-1].values("residual_coefficients")[-1].round(3).tolist()
    [0.025, 0.025]
    """
    model: Any = two_homogeneous(problem)
    theta = problem.check_theta(theta0)
    lengths = validation.sequence("phases", phases, "for example [10.0] * 3.")
    bound, size = validation.positive("threshold", threshold), validation.positive("scale", scale)
    rng, runs = np.random.default_rng(validation.seed_of(seed)), []
    for k, length in enumerate(lengths):
        if k:
            (u,) = problem.factors(theta)
            small = np.linalg.norm(u, axis=1) < bound
            u = np.where(small[:, None], _sphere(rng, size, model), u)
            theta = model.ravel((u,))
        runs.append(gradient_flow(problem, theta, length, **numerics))
        theta = runs[-1].final
    return tuple(runs)


def modified_descent(
    problem: Problem,
    *,
    epochs: int,
    steps: int,
    eta: float,
    scale: float,
    seed: int,
    kappa: float = 2.0,
    fresh: bool = True,
    switch: float | None = None,
    saves: int = 2,
) -> tuple[Trajectory, ...]:
    r"""Gradient descent in epochs; the smallest component starts each but the first anew.

    Parameters
    ----------
    problem : Problem
        Of a 2-homogeneous `SymmetricTensor` with fixed coefficients, whose signs are drawn here:
        in the beginning for all components, and again with every fresh one.
    epochs, steps : int
        Number of epochs, and of steps in each.
    eta : float
    scale : float
        :math:`\delta`, the norm of fresh components.
    seed : int
    kappa : float
        2 for the gradient, the order for the frozen-scalar variant (see `frozen_scalar_field`).
    fresh : bool
        Whether there are fresh components at all.
    switch : float, optional
        A fresh component begins with the constant scalar :math:`1/\delta` (vanilla dynamics) and
        changes to :math:`1/\|u\|` when its norm first exceeds this; recalled from the paper as
        :math:`2\sqrt{m}\,\delta`. Unless given, scalars are never constant.
    saves : int
        How many states to keep of each run.

    Returns
    -------
    tuple of Trajectory
        One for each epoch, two where a component switches in it. They have problems of their own,
        since signs and scalars are part of the model.

    References
    ----------
    wang2020beyond
    """
    model: Any = two_homogeneous(problem)
    count, total = validation.count("epochs", epochs), validation.count("steps", steps)
    size = validation.positive("scale", scale)
    if switch is not None and validation.positive("switch", switch) <= size:
        raise ValueError(f"`switch` = {switch:g} is not above `scale` = {size:g}; raise it.")
    rng = np.random.default_rng(validation.seed_of(seed))
    u = _sphere(rng, size, model)
    signs = rng.choice([-1.0, 1.0], model.components)
    runs: list[Trajectory] = []
    for epoch in range(count):
        new: int | None = None
        if epoch and fresh:
            new = int(np.linalg.norm(u, axis=1).argmin())
            u = u.copy()
            u[new] = _sphere(rng, size, model)[0]
            signs[new] = rng.choice([-1.0, 1.0])
        left = total
        if new is not None and switch is not None:
            run = _until_switch(problem, signs, u, new, size, switch, eta, total)
            runs.append(run)
            left -= int(run.attrs["steps"])
            (u,) = run.problem.factors(run.final)
        if left:
            own = replace(problem, model=replace(model, coefficients=tuple(signs)))
            field = None if kappa == 2 else frozen_scalar_field(own, kappa)
            run = gradient_descent(own, u.ravel(), eta=eta, steps=left, saves=saves, field=field)
            runs.append(run)
            (u,) = own.factors(run.final)
    return tuple(runs)


def _until_switch(
    problem: Problem,
    signs: Array,
    u: Array,
    new: int,
    scale: float,
    switch: float,
    eta: float,
    steps: int,
) -> Trajectory:
    """Descend while one component is vanilla, until it has grown or the epoch is over."""
    model: Any = two_homogeneous(problem)
    # a (1/delta)^(l-2) u^l, beside a |u|^(2-l) u^l for all others
    coefficients, degree = signs.copy(), np.full(model.components, 2)
    coefficients[new] *= scale ** (2 - model.order)
    degree[new] = model.order
    mixed = replace(model, coefficients=tuple(coefficients), degree=tuple(degree.tolist()))
    own = replace(problem, model=mixed)
    run = gradient_descent(own, u.ravel(), eta=eta, steps=steps, saves=np.arange(steps + 1))
    grown = np.flatnonzero(run.values("vector_norms")[:, new] > switch)
    last = int(grown[0]) if grown.size else len(run) - 1
    attrs = {**run.attrs, "steps": last}
    return replace(run, t=run.t[: last + 1], theta=run.theta[: last + 1], attrs=attrs)


def _sphere(rng: np.random.Generator, scale: float, model: Any) -> Array:
    return np.asarray(model.draw(scale, "sphere", rng)[0])
