r"""What cosines of gradients say of a separation rank, and their means in closed form.

For a function of two regions, :math:`f(x_P, x_Q) = \sum_{k \le K} g_k(x_P) h_k(x_Q)`, all gradients
:math:`\nabla_{x_P} f(x_P, \cdot)` at one :math:`x_P` lie in a space of K dimensions. The less their
directions agree, the larger K must be.

References
----------
razin2022implicit
"""

from __future__ import annotations

import numpy as np

from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike


def mean_cosines(gradients: ArrayLike) -> tuple[float, float]:
    """Means of ``|cos|`` and of ``cos**2`` over all ordered pairs of gradients, i = j included.

    Parameters
    ----------
    gradients : array_like, shape (m, d)
        At one point of a region, for m contents of another; none of them zero.
    """
    rows = validation.real_array("gradients", gradients, ndim=2)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not rows.size or not np.all(norms > 0):
        raise ValueError("`gradients` has a row that is zero and has no direction; drop it.")
    units = rows / norms
    cosines = units @ units.T
    return float(np.abs(cosines).mean()), float(np.square(cosines).mean())


def least_separation_rank(gradients: ArrayLike) -> float:
    r"""What the separation rank is at least, by the directions of gradients.

    .. math:: K \ge \Bigl(\frac1{m^2} \sum_{ij} \cos^2_{ij}\Bigr)^{-1} \ge
              \Bigl(\frac1{m^2} \sum_{ij} |\cos_{ij}|\Bigr)^{-1}

    Parameters
    ----------
    gradients : array_like, shape (m, d)
        :math:`\nabla_{x_P} f(x_P, x_Q^{(i)})` at one :math:`x_P`, for m contents :math:`x_Q`.

    Notes
    -----
    Welch's bound: the trace of :math:`G = \sum_i u_i u_i^\top`, of rank at most K, is m, so that
    :math:`\sum_{ij} \cos^2_{ij} = \operatorname{tr} G^2 \ge m^2 / K`. The pairs i = j count. A
    large value proves a large rank; a small one proves nothing.

    Examples
    --------
    >>> least_separation_rank([[1.0, 0.0], [0.0, 2.0]])
    2.0
    """
    return 1.0 / mean_cosines(gradients)[1]


def flat_cosine(k: int) -> float:
    r"""Mean of ``|cos|`` of two independent directions, uniform on the sphere of k dimensions.

    .. math:: \Gamma(k/2) / (\sqrt\pi\, \Gamma((k + 1)/2))

    It is the surrogate of :math:`x_P^\top C x_Q`, Gaussian :math:`x_Q`, for a matrix C with k equal
    singular values.

    Examples
    --------
    >>> [round(flat_cosine(k), 5) for k in (1, 2, 3, 4)]
    [1.0, 0.63662, 0.5, 0.42441]
    """
    from scipy.special import gammaln

    size = validation.count("k", k)
    return float(np.exp(gammaln(size / 2) - gammaln((size + 1) / 2)) / np.sqrt(np.pi))


def two_value_cosine(first: ArrayLike, second: ArrayLike) -> Array:
    r"""Mean of ``|cos|`` for a matrix with two singular values that are not zero.

    .. math:: \frac2\pi \Bigl(z + \frac1z\Bigr) \arctan z, \qquad
              z = \frac{s_1 - s_2}{s_1 + s_2}

    The directions of :math:`C x`, x Gaussian in the plane, have doubled angles that are wrapped
    Cauchy; that of the difference of two has the parameter :math:`z^2`.

    Parameters
    ----------
    first, second : array_like
        Singular values, not negative, not both zero.

    Examples
    --------
    >>> two_value_cosine(1.0, [1.0, 0.5, 0.1]).round(9).tolist()
    [0.636619772, 0.682775882, 0.890736272]
    """
    s, t = validation.real_array("first", first), validation.real_array("second", second)
    if np.any(s < 0) or np.any(t < 0) or np.any(s + t == 0):
        raise ValueError("`first` and `second` must be singular values, not both zero.")
    z = np.abs(s - t) / (s + t)
    ratio = np.divide(np.arctan(z), z, out=np.ones_like(z), where=z > 0)
    return np.asarray(2 / np.pi * (1 + z * z) * ratio)
