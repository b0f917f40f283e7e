r"""Modified flows: equations whose solutions gradient descent follows more closely than the flow.

A step :math:`\eta` of descent is, up to a local error of higher order, the flow for time
:math:`\eta` of a field that differs from :math:`-g` in powers of :math:`\eta` (backward error
analysis). Each function here makes such a field, to be passed to `gradient_flow`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dynlens.models.capabilities import SumOfPowers
from dynlens.problems.curvature import DENSE, hessian_function
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array

Field = Callable[[float, Array], Array]
CIRCLE = 32  # points at which the gradient is evaluated for its second derivative along a line


def modified_field(problem: Problem, eta: float, *, order: int = 1) -> Field:
    r"""Return the field of the modified equation, with corrections up to :math:`\eta^{order}`.

    .. math::

        \tilde f = -g - \tfrac{\eta}{2} H g
            + \eta^2 \bigl(-\tfrac13 H^2 g - \tfrac1{12} \nabla^3\phi[g, g]\bigr) + O(\eta^3)

    Parameters
    ----------
    problem : Problem
    eta : float
        Step of the descent that is to be followed.
    order : {0, 1, 2}
        0 is the flow itself; 1 is the gradient flow of :math:`\phi + \tfrac{\eta}{4} \|g\|^2`
        (implicit gradient regularization); 2 adds the next term, which in general is no gradient.

    Returns
    -------
    callable
        ``field(t, theta)``, shape (P,).

    References
    ----------
    barrett2021implicit, hairer2006geometric
    """
    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    step = validation.positive("eta", eta)
    if validation.count("order", order, least=0) > 2:
        raise ValueError(f"`order` is {order}, but corrections are known up to order 2.")

    def field(t: float, theta: Array) -> Array:
        g = problem.gradient(theta)
        if order == 0:
            return -g
        Hg = problem.hessian_vector_product(theta, g)
        if order == 1:
            return -g - step / 2 * Hg
        return -g - step / 2 * Hg + step**2 * second_correction(problem, theta)

    return field


def frozen_scalar_field(problem: Problem, kappa: float) -> Field:
    r"""Return the field in which the scalars of a 2-homogeneous decomposition are held fixed.

    With :math:`c_i = 1/\|u_i\|` a constant while the gradient of
    :math:`\sum_i a_i c_i^{l-2} u_i^{\otimes l}` and of its penalty is taken, and reset after the
    step, as in Wang et al. (2020), :math:`\kappa = l`; the gradient itself is :math:`\kappa = 2`:

    .. math::

        \dot{u} = \|u\| \bigl[(\kappa - l) \sigma \bar u + l\, a\, D(\bar u^{l-1}, \cdot)\bigr]
            - \tfrac{\kappa}{2} \lambda u.

    It is the negative gradient with its component along each :math:`u_i` multiplied by
    :math:`\kappa/2`: directions turn alike, lengths grow :math:`\kappa/2` times as fast, and for
    :math:`\kappa \ne 2` there is no function of which it is the gradient.

    Parameters
    ----------
    problem : Problem
        Of a `SymmetricTensor` of degree 2 with fixed coefficients.
    kappa : float
        Positive; 2 or the order.

    Returns
    -------
    callable
        ``field(t, theta)``, for `gradient_flow` and `gradient_descent`.

    References
    ----------
    wang2020beyond
    """
    model, factor = two_homogeneous(problem), validation.positive("kappa", kappa) / 2

    def field(t: float, theta: Array) -> Array:
        units = model.polar(problem.factors(theta))[1]
        (down,) = problem.factors(-problem.gradient(theta))
        along = (units * down).sum(axis=-1, keepdims=True)
        return model.ravel((down + (factor - 1) * along * units,))

    return field


def two_homogeneous(problem: Problem) -> SumOfPowers:
    """Return the problem's model, if it is a 2-homogeneous one with fixed coefficients."""
    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    model = problem.model
    if not isinstance(model, SumOfPowers) or model.degree != 2 or model.trained:
        raise ValueError(
            f"`problem` must be of a 2-homogeneous SymmetricTensor, got {model!r}; pass `degree=2` "
            "and fixed coefficients."
        )
    return model


def second_correction(problem: Problem, theta: Array) -> Array:
    r"""Return :math:`f_2 = -\tfrac13 H^2 g - \tfrac1{12} \nabla^3\phi[g, g]`, shape (P,)."""
    g = problem.gradient(theta)
    Hg = problem.hessian_vector_product(theta, g)
    HHg = problem.hessian_vector_product(theta, Hg)
    return -HHg / 3 - third_derivative(problem, theta, g) / 12


def principal_field(problem: Problem, eta: float, *, lanczos: bool | None = None) -> Field:
    r"""Return the field of the principal flow, which is descent itself on a quadratic.

    .. math::

        \dot\theta = \sum_i \frac{\log(1 - \eta\lambda_i)}{\eta\lambda_i} (g^\top u_i)\, u_i

    over the eigenpairs of the Hessian; real as long as :math:`\eta\lambda_i < 1`.

    Parameters
    ----------
    problem : Problem
    eta : float
    lanczos : bool, optional
        Whether to apply the function of the Hessian by Lanczos' method, to ten digits, instead of
        by the whole spectrum; by default for more than 128 parameters.

    Returns
    -------
    callable
        ``field(t, theta)``; raises `ValueError` where :math:`\eta\lambda_{\max} \ge 1`, from where
        on descent oscillates and no real field follows it. (By Lanczos: where an eigendirection
        that the gradient takes part in is that sharp; the others do not enter.)

    References
    ----------
    rosca2023continuous
    """
    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    step = validation.positive("eta", eta)
    krylov = problem.model.parameters > DENSE if lanczos is None else bool(lanczos)

    def factors(values: Array) -> Array:
        z = step * values
        if z[-1] >= 1:
            raise ValueError(
                "the principal flow is not real where eta times the sharpness is "
                f"{z[-1]:.3g} >= 1; take a smaller `eta`, or end before."
            )
        small = np.abs(z) < 1e-8
        safe = np.where(small, 1.0, z)
        return np.where(small, -1 - z / 2, np.log1p(-np.where(small, 0.0, z)) / safe)

    def field(t: float, theta: Array) -> Array:
        g = problem.gradient(theta)
        if krylov:
            return hessian_function(problem, theta, g, factors)
        values, vectors = np.linalg.eigh(problem.hessian(theta))
        return np.asarray(vectors @ (factors(values) * (vectors.T @ g)))

    return field


def third_derivative(problem: Problem, theta: Array, v: Array) -> Array:
    r"""Return :math:`\nabla^3\phi[v, v]`, the second derivative of the gradient along v.

    By Cauchy's formula on a circle in the complex plane: along a line the gradient of a squared
    loss of a multilinear model is a polynomial, for which the formula is exact to rounding as long
    as its degree is below the number of points.

    Raises
    ------
    TypeError
        If the loss is no square: the formula needs an analytic one, and Huber's is not.
    """
    if not problem.loss.quadratic:
        raise TypeError(
            f"{problem.loss!r} has no third derivative that is known: it is no square; "
            "use SquaredLoss, or `order=1`."
        )
    size = np.linalg.norm(v)
    if size == 0:
        return np.zeros_like(theta)
    radius = max(float(np.linalg.norm(theta)), 1.0) / size
    circle = np.exp(2j * np.pi * np.arange(CIRCLE) / CIRCLE)
    values = problem.gradient(theta + radius * circle[:, None] * v)
    coefficient = (circle[:, None] ** -2 * values).mean(axis=0) / radius**2
    return 2 * np.real(coefficient)
