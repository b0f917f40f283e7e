"""Compiled loops of the symmetric tensor decomposition: by inner products, and entry by entry."""

from __future__ import annotations

import numpy as np

from dynlens.kernels.products import Kernel
from dynlens.support.typing import Array


def gram_source(order: int) -> str:
    """Source of ``gram_gradient``, for one order: powers are then products of known length."""
    return _HEAD + _GRAM.replace("POWER", " * ".join(["x"] * (order - 1))).replace(
        "ORDER", str(order)
    )


def dense_kernel(
    dimension: int, order: int, coefficients: Array, degrees: Array, trained: bool
) -> Kernel:
    """Kernel of the written-out tensor, for few entries: the contract of every model."""
    names = {
        "SIZE": dimension,
        "ORDER": order,
        "COUNT": len(degrees),
        "TRAINED": trained,
        "FIXED": f"np.array({coefficients.tolist()})",
        "DEGREES": f"np.array({degrees.tolist()})",
    }
    constants = "\n".join(f"{name} = {value}" for name, value in names.items())
    work = len(degrees) * (dimension + 2) + dimension + order
    text = f"{constants}\n\n{_HEAD}{_DENSE}"
    return Kernel(text, np.empty(0, dtype=np.int64), work)


_HEAD = '''# Sums may be taken in any order; infinities and NaNs stay what they are.
fast = njit(cache=True, fastmath={"reassoc", "contract", "nsz"})


@fast
def polar(theta, fixed, degrees, trained, units, lengths, masses):
    """Unit vectors (zero for zero), lengths, and c |u|^p."""
    m, d = units.shape
    for i in range(m):
        total = 0.0
        for a in range(d):
            total += theta[i * d + a] * theta[i * d + a]
        lengths[i] = math.sqrt(total)
        c = theta[m * d + i] if trained else fixed[i]
        masses[i] = c * lengths[i] ** degrees[i]
        inverse = 1.0 / lengths[i] if lengths[i] > 0.0 else 0.0
        for a in range(d):
            units[i, a] = theta[i * d + a] * inverse


@fast
def spread(theta, fixed, degrees, trained, units, lengths, order, factor, i, slope, out):
    """Write the gradient of component i from its slope; return the slope along it."""
    m, d = units.shape
    along = 0.0
    for a in range(d):
        along += slope[a] * units[i, a]
    p = degrees[i]
    c = theta[m * d + i] if trained else fixed[i]
    size = factor * c * lengths[i] ** (p - 1.0)
    for a in range(d):
        out[i * d + a] = size * ((p - order) * along * units[i, a] + order * slope[a])
    if trained:
        out[m * d + i] = factor * lengths[i] ** p * along
    return along


'''

_GRAM = '''@fast
def power(x):
    return POWER


@compiled
def matrix(work, start, rows, columns):
    return work[start : start + rows * columns].reshape(rows, columns)


@compiled
def times(left, right, out):
    np.dot(left, right, out)


@fast
def pull_to_target(overlaps, c, target):
    """c_j (u_i . v_j)^(l-1) in place; the value of the target at each unit vector."""
    for i in range(len(overlaps)):
        target[i] = 0.0
        for j in range(len(c)):
            x = overlaps[i, j]
            overlaps[i, j] = c[j] * power(x)
            target[i] += overlaps[i, j] * x


@fast
def pull_to_others(gram, masses):
    """-mass_k (u_i . u_k)^(l-1) in place."""
    for i in range(len(gram)):
        for k in range(len(masses)):
            gram[i, k] = -masses[k] * power(gram[i, k])


@fast
def gather(theta, fixed, degrees, trained, units, lengths, masses, target, slopes, out):
    """Gradient from the slopes; what the squared distance is less the target's own norm."""
    total = 0.0
    for i in range(len(slopes)):
        along = spread(
            theta, fixed, degrees, trained, units, lengths, ORDER, -2.0, i, slopes[i], out
        )
        total -= masses[i] * (along + target[i])
    return total


@fast
def add(slopes, more):
    for i in range(len(slopes)):
        for a in range(slopes.shape[1]):
            slopes[i, a] += more[i, a]


@compiled
def gram_gradient(theta, index, rows, work, out):
    m, d, r, trained = index[0], index[1], index[2], index[3] == 1
    fixed, degrees, c = rows[:m], rows[m : 2 * m], rows[2 * m : 2 * m + r]
    v, own = matrix(rows, 2 * m + r, r, d), rows[2 * m + r + r * d]
    units, slopes = matrix(work, 0, m, d), matrix(work, m * d, m, d)
    gram, overlaps = matrix(work, 2 * m * d, m, m), matrix(work, 2 * m * d + m * m, m, r)
    place = m * (2 * d + m + r)
    lengths, masses = work[place : place + m], work[place + m : place + 2 * m]
    target = work[place + 2 * m : place + 3 * m]
    polar(theta, fixed, degrees, trained, units, lengths, masses)
    times(units, v.T, overlaps)
    times(units, units.T, gram)
    pull_to_target(overlaps, c, target)
    pull_to_others(gram, masses)
    times(gram, units, slopes)
    # The tail of the work space is not free: the target's pull goes where the gradient will be.
    more = matrix(out, 0, m, d)
    times(overlaps, v, more)
    add(slopes, more)
    return own + gather(
        theta, fixed, degrees, trained, units, lengths, masses, target, slopes, out
    )'''

_DENSE = """@compiled
def parts(work):
    units = work[: COUNT * SIZE].reshape(COUNT, SIZE)
    place = COUNT * SIZE
    return units, work[place : place + COUNT], work[place + COUNT : place + 2 * COUNT]


@fast
def forward(theta, index, rows, work, tensor):
    units, lengths, masses = parts(work)
    polar(theta, FIXED, DEGREES, TRAINED, units, lengths, masses)
    for e in range(len(tensor)):
        tensor[e] = 0.0
        for i in range(COUNT):
            rest, product = e, masses[i]
            for _ in range(ORDER):
                product *= units[i, rest % SIZE]
                rest //= SIZE
            tensor[e] += product


@fast
def backward(theta, index, rows, work, cotangent, out):
    units, lengths, masses = parts(work)
    place = COUNT * (SIZE + 2)
    slope, before = work[place : place + SIZE], work[place + SIZE : place + SIZE + ORDER]
    for i in range(COUNT):
        slope[:] = 0.0
        for e in range(len(cotangent)):
            # Products of the coordinates before each mode, then after it.
            rest, product = e, cotangent[e] / ORDER
            for k in range(ORDER):
                before[k] = product
                product *= units[i, rest % SIZE]
                rest //= SIZE
            rest, product = e, 1.0
            high = SIZE ** (ORDER - 1)
            for k in range(ORDER - 1, -1, -1):
                a = (e // high) % SIZE
                slope[a] += before[k] * product
                product *= units[i, a]
                high //= SIZE
        spread(theta, FIXED, DEGREES, TRAINED, units, lengths, ORDER, 1.0, i, slope, out)"""
