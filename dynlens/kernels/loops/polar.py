"""Lengths and directions of the vectors of a symmetric tensor, and the gradient from slopes."""

import math

from dynlens.kernels.loops.head import reordered

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@reordered
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


@reordered
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
