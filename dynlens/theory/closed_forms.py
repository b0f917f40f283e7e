r"""What is known in closed form of components that decompose a symmetric tensor.

Conventions: loss :math:`\tfrac12\|W - W^*\|^2` with penalty :math:`\tfrac\lambda2\sum\|u_i\|^2`
(without the two ½ everything happens twice as fast), target :math:`\sum_k a_k e_k^{\otimes l}` with
orthonormal :math:`e_k`. Vectors are given by their coordinates along the :math:`e_k`; directions
outside the target's span have :math:`a_k = 0`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
# The integrands' nearest singularities are pi away from the real axis: on intervals of length one
# this rule errs by less than rounding.


def winner(direction: ArrayLike, coefficients: ArrayLike, order: int) -> int | None:
    r"""Which direction a component ends up in: :math:`\arg\max_k a_k \bar u_k(0)^{l-2}`.

    Absolute values for even orders; None if no :math:`a_k \bar u_k^{l-2}` is positive, which for
    even orders takes a zero residual.

    Examples
    --------
    >>> winner([0.5, 0.6, 0.6], [1.0, 0.7, 0.4], order=3)
    0
    """
    start, a, l = _checked(direction, coefficients, order)
    strength = a * start ** (l - 2)
    best = int(strength.argmax())
    return best if strength[best] > 0 else None


@dataclass(frozen=True)
class FrozenResidual:
    r"""One component, while the residual :math:`D = \sum_k a_k e_k^{\otimes l}` does not change.

    Parameters
    ----------
    start : sequence of float, shape (d,)
        :math:`u(0)`, in coordinates along the :math:`e_k`.
    coefficients : sequence of float, shape (d,)
        :math:`a_k \ge 0`, zero outside the target's span.
    order : int
        :math:`l \ge 3`.
    kappa : float
        2 for the gradient of the 2-homogeneous parameterization, `order` for its frozen-scalar
        variant (see `frozen_scalar_field`).
    penalty : float
        :math:`\lambda`.

    Notes
    -----
    The direction is that of the vanilla flow :math:`\dot P_k = l a_k P_k^{l-1}`, which decouples,
    on another clock. With :math:`p = \bar u(0)`, :math:`g_k = a_k p_k^{l-2}`,
    :math:`\rho_k = g_k / \max g` and :math:`\tau = 1 / (l (l-2) \max g)`,

    .. math::

        P_k(s) = p_k (1 - \rho_k + \rho_k e^{-s})^{-1/(l-2)}, \quad
        t(s) = \int_0^s \|P\|^{l-2} \tau e^{-\varsigma} d\varsigma, \quad
        u = \|u(0)\| \frac{P}{\|P\|} \|P\|^{\kappa/l} e^{-\kappa\lambda t/2}.

    Everything is evaluated in s, and with :math:`P e^{-s/(l-2)}`, which stays bounded: in the
    vanilla flow's own time all digits are lost near its blow-up.

    References
    ----------
    wang2020beyond, ge2021understanding

    Examples
    --------
    >>> path = FrozenResidual((3e-4, 5e-4, 8e-4), (1.0, 0.7, 0.0), order=4)
    >>> (path.at([0.0, 20.0])[1] / np.linalg.norm(path.at([20.0])[0])).round(6).tolist()
    [0.0, 1.0, 0.0]
    """

    start: tuple[float, ...]
    coefficients: tuple[float, ...]
    order: int
    kappa: float = 2.0
    penalty: float = 0.0

    def __post_init__(self) -> None:
        start, a, _ = _checked(self.start, self.coefficients, self.order)
        validation.positive("kappa", self.kappa)
        validation.positive("penalty", self.penalty, allow_zero=True)
        if winner(start, a, self.order) is None:
            raise ValueError("`start` has no winner: a_k u_k^(l-2) is positive for no k.")

    @property
    def _power(self) -> float:
        return 1.0 / (self.order - 2)

    @cached_property
    def _p(self) -> Array:
        start = np.array(self.start, dtype=float)
        return start / np.linalg.norm(start)

    @cached_property
    def _gaps(self) -> tuple[Array, float]:
        r""":math:`1 - \rho_k`, without cancellation, and :math:`\tau`."""
        g = np.array(self.coefficients) * self._p ** (self.order - 2)
        return (g.max() - g) / g.max(), float(1 / (self.order * (self.order - 2) * g.max()))

    def scaled(self, s: ArrayLike) -> Array:
        r""":math:`P(s) e^{-s/(l-2)}`, shape (..., d)."""
        grown = np.expm1(np.minimum(np.asarray(s, dtype=float), 700.0))[..., None]
        return np.asarray(self._p * (1 + self._gaps[0] * grown) ** -self._power)

    def _clock(self, low: Array, high: Array) -> Array:
        """Time that passes from s = low to s = high, by one Gauss rule."""
        middle, half = (high + low) / 2, (high - low) / 2
        s = middle[..., None] + half[..., None] * NODES
        speed = self._gaps[1] * np.linalg.norm(self.scaled(s), axis=-1) ** (self.order - 2)
        return np.asarray((speed * WEIGHTS).sum(axis=-1) * half)

    def time(self, s: float) -> float:
        """Flow time t(s)."""
        edges = np.linspace(0.0, s, max(2, int(np.ceil(s)) + 1))
        return float(self._clock(edges[:-1], edges[1:]).sum())

    def clock(self, times: ArrayLike) -> Array:
        """Inverse of `time`: s at the given flow times, shape (T,)."""
        t = validation.times("times", times)
        # In the end t grows by 1 / (l (l - 2) a) for each unit of s.
        steepest = self.order * (self.order - 2) * max(self.coefficients)
        edges = np.arange(0.0, 2 * steepest * t[-1] + 51.0)
        passed = np.concatenate([[0.0], np.cumsum(self._clock(edges[:-1], edges[1:]))])
        place = np.minimum(np.searchsorted(passed, t, side="right"), len(edges) - 1) - 1
        low = edges[place]
        s, missing = low.copy(), t - passed[place]
        for _ in range(60):  # Newton: t(s) is smooth and increasing
            speed = self._gaps[1] * np.linalg.norm(self.scaled(s), axis=-1) ** (self.order - 2)
            move = (missing - self._clock(low, s)) / speed
            s = np.clip(s + move, low, low + 1)
            if np.abs(move).max() < 1e-15 * max(1.0, s.max()):
                break
        return s

    def at(self, times: ArrayLike) -> Array:
        """State u at the given flow times, shape (T, d)."""
        t, s = validation.times("times", times), self.clock(times)
        rest = self.scaled(s)
        size = np.linalg.norm(rest, axis=-1, keepdims=True)
        log_norm = np.log(size) + s[:, None] * self._power  # of P
        share = self.kappa / self.order * log_norm - self.kappa * self.penalty * t[:, None] / 2
        return np.asarray(np.linalg.norm(self.start) * rest / size * np.exp(share))

    @property
    def lag(self) -> float:
        r"""Alignment lag: how much later than an aligned component this one grows.

        .. math::

            t_{lag} = \int_0^\infty \bigl[\|P\|^{l-2} \tau e^{-s} - \tfrac1{l(l-2)a_\star}\bigr] ds,

        so that in the end :math:`\|u\|^2 = \|u(0)\|^2 p_\star^{4/l} e^{4 a_\star (t - t_{lag}) -
        2 \lambda t}` for :math:`\kappa = 2`.
        """
        # What is left decays like exp(-2 s / (l - 2)), or like the runner-up's gap to the leader.
        last = 40.0 * (self.order - 2) + np.log(2 / self._runner_up)
        edges = np.linspace(0.0, last, int(np.ceil(last)) + 1)
        star = int(np.argmin(self._gaps[0]))
        limit = 1 / (self.order * (self.order - 2) * self.coefficients[star])
        ratio = np.delete(self.scaled(_nodes(edges)), star, axis=-1)
        lead = self.scaled(_nodes(edges))[..., star]
        # (|P| / P_*)^(l-2) - 1, again without cancellation
        others = (ratio**2).sum(axis=-1) / lead**2
        excess = np.expm1((self.order - 2) / 2 * np.log1p(others))
        half = np.diff(edges) / 2
        return float(limit * ((excess * WEIGHTS).sum(axis=-1) * half).sum())

    @property
    def _runner_up(self) -> float:
        gaps = np.sort(self._gaps[0])
        return float(max(gaps[1], 1e-300)) if len(gaps) > 1 else 1.0


def _nodes(edges: Array) -> Array:
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    return np.asarray(middle[:, None] + half[:, None] * NODES)


def alignment_time(coefficient: float, share: float) -> float:
    r"""Time until half of a component's squared direction is along its only active direction.

    Order 4: :math:`\tfrac1{8a}[\ln\tfrac{1-x}{x} + \tfrac{1-2x}{x}]` from the share
    :math:`x = \bar u_1(0)^2`; about d/(8a) for the share 1/d.

    Examples
    --------
    >>> [round(alignment_time(1.0, 1 / d), 3) for d in (10, 100, 1000)]
    [1.275, 12.824, 125.613]
    """
    a, x = validation.positive("coefficient", coefficient), validation.positive("share", share)
    return float((np.log((1 - x) / x) + (1 - 2 * x) / x) / (8 * a))


def logistic_mass(times: ArrayLike, coefficient: float, start: float, penalty: float = 0.0) -> Any:
    r"""Mass :math:`\hat a(t)` that aligned components of one direction have fitted together.

    :math:`\dot{\hat a} = 4 \hat a (K - \hat a)` with :math:`K = a - \lambda/2`, any order, any
    number of components, 2-homogeneous; it dies if :math:`K \le 0`.

    Parameters
    ----------
    times : array_like
    coefficient : float
        a, of the target.
    start : float
        :math:`\hat a(0) = \sum_i \|u_i(0)\|^2`.
    penalty : float

    Examples
    --------
    >>> round(float(logistic_mass(100.0, 1.3, 5e-6, penalty=0.1)), 12)
    1.25
    """
    t, K = np.asarray(times, dtype=float), coefficient - penalty / 2
    begin = validation.positive("start", start)
    if K == 0:
        return begin / (1 + 4 * begin * t)
    decay = np.exp(-4 * abs(K) * t)
    if K > 0:
        return K * begin / (begin + (K - begin) * decay)
    return K * begin * decay / (begin * decay + (K - begin))


def half_time(coefficient: float, start: float, penalty: float = 0.0) -> float:
    r"""When :math:`\hat a` reaches K/2: :math:`\ln(K/\hat a_0 - 1) / (4K)`, see `logistic_mass`."""
    K = coefficient - penalty / 2
    return float(np.log(K / start - 1) / (4 * K))


def fitting_times(
    directions: ArrayLike,
    coefficients: ArrayLike,
    order: int,
    *,
    scale: float,
    penalty: float = 0.0,
    eta: float | None = None,
) -> Array:
    r"""Predict from the start when each direction of the target is half fitted, shape (r,).

    Each component starts at length `scale` and goes, by the frozen residual, to its winner, where
    it arrives as if it had started there later by its lag and shorter by :math:`p_k^{2/l}`; then
    the logistic law holds. Asymptotic as the scale tends to zero: alignment must precede growth.

    Parameters
    ----------
    directions : array_like, shape (m, d)
        Unit vectors :math:`\bar u_i(0)`, in coordinates along the :math:`e_k`.
    coefficients : array_like, shape (r,)
        All positive.
    order : int
    scale, penalty : float
    eta : float, optional
        For gradient descent with this step, which grows by :math:`\ln(1 + 2K\eta)/\eta` where the
        flow grows by 2K.

    Returns
    -------
    ndarray, shape (r,)
        Infinite for directions that no component goes to, or that the penalty lets die
        (:math:`a \le \lambda/2`).

    References
    ----------
    ge2021understanding
    """
    starts = validation.real_array("directions", directions, ndim=2)
    a = validation.real_array("coefficients", coefficients, ndim=1)
    padded = np.concatenate([a, np.zeros(starts.shape[1] - len(a))])
    masses = np.zeros(len(a))
    for p in starts:
        k = winner(p, padded, order)
        if k is not None:
            path = FrozenResidual(tuple(p), tuple(padded), order)
            masses[k] += scale**2 * abs(p[k]) ** (4 / order) * np.exp(-4 * a[k] * path.lag)
    K, times = a - penalty / 2, np.full(len(a), np.inf)
    live = (K > 0) & (masses > 0)
    K = K[live]
    times[live] = np.log(K / masses[live] - 1) / (4 * K)
    if eta is not None:
        times[live] *= 2 * K * eta / np.log1p(2 * K * eta)
    return times


def vanilla_time(start: float, stop: float, coefficient: float, order: int) -> float:
    r"""Time in which :math:`\dot u = l (a - u^l) u^{l-1}` goes from `start` to `stop` < a^(1/l).

    One aligned vanilla component with coefficient one. Escape from a small start :math:`\delta`
    takes about :math:`1 / (l (l-2) a \delta^{l-2})`, l > 2, where the 2-homogeneous one takes
    :math:`\ln(1/\delta)`.

    Examples
    --------
    >>> round(vanilla_time(0.003, 0.5, 1.0, 4) * 0.003**2, 5)
    0.125
    """
    from scipy.integrate import quad

    a, l = validation.positive("coefficient", coefficient), validation.count("order", order)
    low, high = validation.positive("start", start), validation.positive("stop", stop)
    if not low < high < a ** (1 / l):
        raise ValueError(f"`stop` must lie between `start` and a^(1/l) = {a ** (1 / l):.6g}.")
    # 1 / (l (a - u^l) u^(l-1)) = 1 / (l a u^(l-1)) + u / (l a (a - u^l))
    first = np.log(high / low) if l == 2 else (low ** (2 - l) - high ** (2 - l)) / (l - 2)
    rest, _ = quad(lambda u: u / (a - u**l), low, high, epsabs=0.0, epsrel=1e-13, limit=200)
    return float((first + rest) / (l * a))


def basin_edge(residual: float, coefficient: float, order: int) -> float:
    r"""Largest share :math:`\bar u_2^2` from which a component still goes to :math:`e_1`.

    Two directions, with residuals :math:`\tilde a_1` (that of a fitted one is
    :math:`\lambda/2`) and :math:`a_2`: :math:`e_1` wins iff
    :math:`\tilde a_1 |\bar u_1|^{l-2} > a_2 |\bar u_2|^{l-2}`.

    Examples
    --------
    >>> round(basin_edge(0.05, 0.7, order=4), 5)
    0.06667
    """
    ratio = (residual / coefficient) ** (2 / (order - 2))
    return float(ratio / (1 + ratio))


def _checked(start: ArrayLike, coefficients: ArrayLike, order: int) -> tuple[Array, Array, int]:
    a = validation.real_array("coefficients", coefficients, ndim=1)
    u: NDArray[np.float64] = validation.real_array("start", start, shape=a.shape)
    if not u.any():
        raise ValueError("`start` is zero; pass a vector with a direction.")
    if (a < 0).any():
        raise ValueError("`coefficients` must not be negative; for odd orders, turn e_k around.")
    return u / np.linalg.norm(u), a, validation.count("order", order, least=3)
