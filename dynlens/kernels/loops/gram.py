"""Squared distance to a sum of powers and its gradient, by inner products of vectors."""

import numpy as np

from dynlens.kernels.loops.head import compiled, reordered
from dynlens.kernels.loops.polar import polar, spread

ORDER = 4  # known, so that a power is a product of known length
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@reordered
def power(x):
    product = x
    for _ in range(ORDER - 2):
        product *= x
    return product


@compiled
def matrix(work, start, rows, columns):
    return work[start : start + rows * columns].reshape(rows, columns)


@compiled
def times(left, right, out):
    np.dot(left, right, out)


@reordered
def pull_to_target(overlaps, c, target):
    """c_j (u_i . v_j)^(l-1) in place; the value of the target at each unit vector."""
    for i in range(len(overlaps)):
        target[i] = 0.0
        for j in range(len(c)):
            x = overlaps[i, j]
            overlaps[i, j] = c[j] * power(x)
            target[i] += overlaps[i, j] * x


@reordered
def pull_to_others(gram, masses):
    """-mass_k (u_i . u_k)^(l-1) in place."""
    for i in range(len(gram)):
        for k in range(len(masses)):
            gram[i, k] = -masses[k] * power(gram[i, k])


@reordered
def gather(theta, fixed, degrees, trained, units, lengths, masses, target, slopes, out):
    """Gradient from the slopes; what the squared distance is less the target's own norm."""
    total = 0.0
    for i in range(len(slopes)):
        along = spread(
            theta, fixed, degrees, trained, units, lengths, ORDER, -2.0, i, slopes[i], out
        )
        total -= masses[i] * (along + target[i])
    return total


@reordered
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
    return own + gather(theta, fixed, degrees, trained, units, lengths, masses, target, slopes, out)
