"""The rule of AdaGrad by the diagonal; the memory holds the sum of squares of each entry."""

import math

from dynlens.kernels.loops.head import woven

EPS = 1e-10
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@woven
def update(theta, memory, eta, out):
    """Step against the gradient, each entry divided by the root of its sum of squares."""
    for i in range(theta.size):
        memory[i] += out[i] * out[i]
        theta[i] -= eta * out[i] / (math.sqrt(memory[i]) + EPS)
