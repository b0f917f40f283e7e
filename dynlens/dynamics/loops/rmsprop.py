"""The rule of RMSprop; the memory holds the mean square of each entry."""

import math

from dynlens.kernels.loops.head import woven

ALPHA = 0.99
EPS = 1e-8
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@woven
def update(theta, memory, eta, out):
    """Step against the gradient, each entry divided by the root of its mean square."""
    for i in range(theta.size):
        memory[i] = ALPHA * memory[i] + (1 - ALPHA) * out[i] * out[i]
        theta[i] -= eta * out[i] / (math.sqrt(memory[i]) + EPS)
