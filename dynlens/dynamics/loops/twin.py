"""A step rounded otherwise: what rounding did to a run is its distance to this one.

The end of the memory holds what is carried, room for a step, and a die: see `Plan.memory`.
"""

from dynlens.dynamics.loops.plain import update
from dynlens.kernels.loops.head import woven

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@woven
def take(theta, memory, eta, out):
    """Step by the rule; carry what the state is too coarse for, or shake its last digit."""
    n, end = theta.size, memory.size - 1
    own, carried, step = memory[: end - 2 * n], memory[end - 2 * n : end - n], memory[end - n : end]
    for i in range(n):
        step[i] = 0.0
    update(step, own, eta, out)
    if memory[end] < 0.0:  # Kahan's sum
        for i in range(n):
            before, whole = theta[i], step[i] + carried[i]
            theta[i] = before + whole
            carried[i] = whole - (theta[i] - before)
        return
    for i in range(n):
        theta[i] += step[i]
        # A linear congruence, whose numbers doubles hold exactly.
        memory[end] = (1664525.0 * memory[end] + 1013904223.0) % 4294967296.0
        if memory[end] < 1073741824.0:
            theta[i] *= 1.0 - 2.0**-52
        elif memory[end] >= 3221225472.0:
            theta[i] *= 1.0 + 2.0**-52
