"""The rule of Adam; the memory holds the share kept, the steps, and two means of gradients."""

import math

from dynlens.kernels.loops.head import woven

ALPHA = 0.999
EPS = 1e-8
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@woven
def update(theta, memory, eta, out):
    """Step against the mean gradient, each entry divided by the root of its mean square."""
    n, beta = theta.size, memory[0]
    mean, squares = memory[2 : 2 + n], memory[2 + n : 2 + 2 * n]
    memory[1] += 1
    grown, risen = 1 - beta ** memory[1], 1 - ALPHA ** memory[1]
    for i in range(n):
        mean[i] = beta * mean[i] + (1 - beta) * out[i]
        squares[i] = ALPHA * squares[i] + (1 - ALPHA) * out[i] * out[i]
        theta[i] -= eta * (mean[i] / grown) / (math.sqrt(squares[i] / risen) + EPS)
