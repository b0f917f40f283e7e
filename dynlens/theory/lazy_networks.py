r"""Function classes of two-layer networks with quadratic activation, and their population risks.

With inputs :math:`x \sim N(0, I_d)`, a target :math:`\langle x, B x\rangle` and a free intercept,
all functions are symmetric matrices up to a constant, and the risk of A is
:math:`2 \|A - B\|_F^2`. The risks here are the least over a class, relative to that of a
constant, :math:`\mathrm{dist}_F(B, V)^2 / \|B\|_F^2`. The classes of N neurons :math:`w_i`, the
rows of W:

* random features: :math:`\mathrm{span}\{w_i w_i^\top\}`, the second layer alone is trained;
* neural tangent: the sums of :math:`g_i w_i^\top + w_i g_i^\top`, the first layer linearized at W;
* networks: what N neurons can be, with as many signs of each kind as the second layer has.

References
----------
ghorbani2019limitations
"""

from __future__ import annotations

import numpy as np

from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike


def random_features_risk(B: ArrayLike, W: ArrayLike) -> float:
    """Relative squared distance of `B` to the span of the rank-one matrices of the rows of `W`.

    Parameters
    ----------
    B : array_like, shape (d, d)
        Symmetric, not zero.
    W : array_like, shape (N, d)

    Examples
    --------
    >>> random_features_risk(np.diag([1.0, 1.0]), [[2.0, 0.0]])
    0.5
    """
    target = nonzero("B", B)
    units = directions(W, len(target))
    # Normal equations of the best combination: Gram matrix <u_i, u_j>^2, overlaps <u_i, B u_i>.
    overlaps = ((units @ target) * units).sum(axis=1)
    weights = np.linalg.lstsq((units @ units.T) ** 2, overlaps, rcond=None)[0]
    left = target - (units.T * weights) @ units
    return float(np.sum(left**2) / np.sum(target**2))


def tangent_risk(B: ArrayLike, W: ArrayLike) -> float:
    r"""Relative size of what the neural tangent class misses, :math:`P_\perp B P_\perp`.

    Here :math:`P_\perp` projects onto the vectors orthogonal to all rows of `W`.

    Parameters
    ----------
    B : array_like, shape (d, d)
        Symmetric, not zero.
    W : array_like, shape (N, d)

    Examples
    --------
    >>> tangent_risk(np.diag([1.0, 2.0]), [[3.0, 0.0]])
    0.8
    """
    target = nonzero("B", B)
    units = directions(W, len(target))
    _, sizes, basis = np.linalg.svd(units)
    rank = int(np.sum(sizes > len(target) * np.finfo(float).eps * sizes[0]))
    outside = basis[rank:]
    return float(np.sum((outside @ target @ outside.T) ** 2) / np.sum(target**2))


def network_risk(B: ArrayLike, neurons: int, *, positive: int | None = None) -> float:
    r"""Relative squared distance of `B` to the matrices that networks of N neurons make.

    Parameters
    ----------
    B : array_like, shape (d, d)
        Symmetric, not zero.
    neurons : int
        N, zero or more.
    positive : int, optional
        How many of the second-layer weights are positive, the others being negative; all signs are
        free unless given.

    Notes
    -----
    By Eckart and Young the best network has the N eigenvalues of largest size; with p positive
    signs the p largest positive ones and the N - p most negative ones. The others are lost,
    squared.

    Examples
    --------
    >>> B = np.diag([2.0, 1.0, 0.5, -0.7, -1.5])
    >>> lost = [network_risk(B, 2) * np.sum(B**2), network_risk(B, 2, positive=2) * np.sum(B**2)]
    >>> np.round(lost, 12).tolist()
    [1.74, 2.99]
    """
    values = np.linalg.eigvalsh(nonzero("B", B))
    count = validation.count("neurons", neurons, least=0)
    lost = np.sort(values**2)[: max(len(values) - count, 0)]
    if positive is not None:
        plus = validation.count("positive", positive, least=0)
        if plus > count:
            raise ValueError(f"`positive` is {plus}, more than the {count} neurons; lower it.")
        above, below = np.sort(np.maximum(values, 0)), np.sort(np.maximum(-values, 0))
        d = len(values)
        lost = np.append(above[: max(d - plus, 0)], below[: max(d - count + plus, 0)]) ** 2
    return float(np.sum(lost) / np.sum(values**2))


def random_features_limit(B: ArrayLike, neurons: float, Gamma: ArrayLike | None = None) -> float:
    r"""Limit of `random_features_risk` for rows drawn from :math:`N(0, \Gamma/d)`, N / d fixed.

    .. math:: 1 - \frac{\rho \langle B, \Gamma\rangle^2}
                       {\|B\|_F^2 (d + \rho \|\Gamma\|_F^2)}, \qquad \rho = N / d

    Parameters
    ----------
    B : array_like, shape (d, d)
        Symmetric, not zero.
    neurons : float
        N.
    Gamma : array_like, shape (d, d), optional
        Covariance, with trace d as for the identity, which it is unless given: the class does not
        know the scale of the rows, the formula does.

    Examples
    --------
    >>> random_features_limit(np.eye(10), 10)
    0.5
    """
    target = nonzero("B", B)
    d = len(target)
    covariance = np.eye(d) if Gamma is None else validation.symmetric("Gamma", Gamma, size=d)
    if abs(np.trace(covariance) - d) > 1e-9 * d:
        raise ValueError(
            f"`Gamma` must have trace {d}, got {np.trace(covariance):.6g}; rescale it."
        )
    rho = validation.positive("neurons", neurons, allow_zero=True) / d
    seen = rho * np.sum(target * covariance) ** 2 / (d + rho * np.sum(covariance**2))
    return float(1 - seen / np.sum(target**2))


def tangent_mean(B: ArrayLike, neurons: int) -> float:
    r"""Mean of `tangent_risk` over rows of rotation invariant distribution, exact for every d.

    .. math:: \frac kd - d\,C + C\,\frac{(\mathrm{tr} B)^2}{\|B\|_F^2}, \qquad
              C = \frac{k (d - k)}{d (d - 1)(d + 2)}, \qquad k = \max(d - N, 0)

    Parameters
    ----------
    B : array_like, shape (d, d)
        Symmetric, not zero; d >= 2.
    neurons : int
        N, zero or more.

    Notes
    -----
    From the second moments of a random projection of rank k (theorem Q3.T2).

    Examples
    --------
    >>> round(tangent_mean(np.eye(4), 1), 12), round(tangent_mean(np.diag([1.0, -1.0]), 1), 12)
    (0.75, 0.25)
    """
    target = nonzero("B", B)
    d = len(target)
    if d < 2:
        raise ValueError("`B` must have at least 2 rows; in one dimension there is no direction.")
    k = max(d - validation.count("neurons", neurons, least=0), 0)
    C = k * (d - k) / (d * (d - 1) * (d + 2))
    return float(k / d - d * C + C * trace_share(target) * d)


def tangent_limit(rho: float, tau: float) -> float:
    r"""Limit of `tangent_mean` as d grows: :math:`(1-\rho)_+^2 (1-\tau) + (1-\rho)_+ \tau`.

    Parameters
    ----------
    rho : float
        N / d.
    tau : float
        `trace_share` of the target.

    Examples
    --------
    >>> tangent_limit(0.5, 0.0), tangent_limit(0.5, 1.0)
    (0.25, 0.5)
    """
    left = max(1 - validation.positive("rho", rho, allow_zero=True), 0.0)
    share = validation.positive("tau", tau, allow_zero=True)
    return left**2 * (1 - share) + left * share


def trace_share(B: ArrayLike) -> float:
    r"""Share of the identity in `B`: :math:`\tau = (\mathrm{tr} B)^2 / (d \|B\|_F^2)`, 0 to 1."""
    target = nonzero("B", B)
    return float(np.trace(target) ** 2 / (len(target) * np.sum(target**2)))


def mixture_risk(Delta: ArrayLike, seen: float) -> float:
    r"""Least risk over a class that sees :math:`\|P_V \Delta\|_F^2` of two Gaussians' difference.

    Labels :math:`\pm1` with equal probability, :math:`x \sim N(0, I \mp \Delta)`, squared loss, in
    the limit of small :math:`\|\Delta\|_{op}`: :math:`(1 + \tfrac12 \|P_V \Delta\|_F^2)^{-1}`.

    Parameters
    ----------
    Delta : array_like, shape (d, d)
        Symmetric, not zero.
    seen : float
        Share of its squared norm in the class: one less the class's risk for the target `Delta`.

    Examples
    --------
    >>> round(mixture_risk(0.1 * np.eye(60), 1.0), 5)
    0.76923
    """
    difference = nonzero("Delta", Delta)
    share = validation.positive("seen", seen, allow_zero=True)
    return float(1 / (1 + share * np.sum(difference**2) / 2))


def nonzero(name: str, value: ArrayLike) -> Array:
    """Return a symmetric matrix of which a share can be measured."""
    matrix = validation.symmetric(name, value)
    if not matrix.any():
        raise ValueError(f"`{name}` is zero, so that no share of it can be measured; change it.")
    return matrix


def directions(W: ArrayLike, size: int) -> Array:
    """Rows of unit length, of a matrix with `size` columns."""
    rows = validation.real_array("W", W, ndim=2)
    norms = np.linalg.norm(rows, axis=1)
    if not len(rows) or rows.shape[1] != size or np.any(norms == 0):
        raise ValueError(
            f"`W` must have rows of length {size}, at least one and none of them zero, got shape "
            f"{rows.shape}; drop the neurons that are zero."
        )
    return rows / norms[:, None]
