"""Gradient of a squared loss from inner products of the vectors of model and target."""

from dynlens.kernels.loops.gram import gram_gradient
from dynlens.kernels.loops.head import compiled
from dynlens.kernels.loops.loss import loss_derivative, loss_value

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@compiled
def loss_gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):
    distance = gram_gradient(theta, index, rows, work, out)
    for i in range(out.size):
        out[i] *= 0.5 * weight[0] * loss_derivative(1.0)
    return weight[0] * loss_value(1.0) * distance
