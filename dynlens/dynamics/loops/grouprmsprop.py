"""The rule of GroupRMSprop; the memory holds the second moment, the steps, their sum."""

import math

from dynlens.kernels.loops.head import woven

DECAY = 0.99
EPS = 1e-6
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@woven
def update(theta, memory, eta, out):
    """Step against the gradient, divided by its root mean square over all parameters."""
    total = 0.0
    for i in range(theta.size):
        total += out[i] * out[i]
    memory[0] = DECAY * memory[0] + (1 - DECAY) * total
    memory[1] += 1
    size = eta / (math.sqrt(memory[0] / (1 - DECAY ** memory[1])) + EPS)
    for i in range(theta.size):
        theta[i] -= size * out[i]
    memory[2] += size
