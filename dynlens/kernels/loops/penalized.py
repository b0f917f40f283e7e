"""Gradient of the objective with weight decay; its rate is the second number of `weight`."""

from dynlens.kernels.loops.head import compiled
from dynlens.kernels.loops.through_tensor import loss_gradient

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@compiled
def gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):
    total = loss_gradient(theta, values, index, rows, weight, work, tensor, cotangent, out)
    for i in range(out.size):
        out[i] += weight[1] * theta[i]
        total += 0.5 * weight[1] * theta[i] * theta[i]
    return total
